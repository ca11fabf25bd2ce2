"""Processes measured from outside: CPU seconds and peak memory from /proc (Linux)."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 15.0
ROOT = Path(__file__).parents[2]


def cpu_seconds(pid: int) -> float:
    """Give user and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def descendants(pid: int) -> list[int]:
    """Give a process with its children and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def machine_cpu_seconds() -> float:
    """Give what all cores together have worked."""
    with Path("/proc/stat").open() as stat:
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    idle, waiting = ticks[3], ticks[4]
    return (sum(ticks) - idle - waiting) / TICKS


def peak_mb(pid: int) -> int:
    """Give the largest resident memory of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True, slots=True)
class Clocks:
    """Wall and CPU seconds at one moment: of a process, of the broker, of the whole machine."""

    wall: float
    process: float
    broker: float
    machine: float

    @classmethod
    def read(cls, pid: int, broker_pid: int) -> "Clocks":
        """Read all clocks."""
        return cls(time.perf_counter(), cpu_seconds(pid), cpu_seconds(broker_pid), machine_cpu_seconds())

    def since(self, earlier: "Clocks") -> "Clocks":
        """Give what has passed."""
        return Clocks(
            self.wall - earlier.wall,
            self.process - earlier.process,
            self.broker - earlier.broker,
            self.machine - earlier.machine,
        )

    @property
    def others(self) -> float:
        """Cores kept busy by neither, the harness included: compare runs where it is small."""
        return max(0.0, self.machine - self.process - self.broker) / self.wall


class EndedError(RuntimeError):
    """A contestant ended by itself: its log says why."""


class Contestant:
    """A process that is started, watched, killed and ended."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._arguments = [sys.executable, *arguments]
        self._environment = {**os.environ, **environment}
        self.start()

    def start(self) -> None:
        """Start it, again where it was killed."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(self._arguments, cwd=ROOT, env=self._environment, stdout=out, stderr=out)

    @property
    def pid(self) -> int:
        """Give the process id; raises EndedError where there is none any more."""
        if self._process.poll() is not None:
            raise EndedError(f"{self._arguments} ended with {self._process.returncode}: see {self.log}")
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL; it is gone on return."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End it in order, or by force."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Contestant]:
    """Run a contestant for as long as the block lasts."""
    contestant = Contestant(arguments, environment, log)
    try:
        yield contestant
    finally:
        contestant.stop()
