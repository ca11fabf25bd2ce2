"""Makes the export of a log of any size, as the agent would have decided it: nights of `tests.bench.traffic`, no Kafka.

Run it as `python -m tests.bench.replay.made FOLDER [--size 1000000]`. Signals are left out: their log is empty.
"""

import argparse
import gc
import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from schemas.times import from_epoch_ms
from streams.pool import cores
from streams.progress import Told
from streams.replay.work import COLLECT_OBJECTS
from streams.testing.applications import AGENT_APPLICATION
from tests.bench.replay.recorder import Files, Parts, Recorder, write_whole
from tests.bench.telling import say
from tests.bench.traffic import ACCOUNTS, Portfolio, history, tonight

SEED = 1
PARTITIONS = 4
"""So that any of one, two or four processes have as much to do."""
POLL = 4000


def make(folder: Path, size: int, accounts: int = ACCOUNTS) -> None:
    """Write the export; a process a core, a partition at a time."""
    folder.mkdir(parents=True)
    context, each = get_context("spawn"), size // PARTITIONS
    with ProcessPoolExecutor(min(cores(), PARTITIONS), context, alone) as pool, Told("made", PARTITIONS) as told:
        work = [pool.submit(make_partition, folder, number, each, accounts) for number in range(PARTITIONS)]
        for done in as_completed(work):
            done.result()
            told.add(1)
    write_whole(folder, PARTITIONS)


def alone() -> None:
    """Set up a process that does nothing else: an agent's words about codes that nobody knows are for nobody."""
    logging.disable()
    gc.set_threshold(COLLECT_OBJECTS)


def make_partition(folder: Path, partition: int, size: int, accounts: int) -> None:
    """Write the files of one partition."""
    portfolio = Portfolio(accounts, SEED).within(partition, PARTITIONS)
    until = tonight()
    with Files(folder, partition) as files:
        agent = Recorder(files, AGENT_APPLICATION, PARTITIONS)
        events = _parts(portfolio, size)
        first = next(events)
        agent.begin(from_epoch_ms(first[3]))
        agent.take([first])
        while poll := list(islice(events, POLL)):
            agent.take(poll)
        agent.end(until)


def _parts(portfolio: Portfolio, size: int) -> Iterator[Parts]:
    for one in history(portfolio, size, tonight()):
        yield one.key, one.value, one.headers, one.timestamp_ms


def main() -> None:
    """Make it, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=1_000_000, help="events; 1,000,000")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"of their customers; {ACCOUNTS:,}")
    asked = parser.parse_args()
    make(asked.folder, asked.size, asked.accounts)
    say(f"{asked.size:,} events: txpush replay --file {asked.folder}")


if __name__ == "__main__":
    main()
