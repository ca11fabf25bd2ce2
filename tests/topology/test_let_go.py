"""A partition that is given up is gone at once: cycles are looked for rarely, and its state is large."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from streams.kafka.topics import AGENT
from tests.topology.on_broker import Consumer
from tests.topology.stage import Stage
from tests.topology.test_limits import decide, owned
from tests.waiting import until


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """Nothing is freed but by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
async def test_a_closed_partition_is_freed(stage: Stage) -> None:
    """Nothing of it stays but what its owner is given for the case that it comes back."""
    consumer = Consumer(group=AGENT)
    partition = owned(stage, {}, decide, consumer)
    await until(lambda: consumer.idle, 10)
    here = weakref.ref(partition)
    assert await partition.close() is not None
    del partition
    assert here() is None
