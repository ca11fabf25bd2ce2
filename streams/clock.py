"""The one source of the present time."""

import time
from datetime import datetime
from typing import Protocol

from schemas.times import from_epoch_ms


class Clock(Protocol):
    """Gives the present as aware UTC with whole milliseconds."""

    def now(self) -> datetime:
        """Give the present."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Give the machine's time, cut to milliseconds."""
        return from_epoch_ms(time.time_ns() // 1_000_000)
