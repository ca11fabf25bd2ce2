"""Says on standard error how far a long run is, and how long it may still take."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0


class Told:
    """A bar on a terminal, a plain line now and then elsewhere; counts offsets."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr is not None and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Self:
        """Show it."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it as it is."""
        if self._bar is not None:
            self._bar.stop()

    def add(self, offsets: int) -> None:
        """Hear how many more are done with."""
        self._done += offsets
        if self._bar is not None:
            self._bar.advance(self._task, offsets)
            return
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS and sys.stderr is not None:
            self._said = now
            sys.stderr.write(f"{self._what}: {self._done:,} of {self._total:,}, {self._left(now)}\n")

    def _left(self, now: float) -> str:
        if not self._done:
            return "no records yet"
        seconds = (now - self._began) * (self._total - self._done) / self._done
        return f"about {seconds / 60:.0f} min left" if seconds >= 120 else f"about {max(0.0, seconds):.0f} s left"  # noqa: PLR2004 - two minutes
