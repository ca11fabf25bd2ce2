"""The time of a run: days pass in minutes, never later than the present, each process by a clock file of its own."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.clock import PacedClock, ScaledClock

LEAD = timedelta(milliseconds=200)
"""A new pace begins a little later than it is written, so that all who follow the file change at the same moment."""
STANDING = 1e-9
"""A pace at which no timer falls due any more."""


def catching_up(span: timedelta, seconds: float) -> ScaledClock:
    """Give a clock that starts `span` ago and catches up with the present in `seconds`."""
    began = _wall()
    return ScaledClock(began - span, began, span.total_seconds() / max(seconds, 1.0))


@dataclass(frozen=True, slots=True)
class ClockFiles:
    """The clock files of a run: one a process, so that each can be wrong for itself."""

    folder: Path
    true: ScaledClock

    def file_of(self, name: str) -> Path:
        """Give the clock file of a process, which shows the true time unless it was skewed."""
        path = self.folder / f"{name}.clock"
        if not path.exists():
            self._write(path, [self.true])
        return path

    def clock_of(self, name: str) -> PacedClock:
        """Give the clock of a part of this process."""
        return PacedClock(self.file_of(name))

    def skew(self, name: str, by: timedelta) -> None:
        """Set a process's clock wrong by so much of the run's time; 0 sets it right."""
        path, began = self.file_of(name), _wall() + LEAD
        lines = [ScaledClock.read(line) for line in path.read_text(encoding="utf-8").splitlines()]
        now = self.true.at(began)
        self._write(path, [lines[-1], ScaledClock(min(now + by, began), began, self.true.scale)])

    def stand_still(self) -> None:
        """Let no more time pass for anybody: what is under way ends, and no timer starts anything new."""
        began = _wall() + LEAD
        for path in self.folder.glob("*.clock"):
            lines = [ScaledClock.read(line) for line in path.read_text(encoding="utf-8").splitlines()]
            self._write(path, [lines[-1], ScaledClock(lines[-1].at(began), began, STANDING)])

    def _write(self, path: Path, lines: list[ScaledClock]) -> None:
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        unfinished.replace(path)


def _wall() -> datetime:
    return datetime.fromtimestamp(int(time.time() * 1000) / 1000, UTC)
