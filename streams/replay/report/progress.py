"""How far a replay is, on standard error: a bar with the time that is left, a plain line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0
MINUTE = 60.0


class Told:
    """Counts records, each of which is folded once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = 0
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr is not None and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(what, total=None)

    def __enter__(self) -> Self:
        """Show it."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave room for what is said next."""
        if self._bar is not None:
            self._bar.stop()

    def folded(self, more: int, total: int) -> None:
        """Hear how many records more were folded, of how many at most: some offsets have no record."""
        self._done += more
        if self._bar is not None:
            self._bar.update(self._task, advance=more, total=total)
            return
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS and sys.stderr is not None:
            self._said = now
            left = (now - self._began) * max(0, total - self._done) / self._done
            sys.stderr.write(f"{self._what}: {self._done:,} of {total:,} records, {in_words(left)} left\n")


def in_words(seconds: float) -> str:
    """Give a span as people say it."""
    return f"about {seconds / MINUTE:.0f} min" if seconds >= 2 * MINUTE else f"about {seconds:.0f} s"
