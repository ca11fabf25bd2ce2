"""The share of dead letters among a partition's latest records, and when it is too large (streams: guarantee 4)."""

from collections import deque
from collections.abc import Iterable, Sequence

from schemas.state import ControlState, replace

WINDOW = 1000
"""Records looked at."""
MINIMUM = 100
"""Records before a share means anything."""


def entries(dead_letters: int) -> list[bool]:
    """Give what a record counts for: one good one, or as many bad ones as it has dead letters, a tick perhaps many."""
    return [True] * min(dead_letters, WINDOW) or [False]


class DeadLetterShare:
    """A sliding window over one partition; `with_poll` looks ahead, `accept` moves on, `record` is what outlasts."""

    __slots__ = ("_recent",)

    def __init__(self, control: ControlState | None = None) -> None:
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        if control is not None:
            dead = set(control.dead_ago)
            self._recent.extend(ago in dead for ago in reversed(range(control.looked_at)))

    def with_poll(self, dead: Iterable[bool]) -> float:
        """Give the share at the end of a poll or at any dead letter in it, the highest; 0 while too few can tell."""
        seen, before = [*self._recent, *dead], len(self._recent)
        ends = [end for end in range(before + 1, len(seen)) if seen[end - 1]]
        return max(_share(seen, end) for end in (*ends, len(seen)))

    def accept(self, dead: Iterable[bool]) -> None:
        """Count the records of a poll."""
        self._recent.extend(dead)

    def record(self, control: ControlState, dead: Sequence[bool]) -> ControlState:
        """Give the partition's record with the window as it is after a poll."""
        seen = [*self._recent, *dead][-WINDOW:]
        ago = tuple(len(seen) - 1 - place for place, is_dead in enumerate(seen) if is_dead)
        return replace(control, looked_at=len(seen), dead_ago=ago)


def _share(seen: Sequence[bool], end: int) -> float:
    window = seen[max(0, end - WINDOW) : end]
    return sum(window) / len(window) if len(window) >= MINIMUM else 0.0
