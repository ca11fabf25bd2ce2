"""Writing a decision: each partition for itself, within its time, and never without saying how it went."""

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from schemas.events import Override, OverrideAction
from streams.kafka.topics import EVENTS
from streams.operate import acts, writing
from streams.operate.writing import Failure, OperateError, Receipt, write
from tests.component.operate.double import NOW

ALL = acts.override(Override(action=OverrideAction.SILENCE, all=True, who="ann", why="wrong letters"), NOW)


class Stored(NamedTuple):
    partition: int
    offset: int


class Producer:
    """An aiokafka producer that answers as the test has it; what partition 1 and 2 do is set on the class."""

    partitions = 3
    refused: Exception | None = None
    silent = False
    stopped = 0

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - aiokafka's own
        assert (options["acks"], options["enable_idempotence"]) == ("all", True)

    async def start(self) -> None:
        if self.partitions < 0:
            raise KafkaConnectionError("nobody there")

    async def stop(self) -> None:
        type(self).stopped += 1

    async def partitions_for(self, topic: str) -> set[int]:
        if not self.partitions:
            raise UnknownTopicOrPartitionError(topic)
        return set(range(self.partitions))

    async def send_and_wait(self, _topic: str, _value: bytes, *, partition: int, **_options: Any) -> Stored:  # noqa: ANN401 - aiokafka's own
        if partition == 1 and self.refused is not None:
            raise self.refused
        if partition == 2 and self.silent:
            await asyncio.Event().wait()
        return Stored(partition, 7)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> type[Producer]:
    double = type("Double", (Producer,), {})
    monkeypatch.setattr(writing, "AIOKafkaProducer", double)
    monkeypatch.setattr(writing, "SEND_SECONDS", 0.05)
    return double


async def test_every_partition_is_told(producer: type[Producer]) -> None:
    """A refused partition and a silent one are named with their reasons, the others have it; the producer is gone."""
    producer.refused, producer.silent = MessageSizeTooLargeError("too large"), True
    outcome = await write(ALL, "broker", 3)
    assert outcome.written == [Receipt(EVENTS, 0, 7)]
    assert [one[:2] for one in outcome.failed] == [(EVENTS, 1), (EVENTS, 2)]
    assert "too large" in outcome.failed[0].why
    assert outcome.failed[1] == Failure(EVENTS, 2, "not acknowledged within 0 s")
    assert producer.stopped == 1


@pytest.mark.parametrize(
    ("partitions", "words"),
    [(0, "is missing: run `txpush topics apply`"), (12, "has 12 partitions, not 3: set TXPUSH_PARTITIONS=12")],
)
async def test_topics_that_do_not_fit_are_refused(producer: type[Producer], partitions: int, words: str) -> None:
    """Before anything is written the topics are looked at."""
    producer.partitions = partitions
    with pytest.raises(OperateError, match=words):
        await write(ALL, "broker", 3)
    assert producer.stopped == 1


async def test_no_broker_is_an_error_of_kafka(producer: type[Producer]) -> None:
    """Where nobody answers the caller is told so, and nothing is left open."""
    producer.partitions = -1
    with pytest.raises(KafkaConnectionError):
        await write(ALL, "broker", 3)
    assert producer.stopped == 1
