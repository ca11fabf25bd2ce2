"""A paused partition looks for an operator's word past what nobody can read, and pauses there when it comes to it."""

import pytest
from aiokafka import TopicPartition

from schemas.policy import Policy
from streams.fold.effects import OutRecord
from streams.kafka.topics import AGENT, DEAD_LETTER, EVENTS
from streams.testing.broker import Record
from streams.testing.workers.partition import as_record
from tests.topology.on_broker import Consumer
from tests.topology.stage import Stage
from tests.topology.test_limits import decide, owned
from tests.topology.test_paused import BAD, resume
from tests.waiting import until


class Spoilt(Consumer):
    """The log's consumer, which cannot read the batch of some offsets, nor give what comes before it in one poll."""

    batch = range(0)

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int = 500
    ) -> dict[TopicPartition, list[Record]]:
        """Raise what aiokafka does, gone on to the batch."""
        (place,) = places
        at = await self.position(place)
        if at < self.batch.stop and at + max_records > self.batch.start:
            self.seek(place, max(at, self.batch.start))
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return await super().getmany(*places, timeout_ms=timeout_ms, max_records=max_records)


@pytest.fixture
def spoilt(stage: Stage) -> Spoilt:
    """Give a log of which too much is junk, with junk of another kind behind it that cannot even be read."""
    for _ in range(BAD):
        stage.cluster.append(EVENTS, 0, OutRecord(b"7", b"{}"))
    stage.policy = Policy()
    consumer = Spoilt(group=AGENT)
    first = stage.cluster.log(EVENTS, 0).stable_end
    consumer.batch = range(first + 5, first + 8)
    for _ in range(10):
        stage.cluster.append(EVENTS, 0, OutRecord(b"7", b"{}"))
    return consumer


async def test_the_word_behind_it_is_found(stage: Stage, spoilt: Spoilt) -> None:
    """All before the batch is decided then, and the partition pauses again, in words that name the batch."""
    partition = owned(stage, {}, decide, spoilt)
    await until(lambda: "latest records" in partition.paused, 10)
    stage.cluster.append(EVENTS, 0, as_record(resume(stage.clock.now()), None))
    await until(lambda: "cannot be read" in partition.paused, 20)
    await partition.close()
    assert f"offset {spoilt.batch.start} of {EVENTS}/0 cannot be read" in partition.paused
    assert len(stage.cluster.read(DEAD_LETTER, 0)) == BAD + 5
