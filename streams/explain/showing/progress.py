"""How far the reading is, on standard error: a bar with the time left on a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from streams.progress import TimeLeft

LINE_SECONDS = 10.0
"""Between two lines where nobody watches a bar."""


class Bar:
    """See Progress in `streams.explain.reading.topics`; drawn inside `with`, and gone after it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeLeft(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)
        self._offsets = self._read = 0
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw no more."""
        self._bar.stop()

    def begin(self, offsets: int) -> None:
        """Say how many offsets there are to read in all."""
        self._offsets = offsets
        self._bar.update(self._task, total=offsets)

    def advance(self, offsets: int) -> None:
        """Say that so many more were read."""
        self._read += offsets
        self._bar.advance(self._task, offsets)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said > LINE_SECONDS and self._read:
            self._said = now
            left = (now - self._began) * (self._offsets - self._read) / self._read
            share = f"{self._read / max(1, self._offsets):.0%} of {self._offsets:,} offsets read"
            self._console.print(f"{share}, {max(0, left):.0f} s left", highlight=False, soft_wrap=True)
