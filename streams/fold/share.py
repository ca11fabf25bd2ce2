"""The share of dead letters among the latest records of a partition, and when it is too large (guarantee 4)."""

from collections import deque
from collections.abc import Iterable

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
        """Give the share as it would be with the records of a poll; 0 while there are too few to tell."""
        recent = [*self._recent, *dead][-WINDOW:]
        return sum(recent) / len(recent) if len(recent) >= MINIMUM else 0.0

    def accept(self, dead: Iterable[bool]) -> None:
        """Count the records of a poll."""
        self._recent.extend(dead)
