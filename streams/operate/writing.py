"""Writes a decision where it belongs, and tells exactly which partitions have it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.cloudevents import to_headers, to_value
from schemas.times import to_epoch_ms
from streams.ending import ended
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import in_words
from streams.operate.acts import Act, Placed

START_SECONDS = 15.0
SEND_SECONDS = 20.0
STOP_SECONDS = 5.0


class OperateError(RuntimeError):
    """The decision cannot be written or the rules cannot be read; the message says what to do, nothing was written."""


class Receipt(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


class Failure(NamedTuple):
    """Where a record is not known to be, and why."""

    topic: str
    partition: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision."""

    written: Sequence[Receipt]
    failed: Sequence[Failure]


async def write(act: Act, bootstrap: Bootstrap, partitions: int) -> Outcome:
    """Write the records of a decision, each acknowledged by all in-sync replicas, none in a transaction.

    Raises:
        OperateError: a topic is missing, or has another number of partitions: nothing was written.
        KafkaError, TimeoutError, OSError: no broker answers: nothing was written.
    """
    producer = operator_producer(bootstrap)
    try:
        async with asyncio.timeout(START_SECONDS):
            async with in_words(bootstrap):
                await producer.start()
            for topic in act.topics:
                check_partitions(topic, await _count(producer, topic), partitions)
        placed = act.placed(dict.fromkeys(act.topics, partitions))
        answers = await asyncio.gather(*(_send(producer, one) for one in placed))
    finally:
        await ended(producer, STOP_SECONDS)
    return Outcome(
        [answer for answer in answers if isinstance(answer, Receipt)],
        [answer for answer in answers if isinstance(answer, Failure)],
    )


def operator_producer(bootstrap: Bootstrap) -> Any:  # noqa: ANN401 - untyped library
    """Give the producer of what operators write: idempotent, acknowledged by all in-sync replicas."""
    return AIOKafkaProducer(
        **client_arguments(bootstrap),
        client_id="txpush-operator",
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        request_timeout_ms=int(START_SECONDS * 1000),
    )


async def _count(producer: Any, topic: str) -> int:  # noqa: ANN401 - untyped library
    try:
        return len(await producer.partitions_for(topic))
    except UnknownTopicOrPartitionError:
        return 0


def check_partitions(topic: str, found: int, partitions: int) -> None:
    """Refuse a topic that is missing, or has another number of partitions than the settings say."""
    if not found:
        raise OperateError(f"topic {topic} is missing: run `txpush topics apply`")
    if found != partitions:
        raise OperateError(f"topic {topic} has {found} partitions, not {partitions}: set TXPUSH_PARTITIONS={found}")


async def _send(producer: Any, placed: Placed) -> Receipt | Failure:  # noqa: ANN401 - untyped library
    event, key = placed.event, placed.event.partition_key
    try:
        async with asyncio.timeout(SEND_SECONDS):
            stored = await producer.send_and_wait(
                placed.topic,
                to_value(event.data),
                key=None if key is None else key.encode(),
                partition=placed.partition,
                timestamp_ms=to_epoch_ms(event.time),
                headers=to_headers(event),
            )
    except TimeoutError:
        return Failure(placed.topic, placed.partition, f"not acknowledged within {SEND_SECONDS:.0f} s")
    except KafkaError as error:
        return Failure(placed.topic, placed.partition, repr(error))
    return Receipt(placed.topic, stored.partition, stored.offset)
