"""Everything that stands on a cluster, as bytes; and what a test writes there."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.cloudevents import Headers
from schemas.commands import Lookup
from schemas.times import to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka.topics import EMBEDDED, LOOKUP

READ_SECONDS = 60.0


class Stored(NamedTuple):
    """One record: its topic, and all of its bytes."""

    topic: str
    content: bytes


async def everything(bootstrap: str) -> list[Stored]:
    """Read every topic from its beginning, aborted transactions included: keys, values, names and values of headers."""
    places = await _places(bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted", group_id=None)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[Stored] = []
        async with asyncio.timeout(READ_SECONDS):
            while left := [place for place in places if await consumer.position(place) < ends[place]]:
                for place, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                    found += [Stored(place.topic, _bytes(record)) for record in records]
        return found
    finally:
        await consumer.stop()


async def _places(bootstrap: str) -> list[TopicPartition]:
    """Give every partition of every topic, but for Kafka's own."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if not name.startswith("__")]
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(names)
            for partition in topic["partitions"]
        ]
    finally:
        await admin.close()


def _bytes(record: object) -> bytes:
    headers = b"\n".join(name.encode() + b"=" + (value or b"") for name, value in getattr(record, "headers", ()))
    parts = (getattr(record, "key", None), getattr(record, "value", None), headers)
    return b"\n".join(part or b"" for part in parts)


async def look_up(bootstrap: str, asked: Iterable[Lookup]) -> None:
    """Write look-ups."""
    await write(bootstrap, LOOKUP, [(one.customer_id, one.model_dump_json().encode(), ()) for one in asked])


async def write(
    bootstrap: str, topic: str, records: Iterable[tuple[str, bytes, Headers]], at: datetime | None = None
) -> None:
    """Write records, by customer, into the customer's partition, with a time of their own."""
    timestamp_ms = None if at is None else to_epoch_ms(at)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for customer, value, headers in records:
            partition = partition_of(customer, EMBEDDED.partitions)
            await producer.send_and_wait(topic, value, customer.encode(), partition, timestamp_ms, list(headers))
    finally:
        await producer.stop()
