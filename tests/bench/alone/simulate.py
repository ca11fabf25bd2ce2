"""Measures `txpush simulate`: events a second and peak memory at growing sizes, and where `decide` spends its time.

Run it as `python -m tests.bench.alone.simulate [--size 1000000]`; Linux, no Kafka.
Files are written to a temporary folder.
"""

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

import orjson

from schemas.catalogue import Catalogue
from schemas.cloudevents import to_structured
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.simulate import Simulation
from streams.simulate.run import events_of, run

EVENTS_A_CUSTOMER = 5
"""1,000,000 events of 200,000 customers: four nights of one account each, of two for one customer in four."""
FAIL, HEAL = 0.03, 0.4
CODES = {185: 40, 103: 20, 948: 10, 187: 5, 108: 4, 945: 4, 109: 2, 102: 8, 900: 4, 7777: 3}
INSTITUTIONS = 500
FIRST_NIGHT = datetime(2026, 11, 1, tzinfo=UTC)
NIGHT = timedelta(hours=5)
PROFILED = 50_000
SHOWN = 20
HEAD = """| events | customers | events/s | CPU µs/event | peak MB | messages |
| --- | --- | --- | --- | --- | --- |"""


class Measured(NamedTuple):
    """A run, measured from outside."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    messages: int


def nights(customers: int, seed: int) -> Iterator[Event]:
    """Give nightly snapshots of all accounts without end: nine in ten at code 0 as before."""
    random = Random(seed)  # noqa: S311 - the same file every time
    accounts = [(customer, number) for customer in range(customers) for number in range(2 if customer % 4 == 0 else 1)]
    codes = [0] * len(accounts)
    began = FIRST_NIGHT
    while True:
        for place, (customer, number) in enumerate(accounts):
            if random.random() < (HEAL if codes[place] else FAIL):
                codes[place] = 0 if codes[place] else random.choices(list(CODES), list(CODES.values()))[0]
            at = began + timedelta(milliseconds=place * (NIGHT // timedelta(milliseconds=1)) // len(accounts))
            yield _event(customer, number, codes[place], at)
        began += timedelta(days=1)


def _event(customer: int, number: int, code: int, at: datetime) -> Event:
    attempt = at.replace(microsecond=0) - timedelta(minutes=2)
    data = AccountSnapshot(
        customer_id=str(7_000_000_000 + customer),
        account_id=str(5_000_000_000 + 10 * customer + number),
        institution_id=str(102_105 + customer % INSTITUTIONS),
        institution_login_id=str(6_000_000_000 + customer),
        aggregation_status_code=code,
        aggregation_attempt_date=attempt,
        aggregation_success_date=None if code else attempt,
        last_updated_date=attempt + timedelta(seconds=5),
        account_type="checking",
    )
    event_id = sha256(f"{customer}/{number}/{at}".encode()).hexdigest() + ":0"
    subject = f"accounts/{data.account_id}"
    return Event(event_id, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data, subject, data.customer_id)


def write(file: Path, customers: int, size: int) -> None:
    """Write a file of events as they come, holding none."""
    with file.open("wb") as out:
        for event in islice(nights(customers, seed=1), size):
            out.write(orjson.dumps(to_structured(event), option=orjson.OPT_APPEND_NEWLINE))


def measured(file: Path) -> Measured:
    """Run the command on a file and measure the process."""
    began, messages = perf_counter(), 0
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "simulate", str(file)], stdout=subprocess.PIPE, bufsize=1 << 20
    )
    if process.stdout is not None:
        messages = sum(1 for _ in process.stdout)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"txpush simulate ended with {process.returncode}")
    return Measured(perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, messages)


def show(file: Path, customers: int, size: int) -> None:
    """Measure a size and print a line of the table."""
    write(file, customers, size)
    got = measured(file)
    print(  # noqa: T201 - what it is for
        f"| {size:,} | {customers:,} | {size / got.seconds:,.0f} | {got.cpu_seconds / size * 1e6:.1f} | "
        f"{got.peak_mb:,.0f} | {got.messages:,} |",
        flush=True,
    )


def profile(file: Path) -> None:
    """Print the functions that a simulation spends its time in."""
    profiler = cProfile.Profile()
    simulation = Simulation(InForce.of(Policy.load(), Catalogue.load()))
    events = list(islice(events_of(str(file), simulation, print), PROFILED))
    profiler.enable()
    for _ in run(simulation, events, None):
        pass
    profiler.disable()
    stats = pstats.Stats(profiler).strip_dirs().sort_stats("tottime")
    stats.print_stats(SHOWN)
    stats.print_callees("decision.py.*\\(decide\\)")


def main() -> None:
    """Print the table, with a row of as many events of few customers, and the profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="events of the largest file")
    size = parser.parse_args().size
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.jsonl"
        print(HEAD)  # noqa: T201 - the same
        for part in (8, 4, 2, 1):
            show(file, size // part // EVENTS_A_CUSTOMER, size // part)
        show(file, size // 8 // EVENTS_A_CUSTOMER, size)
        profile(file)


if __name__ == "__main__":
    main()
