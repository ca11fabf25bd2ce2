"""Measures `txpush replay` on exports of several sizes: events a second, CPU, memory of every process; no Kafka.

Run it as `python -m tests.bench.replay.sizes [--sizes 1000000 2000000 4000000] [--jobs 2]`. An export is made first,
and is gone afterwards; ten million events take 2.6 GB of disk. What the replay says of its progress is passed on.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter

from streams.pool import cores
from tests.bench.measure import descendants, peak_mb
from tests.bench.replay.made import make
from tests.bench.telling import end_on_sigterm, say
from tests.bench.traffic import ACCOUNTS
from tests.processes import CLI, environment

SAMPLE_SECONDS = 0.5
HEAD = """| events | jobs | events/s | a core | CPU µs/event | cores used | MB of its processes, all together |
| --- | --- | --- | --- | --- | --- | --- |"""


class Memory(threading.Thread):
    """Looks at the largest memory of each process that a process starts, until that one ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peaks: dict[int, int] = {}

    def run(self) -> None:
        """Look."""
        while not self._over.wait(SAMPLE_SECONDS):
            for pid in descendants(self._pid):
                with contextlib.suppress(OSError, StopIteration):  # it has ended meanwhile
                    self.peaks[pid] = peak_mb(pid)

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def measure(folder: Path, size: int, jobs: int) -> str:
    """Replay an export, and give a line of the table.

    Raises:
        SystemExit: something differs, or it could not be replayed.
    """
    command = [sys.executable, *CLI, "replay", "--file", str(folder), "--jobs", str(jobs)]
    began = perf_counter()
    process = subprocess.Popen(command, env=environment({}), stdout=subprocess.DEVNULL)
    memory = Memory(process.pid)
    memory.start()
    _, status, usage = os.wait4(process.pid, 0)  # with what its own processes took
    seconds = perf_counter() - began
    memory.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"txpush replay ended with {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    peaks = sorted(memory.peaks.values(), reverse=True)
    return (
        f"| {size:,} | {jobs} | {size / seconds:,.0f} | {size / cpu:,.0f} | {cpu / size * 1e6:.1f} | "
        f"{cpu / seconds:.2f} | {', '.join(map(str, peaks))}; {sum(peaks)} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 2_000_000, 4_000_000], help="events")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"of their customers; {ACCOUNTS:,}")
    parser.add_argument("--jobs", type=int, nargs="+", default=[cores()], help="processes; as many as there are cores")
    asked = parser.parse_args()
    end_on_sigterm()
    say(HEAD)
    for size in asked.sizes:
        with tempfile.TemporaryDirectory(prefix="txpush-replay-sizes-") as folder:
            make(Path(folder) / "export", size, asked.accounts)
            for jobs in asked.jobs:
                say(measure(Path(folder) / "export", size, jobs))


if __name__ == "__main__":
    main()
