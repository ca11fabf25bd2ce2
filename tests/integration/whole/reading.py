"""Everything that stands on a cluster, as bytes."""

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

READ_SECONDS = 60.0


class Stored(NamedTuple):
    """One record: its topic, and all of its bytes."""

    topic: str
    content: bytes


async def everything(bootstrap: str) -> list[Stored]:
    """Read every topic from its beginning, aborted transactions included: keys, values, names and values of headers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted", group_id=None)
    await consumer.start()
    try:
        names = sorted(await consumer.topics())
        places = [TopicPartition(name, one) for name in names for one in consumer.partitions_for_topic(name) or ()]
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


def _bytes(record: object) -> bytes:
    headers = b"\n".join(name.encode() + b"=" + (value or b"") for name, value in getattr(record, "headers", ()))
    parts = (getattr(record, "key", None), getattr(record, "value", None), headers)
    return b"\n".join(part or b"" for part in parts)
