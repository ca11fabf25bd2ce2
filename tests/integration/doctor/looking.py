"""A run of the doctor in this process, what a cluster has before and after it, and what a test puts there."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.contract.channels import Component
from streams.doctor.findings import Checked, Finding
from streams.doctor.run import examine
from streams.doctor.scope import Scope
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.acls.rights import ALL_TOPICS
from streams.kafka.topics import AGENT, EXECUTORS, INSTITUTIONS
from streams.operate.reading import read_by
from streams.settings import Settings

PARTITIONS = 3


def settings(bootstrap: str, **more: object) -> Settings:
    """Give the settings of the embedded set-up."""
    wanted: dict[str, Any] = {"signatures": "log", **more}
    return Settings(bootstrap=bootstrap, partitions=PARTITIONS, replication=1, **wanted)


async def looked(made: Settings, *components: Component, admin: tuple[str, ...] = ()) -> dict[str, Checked]:
    """Give what a run finds, by check."""
    return {one.name: one for one in await examine(Scope(made, frozenset(components), admin))}


def words(checked: Checked) -> str:
    """Give all that a check says."""
    return "\n".join(f"{one.status}: {one.what} -> {one.remedy}" for one in checked.findings)


def first(checked: Checked) -> Finding:
    """Give its first finding."""
    return checked.findings[0]


async def everything(bootstrap: Bootstrap) -> Mapping[str, object]:
    """Give topics, where each of their partitions ends, groups, and how far each of those has read."""
    admin = AIOKafkaAdminClient(**client_arguments(bootstrap))
    consumer = AIOKafkaConsumer(**client_arguments(bootstrap), group_id=None)
    await admin.start()
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in ALL_TOPICS for number in range(PARTITIONS)]
        return {
            "topics": sorted(one for one in await admin.list_topics() if not one.startswith("__")),
            "ends": await consumer.end_offsets(places),
            "groups": sorted(await admin.list_consumer_groups()),
            "offsets": {name: await read_by(admin, name) for name in (AGENT, INSTITUTIONS, EXECUTORS)},
        }
    finally:
        await consumer.stop()
        await admin.close()


async def write(bootstrap: str, topic: str, value: bytes | None, key: bytes, *, at_ms: int, partition: int = 0) -> None:
    """Put a record where nobody of ours would."""
    producer = AIOKafkaProducer(**client_arguments(bootstrap))
    async with asyncio.timeout(60):
        await producer.start()
        try:
            await producer.send_and_wait(topic, value, key=key, partition=partition, timestamp_ms=at_ms)
        finally:
            await producer.stop()
