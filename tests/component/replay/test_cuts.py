"""A log without a difference has none from any offset on, nor up to any: ids that come back belong where they are."""

import logging
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from streams.history import Span
from streams.kafka.topics import CUSTOMER_COMMANDS, EVENTS
from streams.replay.compare.difference import Difference
from streams.replay.plan import Asked
from streams.testing import Topology
from streams.testing.broker import Record
from tests.component.replay.stage import lived, replayed

SEEDS = (24, 26)
"""In them customers were forgotten and heard of again, with the same ids."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@cache
def world(seed: int) -> Topology:
    return lived(seed, inputs=80, partitions=2)


def id_of(record: Record) -> bytes:
    return dict(record.headers)["ce_id"]


async def found(topology: Topology, span: Span, partition: int) -> list[Difference]:
    summary = await replayed(topology, asked=Asked(offsets={partition: span}))
    return [one for outcome in summary.outcomes for one in outcome.first]


def test_ids_come_back() -> None:
    """In what is cut below: without that nothing would be shown by it."""
    ids = Counter(
        (topic, number, id_of(one))
        for seed in SEEDS
        for topic in CUSTOMER_COMMANDS
        for number in range(2)
        for one in world(seed).cluster.read(topic, number)
    )
    assert len([one for one, count in ids.items() if count > 1]) > 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cut", [0.25, 0.5, 0.75])
async def test_nothing_differs_on_either_side(seed: int, cut: float) -> None:
    """From a cut on, and up to it."""
    for partition in range(2):
        at = int(cut * len(world(seed).cluster.read(EVENTS, partition)))
        for span in (Span(at, 100_000), Span(0, at)):
            assert await found(world(seed), span, partition) == []
