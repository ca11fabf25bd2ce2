"""A clock that can be moved on, and is not asked to stand still."""

from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from streams.clock import Clock

MILLISECOND = timedelta(milliseconds=1)


@runtime_checkable
class MovableClock(Clock, Protocol):
    """A clock that somebody may move on."""

    def move_to(self, at: datetime) -> None:
        """Go on to a time; one that has passed changes nothing."""


class AdvancingClock:
    """Another clock, so far ahead as it was moved; whole milliseconds, as every clock here."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Give the present."""
        return self._base.now() + self._ahead

    def move_to(self, at: datetime) -> None:
        """Go on to a time; one that has passed changes nothing."""
        ahead = at - self._base.now()
        self._ahead = max(self._ahead, -(-ahead // MILLISECOND) * MILLISECOND)
