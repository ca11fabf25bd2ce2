"""The share of dead letters among a partition's latest records, and when it is too large (streams: guarantee 4)."""

from collections.abc import Sequence

from schemas.state import ControlState, replace

WINDOW = 1000
"""Records looked at."""
MINIMUM = 100
"""Records before a share means anything."""


def entries(dead_letters: int) -> list[bool]:
    """Give what a record counts for: one good one, or as many bad ones as it has dead letters, a tick perhaps many."""
    return [True] * min(dead_letters, WINDOW) or [False]


class DeadLetterShare:
    """A sliding window over one partition; what a poll adds is looked at before it counts.

    The window follows from the log alone: what an operator has accepted is in it as well, until the record that says so
    empties it. So it is the same whoever folds the log, and however often the partition was paused meanwhile.
    """

    __slots__ = ("_recent",)

    def __init__(self, control: ControlState | None = None) -> None:
        self._recent: list[bool] = []
        if control is not None:
            dead = set(control.dead_ago)
            self._recent += [ago in dead for ago in reversed(range(control.looked_at))]

    def poll(self) -> "PollShare":
        """Look ahead at what a poll adds."""
        return PollShare(self._recent)

    def accept(self, poll: "PollShare") -> None:
        """Move on to the end of a poll."""
        self._recent = poll.window


class PollShare:
    """The window while a poll is folded."""

    __slots__ = ("_judged_from", "_seen")

    def __init__(self, recent: Sequence[bool]) -> None:
        self._seen = [*recent]
        self._judged_from = len(self._seen)

    def take(self, dead_letters: int, *, is_accepted: bool = False) -> None:
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
        return any(self._seen[self._judged_from :])

    def highest(self) -> float:
        """Give the share at the end of the poll or at any dead letter in it, the highest; 0 while too few can tell."""
        seen = self._seen
        ends = [end for end in range(self._judged_from + 1, len(seen)) if seen[end - 1]]
        return max(_share(seen, end) for end in (*ends, len(seen)))

    @property
    def window(self) -> list[bool]:
        """The latest records at the end of the poll."""
        return self._seen[-WINDOW:]

    def record(self, control: ControlState) -> ControlState:
        """Give the partition's record with the window as it is after the poll."""
        window = self.window
        ago = tuple(len(window) - 1 - place for place, is_dead in enumerate(window) if is_dead)
        return replace(control, looked_at=len(window), dead_ago=ago)


def _share(seen: Sequence[bool], end: int) -> float:
    window = seen[max(0, end - WINDOW) : end]
    return sum(window) / len(window) if len(window) >= MINIMUM else 0.0
