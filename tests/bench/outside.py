"""Kafka seen from outside the contestants: seeding, ends, committed offsets, and what was written."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.kafka import applied, topics
from streams.kafka.topics import AGENT, EVENTS, Layout
from tests.bench.traffic import Written

ADMIN_SECONDS = 30.0
READ_SECONDS = 30.0
"""How long a topic may give nothing before its end."""
QUEUE = 100_000
SEED_LINGER_MS = 20
QUIET = 2
"""librdkafka would tell of every connection to a broker that has been ended."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as a committed reader sees it."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    id: str
    time: str


class Outside:
    """One cluster with the topics of the contract, and the agent's group."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.bootstrap = bootstrap
        self.partitions = partitions
        self.last_heard: dict[bytes, str] = {}
        """The time of the last event seeded of each customer."""
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": QUIET})
        self._groups = {AGENT: self._consumer(AGENT)}
        self._apply_topics()

    def _apply_topics(self) -> None:
        layout = Layout(self.partitions, 1)
        asyncio.run(applied.apply(self.bootstrap, layout))
        _wait(lambda: not asyncio.run(applied.check(self.bootstrap, layout)), "the topics to be told of")

    def compress(self, names: Iterable[str], codec: str) -> None:
        """Have the broker compress what is written to some topics from now on."""
        entry = ConfigEntry("compression.type", codec, incremental_operation=AlterConfigOpType.SET)
        wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry]) for name in names]
        for altered in self._admin.incremental_alter_configs(wanted).values():
            altered.result(ADMIN_SECONDS)

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "log_level": QUIET,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 100,
            }
        )

    def places(self, topic: str) -> list[TopicPartition]:
        """Give the partitions of a topic."""
        return [TopicPartition(topic, partition) for partition in range(self.partitions)]

    def producer(self, linger_ms: int = 0) -> Producer:
        """Give a producer of this cluster."""
        return producer_of(self.bootstrap, linger_ms)

    def seed(self, events: Iterable[Written]) -> int:
        """Write events to the inbound log and give their number."""
        producer, count = self.producer(SEED_LINGER_MS), 0
        for event in events:
            count += 1
            self.last_heard[event.key] = event.time
            send(producer, event)
            if len(producer) >= QUEUE:
                producer.flush(ADMIN_SECONDS)
        if producer.flush(ADMIN_SECONDS):
            raise TimeoutError("the broker did not take the seeded events")
        return count

    def ends(self, topic: str) -> list[int]:
        """Give the end of each partition."""
        return [int(self._groups[AGENT].get_watermark_offsets(place, timeout=10)[1]) for place in self.places(topic)]

    def committed(self, group: str = AGENT, log: str = EVENTS) -> int:
        """Give the sum of a group's offsets in the log that it reads."""
        if group not in self._groups:
            self._groups[group] = self._consumer(group)
        try:
            offsets = self._groups[group].committed(self.places(log), timeout=10)
        except KafkaException as error:
            if error.args[0].code() in (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS):
                return 0
            raise
        return sum(max(place.offset, 0) for place in offsets)

    def tail(self, names: Sequence[str]) -> Consumer:
        """Give a committed reader at the present end of topics."""
        reader = self._consumer("bench-tail")
        places = [TopicPartition(name, p, end) for name in names for p, end in enumerate(self.ends(name))]
        reader.assign(places)
        return reader

    def read(self, topic: str) -> Iterator[Seen]:
        """Give every committed record of a topic up to its present end."""
        reader = self._consumer("bench-read")
        left = {partition: end for partition, end in enumerate(self.ends(topic)) if end}
        reader.assign([TopicPartition(topic, partition, 0) for partition in left])
        quiet_since = time.monotonic()
        while left:
            batch = reader.consume(10_000, 0.2)
            yield from (_seen(message) for message in batch if not message.error())
            at = reader.position([TopicPartition(topic, partition) for partition in left])
            left = {place.partition: left[place.partition] for place in at if place.offset < left[place.partition]}
            quiet_since = time.monotonic() if batch else quiet_since
            if time.monotonic() - quiet_since > READ_SECONDS:
                raise TimeoutError(f"{topic} gives nothing before its end in partitions {sorted(left)}")
        reader.close()

    def reset(self) -> None:
        """Make everything as new but the inbound log: other topics empty, the group without offsets."""
        names = [topic.name for topic in topics.contract() if topic.name != EVENTS]
        for future in self._admin.delete_topics(names, operation_timeout=ADMIN_SECONDS).values():
            future.result()
        _wait(lambda: not set(names) & self._admin.list_topics(timeout=10).topics.keys(), "topics to be deleted")
        self._apply_topics()
        _wait(self._forget_group, "the agent's group to be deleted")

    def _forget_group(self) -> bool:
        (future,) = self._admin.delete_consumer_groups([AGENT]).values()
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.NON_EMPTY_GROUP:
                return False
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise
        return True


def producer_of(bootstrap: str, linger_ms: int = 0) -> Producer:
    """Give a producer that writes as the bridge does: idempotent, murmur2, no linger unless asked for."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": QUIET,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
            "queue.buffering.max.messages": 2 * QUEUE,
        }
    )


def send(producer: Producer, event: Written) -> None:
    """Hand an event to a producer."""
    headers: list[Any] = list(event.headers)
    producer.produce(EVENTS, event.value, event.key, timestamp=event.timestamp_ms, headers=headers)
    producer.poll(0)


def _seen(message: Any) -> Seen:  # noqa: ANN401 - untyped library
    headers = {name: value.decode() for name, value in message.headers() or []}
    named = headers.get("ce_id", ""), headers.get("ce_time", "")
    return Seen(message.topic(), message.partition(), message.key(), message.value(), *named)


def _wait(done: Any, what: str) -> None:  # noqa: ANN401 - a plain question
    until = time.monotonic() + ADMIN_SECONDS
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {ADMIN_SECONDS:.0f} s for {what}")
        time.sleep(0.1)
