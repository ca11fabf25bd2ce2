"""The share of dead letters among a partition's latest records, and when it is too large (streams: guarantee 4)."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from zlib import crc32

from schemas.state import ControlState, replace
from streams.fold.effects import ShareTooLarge

WINDOW = 1000
"""Records looked at."""
MINIMUM = 100
"""Records before a share means anything."""
SEVERAL = 2
"""Who has to fail before it is a share of anything: one alone stops nobody else."""
GOOD, NOBODYS = -1, 0
"""Entries of the window; that of a dead letter which is somebody's is a number of theirs."""


def entries(dead_letters: Sequence[str | None]) -> list[int]:
    """Give what a record counts for: one good one, or as many bad ones as it has dead letters, a tick perhaps many.

    `dead_letters` says whose state each failed at, None for nobody's.
    """
    return [NOBODYS if whose is None else 1 + crc32(whose.encode()) for whose in dead_letters[:WINDOW]] or [GOOD]


class DeadLetterShare:
    """A sliding window over one partition; what a poll adds is looked at before it counts.

    Dead letters at which one customer's own state fails count as one, however many there are in the window: who is
    poisoned stops nobody else. What is no event at all counts each time: that is a writer's doing.

    The window follows from the log alone: what an operator has accepted is in it as well, until the record that says so
    empties it. So it is the same whoever folds the log, and however often the partition was paused meanwhile.
    """

    __slots__ = ("_recent",)

    def __init__(self, control: ControlState | None = None) -> None:
        self._recent: list[int] = []
        if control is not None:
            whose = control.dead_of or (NOBODYS,) * len(control.dead_ago)
            dead = dict(zip(control.dead_ago, whose, strict=False))
            self._recent += [dead.get(ago, GOOD) for ago in reversed(range(control.looked_at))]

    def poll(self) -> "PollShare":
        """Look ahead at what a poll adds."""
        return PollShare(self._recent)

    def accept(self, poll: "PollShare") -> None:
        """Move on to the end of a poll."""
        self._recent = poll.window


class PollShare:
    """The window while a poll is folded."""

    __slots__ = ("_judged_from", "_seen")

    def __init__(self, recent: Sequence[int]) -> None:
        self._seen = [*recent]
        self._judged_from = len(self._seen)

    def take(self, dead_letters: Sequence[str | None], *, is_accepted: bool = False) -> None:
        """Count a record; one that an operator has accepted, with all before it, pauses nothing."""
        self._seen += entries(dead_letters)
        if is_accepted:
            self._judged_from = len(self._seen)

    def resume(self) -> None:
        """Begin anew: an operator has accepted all that came before."""
        self._seen.clear()
        self._judged_from = 0

    @property
    def has_dead_letters(self) -> bool:
        """Whether any record of the poll that is judged was set aside."""
        return any(entry != GOOD for entry in islice(self._seen, self._judged_from, None))

    def highest(self) -> float:
        """Give the share at the end of the poll or at any dead letter in it, the highest; 0 while too few can tell."""
        window, highest = _Window(), 0.0
        for place, entry in enumerate(self._seen, 1):
            window.add(entry)
            if place > WINDOW:
                window.drop(self._seen[place - WINDOW - 1])
            if place == len(self._seen) or (place > self._judged_from and entry != GOOD):
                highest = max(highest, window.share())
        return highest

    def require(self, limit: float) -> None:
        """Refuse a poll with which the share of dead letters is above the policy's limit.

        Raises:
            ShareTooLarge: says so, and what to do.
        """
        if self.has_dead_letters and (highest := self.highest()) > limit:
            raise ShareTooLarge(
                f"{highest:.0%} of the latest records would be dead letters, above the policy's {limit:.0%}: look at "
                "the worker's log; start a release that can decide on them, or accept what is in the log by now with "
                "`txpush override resume`"
            )

    @property
    def window(self) -> list[int]:
        """The latest records at the end of the poll."""
        return self._seen[-WINDOW:]

    def record(self, control: ControlState) -> ControlState:
        """Give the partition's record with the window as it is after the poll."""
        window = self.window
        ago = tuple(len(window) - 1 - place for place, entry in enumerate(window) if entry != GOOD)
        whose = tuple(entry for entry in window if entry != GOOD)
        return replace(control, looked_at=len(window), dead_ago=ago, dead_of=whose if any(whose) else ())


class _Window:
    """What is in the window, counted as it moves on."""

    __slots__ = ("_bad", "_counts")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._bad = 0
        """Somebody's dead letters count as one."""

    def add(self, entry: int) -> None:
        """Take one more."""
        self._counts[entry] += 1
        self._bad += entry == NOBODYS or (entry != GOOD and self._counts[entry] == 1)

    def drop(self, entry: int) -> None:
        """Leave one behind."""
        self._counts[entry] -= 1
        self._bad -= entry == NOBODYS or (entry != GOOD and not self._counts[entry])

    def share(self) -> float:
        """Give the share of those who fail among them and the good records."""
        if self._counts.total() < MINIMUM or self._bad < SEVERAL:
            return 0.0
        return self._bad / (self._bad + self._counts[GOOD])
