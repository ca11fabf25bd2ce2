"""What is said while a year is played: a bar on a terminal, elsewhere a line now and then; both with the time left."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0
"""Between two lines."""
TREND_SECONDS = 60.0
"""Of how long the bar judges the time left: nights differ."""


@contextmanager
def progress(days: int, console: Console | None = None) -> Iterator[Callable[[], None]]:
    """Give what is to be called at the end of each day; standard output stays free for the result."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield Lines(days).day_over
        return
    columns = (TextColumn("days"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, speed_estimate_period=TREND_SECONDS) as bar:
        task = bar.add_task("", total=days)
        yield lambda: bar.advance(task)


class Lines:
    """Says on standard error where a year of so many days is, at most every `LINE_SECONDS`."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._over = 0
        self._began = self._said = time.monotonic()

    def day_over(self) -> None:
        """Count a day."""
        self._over += 1
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS and self._over < self._days:
            self._said, took = now, now - self._began
            left = took / self._over * (self._days - self._over)
            sys.stderr.write(f"day {self._over} of {self._days} after {took:.0f} s, about {left:.0f} s left\n")
            sys.stderr.flush()
