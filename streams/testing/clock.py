"""A clock for tests."""

from datetime import datetime, timedelta

from schemas.times import from_epoch_ms, to_epoch_ms

MILLISECOND = timedelta(milliseconds=1)


class VirtualClock:
    """Stands until it is moved, and never goes back; whole milliseconds, as every clock here."""

    def __init__(self, at: datetime) -> None:
        self._at = from_epoch_ms(to_epoch_ms(at))

    def now(self) -> datetime:
        """Give the present."""
        return self._at

    def move_to(self, at: datetime) -> None:
        """Go on to a time, to the next whole millisecond; a time that has passed changes nothing."""
        whole = from_epoch_ms(to_epoch_ms(at))
        self._at = max(self._at, whole if whole >= at else whole + MILLISECOND)
