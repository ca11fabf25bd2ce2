"""The share of dead letters among the latest records of a partition, and when it is too large (guarantee 4)."""

from collections import deque
from collections.abc import Iterable, Sequence

WINDOW = 1000
"""Records looked at."""
MINIMUM = 100
"""Records before a share means anything."""


class DeadLetterShare:
    """A sliding window over one partition; `with_poll` looks ahead, `accept` moves on."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=WINDOW)

    def with_poll(self, dead: Iterable[bool]) -> float:
        """Give the share at the end of a poll or at any dead letter in it, the highest; 0 while too few can tell."""
        seen, before = [*self._recent, *dead], len(self._recent)
        ends = [end for end in range(before + 1, len(seen)) if seen[end - 1]]
        return max(_share(seen, end) for end in (*ends, len(seen)))

    def accept(self, dead: Iterable[bool]) -> None:
        """Count the records of a poll."""
        self._recent.extend(dead)


def _share(seen: Sequence[bool], end: int) -> float:
    window = seen[max(0, end - WINDOW) : end]
    return sum(window) / len(window) if len(window) >= MINIMUM else 0.0
