"""Measures `txpush replay` on what the agent has decided: events a second on one core and on all, CPU, and peak memory.

Run it as `python -m tests.bench.replay [--sizes 100000 300000 1000000]`; Linux and the embedded Kafka. Each size is
drained by the agent first, on the same machine: that is the rate it is held against. Peak memory is the largest
process's. Where other work is going on, CPU per event of both tells more than their rates.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

from streams.kafka.topics import EVENTS
from streams.pool import cores
from tests.bench.contest import AGENT_WORKER, Contest, contest
from tests.bench.drain import drain
from tests.bench.telling import end_on_sigterm, say
from tests.bench.traffic import ACCOUNTS, Portfolio, history, tonight
from tests.processes import CLI, environment, settings_for

SEED = 1
PARTITIONS = 3
HEAD = """| events | live events/s | CPU µs/event | jobs | events/s | times live | CPU µs/event | cores used | peak MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


class Measured(NamedTuple):
    """A replay, measured from outside, its start included."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def measured(place: Contest, jobs: int) -> Measured:
    """Replay all that is there, and require that nothing differs.

    Raises:
        SystemExit: something does, or it could not be replayed.
    """
    settings = settings_for(place.kafka.bootstrap)
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *CLI, "replay", "--jobs", str(jobs)], env=environment(settings), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)  # with what its own processes took
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"txpush replay ended with {process.returncode}")
    return Measured(perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(size: int, jobs: Sequence[int]) -> None:
    """Have the agent drain a log, replay it, and print a line for each number of processes."""
    with contest(PARTITIONS) as place:
        place.kafka.seed(history(Portfolio(ACCOUNTS, SEED), size, tonight()))
        agent = drain(place, AGENT_WORKER, size)
        live = agent.events_per_second
        events = sum(place.kafka.ends(EVENTS))
        for number in jobs:
            got = measured(place, number)
            rate = events / got.seconds
            say(
                f"| {events:,} | {live:,.0f} | {agent.cpu_micros:.1f} | {number} | {rate:,.0f} | {rate / live:.1f} | "
                f"{got.cpu_seconds / events * 1e6:.1f} | {got.cpu_seconds / got.seconds:.2f} | {got.peak_mb:,.0f} |"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 300_000, 1_000_000], help="events of a log")
    sizes = parser.parse_args().sizes
    end_on_sigterm()
    say(HEAD)
    for size in sizes:
        measure(size, sorted({1, cores()}))


if __name__ == "__main__":
    main()
