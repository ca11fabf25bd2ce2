"""Says on standard error how far a long run is, and how long it may still take."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

EARLY_SECONDS = 5.0
"""For so long a run may be nothing but its own beginning, and says nothing of how long it takes."""
LINE_SECONDS = 10.0
"""Between two lines where nobody looks at a bar."""
MINUTE = 60.0


class TimeLeft(TimeRemainingColumn):
    """The time that is left, once it is more than a guess."""

    def render(self, task: Task) -> Text:
        """Leave it open in the first seconds."""
        if not task.finished and (task.elapsed or 0.0) < EARLY_SECONDS:
            return Text("-:--:--", style="progress.remaining")
        return super().render(task)


def columns() -> tuple[ProgressColumn, ...]:
    """Give what a bar shows: what is done, how much of it, of how many, and the time left."""
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft()


class Told:
    """A bar on a terminal, a plain line now and then elsewhere.

    Args:
        what: names the run.
        total: how many there are to count; None where `add` says it.
        unit: what is counted, where a line should say so.
        goes: the bar goes when the run is over, and leaves room for what is said next.
    """

    def __init__(self, what: str, total: int | None = None, *, unit: str = "", goes: bool = False) -> None:
        self._what = what
        self._total = total
        self._unit = f" {unit}" if unit else ""
        self._done = 0
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr is not None and sys.stderr.isatty():
            self._bar = Progress(*columns(), console=Console(stderr=True), transient=goes)
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Self:
        """Show it."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show it no more."""
        if self._bar is not None:
            self._bar.stop()

    def add(self, more: int, total: int | None = None) -> None:
        """Hear how many more are done with, and of how many, where that is known only now."""
        self._done += more
        self._total = total if total is not None else self._total
        if self._bar is not None:
            self._bar.update(self._task, advance=more, total=self._total)
            return
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS and self._done and self._total is not None and sys.stderr is not None:
            self._said = now
            left = (now - self._began) * max(0, self._total - self._done) / self._done
            sys.stderr.write(f"{self._what}: {self._done:,} of {self._total:,}{self._unit}, {in_words(left)} left\n")


def in_words(seconds: float) -> str:
    """Give a span as people say it."""
    return f"about {seconds / MINUTE:.0f} min" if seconds >= 2 * MINUTE else f"about {seconds:.0f} s"
