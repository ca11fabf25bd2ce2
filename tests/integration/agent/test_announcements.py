"""What all partitions of a log are told, on a real broker."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.cloudevents import from_record
from schemas.events import Event, EventType, Incident, Source
from streams.kafka.embedded import EmbeddedKafka
from streams.transport.settings import FoldSettings
from streams.transport.ticks import Ticks

pytestmark = pytest.mark.kafka

LOG, PARTITIONS, SECONDS = "test.announcements", 3, 30.0
START = datetime(2026, 11, 1, 3, tzinfo=UTC)


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return START


def told(kind: EventType, sequence: int) -> Event:
    """Give an event about an incident."""
    data = Incident(institution_id="5", code=103, sequence=sequence, opened_at=START, logins_failing=20, logins_seen=20)
    return Event(f"incident:5/103/{sequence}", kind, Source.INSTITUTIONS, START, data, "institutions/5/codes/103")


async def read_all(bootstrap: str, count: int) -> dict[int, list[Event]]:
    """Give what each partition holds, as a committed reader sees it."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    found: dict[int, list[Event]] = {number: [] for number in range(PARTITIONS)}
    try:
        consumer.assign([TopicPartition(LOG, number) for number in range(PARTITIONS)])
        async with asyncio.timeout(SECONDS):
            while min(map(len, found.values())) < count:
                one = await consumer.getone()
                found[one.partition].append(from_record(one.headers, one.key, one.value, one.timestamp))
    finally:
        await consumer.stop()
    return found


async def test_every_partition_reads_what_was_told(kafka: EmbeddedKafka) -> None:
    """Each partition holds all of it in order, without a key, and readers of committed records see it at once."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(LOG, PARTITIONS, 1)])
    ticks = Ticks(FoldSettings(kafka.bootstrap, "app", LOG, PARTITIONS, Standing()), Source.INSTITUTIONS, lambda: None)
    events = [told(EventType.INCIDENT_OPENED, 1), told(EventType.INCIDENT_CLOSED, 2)]
    try:
        await ticks.announce([(LOG, event) for event in events])
        assert await read_all(kafka.bootstrap, len(events)) == dict.fromkeys(range(PARTITIONS), events)
    finally:
        await ticks.stop()
        await admin.delete_topics([LOG])
        await admin.close()
