"""The pace of the demo's one clock: a day in two seconds, and slower while somebody is at a page."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from schemas.times import from_epoch_ms, to_epoch_ms
from streams.clock import PacedClock, ScaledClock, WallClock

DAYS = 43_200.0
"""A day in two seconds."""
HOURS = 3_600.0
"""An hour in a second."""
MINUTES = 60.0
"""A minute in a second: the vendor's links live two hours, and whoever presses buttons takes real time for it."""
AS_IT_IS = 1.0
STARTS_DAYS_AGO = 12
"""Longer than the story; less than Kafka keeps dead letters."""
STARTS_AT_HOUR = 9
"""An hour after the vendor's nightly batch: the next one is a day away."""
LEAD = timedelta(milliseconds=150)
"""From the writing of a change to its moment: every process has read it by then."""


class Pace:
    """Writes the file of a `PacedClock`; `clock` is that clock."""

    def __init__(self, file: Path) -> None:
        self.file = file
        wall = WallClock().now()
        start = (wall - timedelta(days=STARTS_DAYS_AGO)).replace(hour=STARTS_AT_HOUR, minute=0, second=0, microsecond=0)
        self._lines = [ScaledClock(start, wall, MINUTES)]
        self._write()
        self.clock = PacedClock(file)

    def now(self) -> datetime:
        """Give the time of everybody."""
        return self.clock.now()

    def go(self, scale: float) -> None:
        """Change the pace in a moment."""
        self._turn(WallClock().now() + LEAD, scale)
        self._write()

    async def pass_until(self, at: datetime, scale: float = DAYS) -> None:
        """Let the time pass until the clock shows `at`, and go on slowly from then: both are written beforehand."""
        fast = self._turn(WallClock().now() + LEAD, scale)
        slow = self._turn(_whole(fast.began + max(at - fast.start, timedelta(0)) / scale), MINUTES)
        self._write()
        await asyncio.sleep((slow.began - WallClock().now()).total_seconds())

    def _turn(self, wall: datetime, scale: float) -> ScaledClock:
        line = ScaledClock(self._lines[-1].at(wall), wall, scale)
        self._lines.append(line)
        return line

    def _write(self) -> None:
        written = self.file.with_suffix(".new")
        written.write_text("".join(f"{line}\n" for line in self._lines), encoding="utf-8")
        written.replace(self.file)


def _whole(at: datetime) -> datetime:
    """Cut to milliseconds, as clocks have them."""
    return from_epoch_ms(to_epoch_ms(at))
