"""Worker processes under a supervisor that starts them again, and what they did according to their logs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESTART_SECONDS = 0.2
END_SECONDS = 15.0
DEATHS_FILE = "CHAOS_DEATHS_FILE"
"""Environment: where a worker with a planted bug counts its deaths, so that they come to an end."""

_OPENED = re.compile(rb"(\d{4}-\S+ \S+) \w+ \S+ partition (\d+) opened at offset \d+")
_RESTORED = re.compile(rb" partition \d+ restored in .* source (\w+)")
_FENCED = re.compile(rb"^.*(?:ProducerFenced|InvalidProducerEpoch|newer producer).*exiting with.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Opening:
    """A worker has taken a partition, at epoch seconds `at`."""

    worker: str
    application: str
    partition: int
    at: float


@dataclass(slots=True)
class Worker:
    """One process with a static member name; `application` is its consumer group, empty for one without."""

    name: str
    module: str
    environment: Mapping[str, str]
    folder: Path
    application: str = ""
    exits: Counter[int] = field(default_factory=Counter)
    asleep: bool = False
    openings: list[Opening] = field(default_factory=list)
    started_at: float = 0.0
    _process: subprocess.Popen[bytes] | None = None
    _ended_at: float = 0.0
    _read_to: int = 0

    @property
    def log(self) -> Path:
        """Where all processes of this worker write."""
        return self.folder / f"{self.name}.log"

    @property
    def _command(self) -> tuple[str, ...]:
        return ("-m", "tests.chaos.openings", self.module) if self.application else ("-m", self.module)

    @property
    def alive(self) -> bool:
        """Tell whether its process runs or sleeps."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start a process."""
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=ROOT,
                env={**os.environ, "TXPUSH_INSTANCE": self.name, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a living process."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)
            self.asleep = number is signal.SIGSTOP

    def kill(self) -> None:
        """End the process with SIGKILL; it is gone on return."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(END_SECONDS)

    def tend(self) -> None:
        """Start the process again some moments after its end."""
        if self._process is None or self.alive:
            return
        if not self._ended_at:
            self._ended_at = time.monotonic()
            self.exits[self._process.returncode] += 1
            self.asleep = False
        elif time.monotonic() - self._ended_at > RESTART_SECONDS:
            self._ended_at = 0.0
            self.start()

    def stop(self) -> int | None:
        """End the process in order and give its exit code; with SIGKILL when that takes too long."""
        if self._process is None:
            return None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    @property
    def at_work(self) -> bool:
        """Tell whether its present process has taken a partition."""
        return bool(self.taken(self.started_at))

    def taken(self, since: float) -> set[int]:
        """Give the partitions that it took at epoch seconds `since` or later."""
        self.read_log()
        return {opening.partition for opening in self.openings if opening.at >= since}

    def read_log(self) -> None:
        """Take what was written since the last time: when it took which partition."""
        if not self.log.exists():
            return
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            written = log.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for at, number in _OPENED.findall(whole):
            seconds = datetime.strptime(at.decode(), "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
            self.openings.append(Opening(self.name, self.application, int(number), seconds))

    def restores(self) -> Counter[str]:
        """Count what its processes have brought the state of partitions back from."""
        found = _RESTORED.findall(self.log.read_bytes()) if self.log.exists() else []
        return Counter(source.decode() for source in found)

    def fences(self) -> int:
        """Count the processes that ended because the broker had fenced them."""
        return len(_FENCED.findall(self.log.read_bytes())) if self.log.exists() else 0


def stop_all(workers: Sequence[Worker]) -> None:
    """End all, in order where possible; none is left."""
    for worker in workers:
        worker.signal(signal.SIGCONT)
        worker.signal(signal.SIGTERM)
    for worker in workers:
        worker.stop()
