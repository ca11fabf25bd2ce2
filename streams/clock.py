"""The one source of the present time."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
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
        wall = WallClock().now()
        milliseconds = (wall - self.began) // timedelta(milliseconds=1) * self.scale
        return min(self.start + timedelta(milliseconds=int(milliseconds)), wall)

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
