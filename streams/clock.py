"""The one source of the present time."""

import contextlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from schemas.times import from_epoch_ms, parse_rfc3339, rfc3339


class Clock(Protocol):
    """Gives the present as aware UTC with whole milliseconds."""

    def now(self) -> datetime:
        """Give the present."""


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Give the machine's time, cut to milliseconds."""
        return from_epoch_ms(time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Runs `scale` times as fast as the machine's clock, from `start` at the machine's time `began`; never past it.

    For demonstrations and tests: days pass in seconds, the same in every process that is told the same three.
    """

    start: datetime
    began: datetime
    scale: float

    def now(self) -> datetime:
        """Give the time, in whole milliseconds; the machine's own once it would be later."""
        return self.at(WallClock().now())

    def at(self, wall: datetime) -> datetime:
        """Give what it shows at a time of the machine's clock."""
        milliseconds = (wall - self.began) // timedelta(milliseconds=1) * self.scale
        try:
            return min(self.start + timedelta(milliseconds=int(milliseconds)), wall)
        except OverflowError:  # no date is that far away
            return wall if milliseconds > 0 else min(self.start, wall)

    def __str__(self) -> str:
        """Give the three as `read` takes them."""
        return f"{rfc3339(self.start)},{rfc3339(self.began)},{self.scale:.12g}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `start,began,scale`.

        Raises:
            ValueError: it is not that, or `start` is later than `began`, or `scale` not above 0.
        """
        try:
            start, began, scale = text.split(",")
            clock = cls(parse_rfc3339(start), parse_rfc3339(began), float(scale))
        except ValueError as error:
            raise ValueError("write start,began,scale: two RFC 3339 times and a number") from error
        if not (clock.start <= clock.began and 0 < clock.scale < float("inf")):
            raise ValueError("start must not be later than began, and scale above 0")
        return clock


class PacedClock:
    """Runs by a file, one `ScaledClock` a line in the order of time: of those that have begun, the last one counts.

    Whoever replaces the file changes the pace of every process that follows it, at the same moment if the new line
    begins a little later. A file that is gone or no clock any more changes nothing.

    Raises:
        ValueError, OSError: the file is no clock, or cannot be read, at first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at, self._lines = self._state(), self._read()

    def __str__(self) -> str:
        """Give the place of the file."""
        return str(self._path)

    def now(self) -> datetime:
        """Give the time, in whole milliseconds; never later than the machine's."""
        self._follow()
        wall = WallClock().now()
        return next((line for line in reversed(self._lines) if line.began <= wall), self._lines[0]).at(wall)

    def _follow(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            state = self._state()
            if state != self._read_at:
                self._read_at, self._lines = state, self._read()

    def _state(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns

    def _read(self) -> tuple[ScaledClock, ...]:
        lines = tuple(map(ScaledClock.read, self._path.read_text(encoding="utf-8").splitlines()))
        if not lines:
            raise ValueError(f"{self._path} has no line: write start,began,scale")
        return lines


def read_clock(text: str) -> ScaledClock | PacedClock:
    """Read a clock as settings name it: `start,began,scale`, or the absolute place of a file of such lines.

    Raises:
        ValueError: it is neither.
    """
    if not text.startswith("/"):
        return ScaledClock.read(text)
    try:
        return PacedClock(Path(text))
    except OSError as error:
        raise ValueError(f"{text} cannot be read: {error.strerror}") from None
