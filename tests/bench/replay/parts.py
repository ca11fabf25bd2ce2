"""Prints what the parts of a replay cost an event, the decision alone among them: what no replay can be faster than.

Run it as `python -m tests.bench.replay.parts FOLDER`, on a folder of `tests.bench.replay.made`. CPU time of one process
on its first partition, the best of several turns: beside other work the best turn is nearest to a core of its own.
"""

import argparse
import asyncio
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

from schemas.catalogue import Catalogue
from schemas.cloudevents import from_record
from schemas.events import Event
from schemas.policy import Policy
from streams.domain import Customer, Rules, customer_of, decide
from streams.fold.application import THE_AGENT
from streams.fold.chain import NO_INPUTS, Chain
from streams.fold.inforce import InForce
from streams.history import Place
from streams.history.exports.history import ExportOrigin
from streams.history.exports.lines import ExportedRecord
from streams.kafka.topics import EVENTS
from streams.replay.fold import POLL_RECORDS, Made, PartitionFold
from streams.replay.partition import replay
from streams.replay.plan import Asked, plan
from tests.bench.replay.made import alone
from tests.bench.telling import say

TURNS = 3
PLACE = Place(EVENTS, 0)


def read(folder: Path) -> list[ExportedRecord]:
    """Read the log of a partition."""
    return [one for piece in ExportOrigin(folder).opened().pieces(PLACE) for one in piece]


def taken(records: Sequence[ExportedRecord]) -> list[Event]:
    """Read the events of records."""
    return [from_record(one.headers, one.key, one.value, one.timestamp) for one in records]


def chained(records: Sequence[ExportedRecord]) -> None:
    """Roll records into a chain."""
    chain = Chain(NO_INPUTS, NO_INPUTS)
    for one in records:
        chain.absorb(one)


def decided(events: Sequence[Event]) -> None:
    """Decide on events, and keep nothing but the state."""
    customers: dict[str, Customer | None] = {}
    rules = Rules(Policy.load(), Catalogue.load())
    for event in events:
        if (customer_id := customer_of(event)) is not None:
            customers[customer_id] = decide(customers.get(customer_id), event, rules).customer


def folded(records: Sequence[ExportedRecord]) -> None:
    """Fold records as a replay does, and compare nothing."""
    shipped = InForce.of(Policy.load(), Catalogue.load())
    fold = PartitionFold(Made(THE_AGENT, "bench/bench", 1, shipped).fold(), PLACE.partition)
    for first in range(0, len(records), POLL_RECORDS):
        fold.take(records[first : first + POLL_RECORDS])


def replayed(folder: Path) -> None:
    """Replay the partition, from the files to the comparison."""

    async def whole() -> None:
        async with ExportOrigin(folder).open() as history:
            tasks = await plan(history, Asked(offsets={PLACE.partition: (await history.spans([EVENTS]))[PLACE]}))
            await replay(history, tasks[0], lambda _: None, print)

    asyncio.run(whole())


def cost(work: Callable[[], object], size: int) -> float:
    """Give the microseconds of CPU an event, of the best turn."""
    best = float("inf")
    for _ in range(TURNS):
        gc.collect()
        began = process_time()
        work()
        best = min(best, process_time() - began)
    return best / size * 1e6


def main() -> None:
    """Print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    alone()
    records = read(folder)
    events = taken(records)
    gc.freeze()
    parts: dict[str, Callable[[], object]] = {
        "reading the files": lambda: read(folder),
        "records as events": lambda: taken(records),
        "the chain over the inputs": lambda: chained(records),
        "the decision alone": lambda: decided(events),
        "the fold": lambda: folded(records),
        "the replay, all of it": lambda: replayed(folder),
    }
    for name, work in parts.items():
        say(f"{name:<28}{cost(work, len(records)):>8.1f} µs")


if __name__ == "__main__":
    main()
