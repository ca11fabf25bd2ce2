"""Worker processes under a supervisor that starts them again, and what they did according to their logs."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[3]
RESTART_SECONDS = 0.2
END_SECONDS = 15.0
UNWILLING = 128 + signal.SIGKILL
"""The code of an end, for a process that did not end when it was asked to."""
MB = 1 << 20
DEATHS_FILE = "CHAOS_DEATHS_FILE"
"""Environment: where a worker with a planted bug counts its deaths, so that they come to an end."""

_OPENED = re.compile(rb"(\d{4}-\S+Z) \w+ \S+ partition (\d+) opened at offset \d+")
_RESTORED = re.compile(rb" partition \d+ restored in .* source (\w+)")
_FENCED = re.compile(rb"^.*(?:ProducerFenced|InvalidProducerEpoch|newer producer).*exiting with.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Opening:
    """A worker has taken a partition, at epoch seconds `at`."""

    worker: str
    application: str
    partition: int
    at: float


@dataclass(frozen=True, slots=True)
class End:
    """A process of a worker has ended, at epoch seconds `at`; the code as `subprocess` gives it."""

    worker: str
    code: int
    at: float


@dataclass(slots=True)
class Worker:
    """One process with a static member name; `application` is its fold's consumer group, empty for one without.

    Attributes:
        command: what Python is told, as `("-m", module)`.
        on_duty: whether it is started again when it ends.
        spared: whether it is left alone by whatever is done to workers.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    application: str = ""
    on_duty: bool = True
    spared: bool = False
    ends: list[End] = field(default_factory=list)
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
    def exits(self) -> dict[int, int]:
        """Count its ends by their code."""
        return dict(Counter(end.code for end in self.ends))

    @property
    def alive(self) -> bool:
        """Tell whether its process runs or sleeps."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start a process."""
        self.started_at, self._ended_at = time.time(), 0.0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
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
        """Note the end of the process, and start it again some moments later."""
        if self._process is None or self.alive:
            return
        if not self._ended_at:
            self._ended_at = time.monotonic()
            self.ends.append(End(self.name, self._process.returncode, time.time()))
            self.asleep = False
        elif self.on_duty and time.monotonic() - self._ended_at > RESTART_SECONDS:
            self.start()

    def resident_mb(self) -> float:
        """Give the memory that its process holds, 0 where none runs."""
        if self._process is None or not self.alive:
            return 0.0
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            return 0.0
        return pages * resource.getpagesize() / MB

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
            seconds = datetime.fromisoformat(at.decode()).timestamp()
            self.openings.append(Opening(self.name, self.application, int(number), seconds))

    def restores(self) -> Counter[str]:
        """Count what its processes have brought the state of partitions back from."""
        found = _RESTORED.findall(self.log.read_bytes()) if self.log.exists() else []
        return Counter(source.decode() for source in found)

    def fences(self) -> int:
        """Count the processes that ended because the broker had fenced them."""
        return len(_FENCED.findall(self.log.read_bytes())) if self.log.exists() else 0


def stop_all(workers: Sequence[Worker]) -> None:
    """End all, in order where possible; none is left. One that has to be killed is an end that nothing explains."""
    for worker in workers:
        worker.signal(signal.SIGCONT)
        worker.signal(signal.SIGTERM)
    for worker in workers:
        if worker.alive and worker.stop() is None:
            worker.ends.append(End(worker.name, UNWILLING, time.time()))
