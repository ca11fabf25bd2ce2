"""Reads whole topics out of the cluster with another client than the one under test."""

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"
SILENT_SECONDS = 120.0
"""How long nothing comes before the end is given up: how much there is says how long it takes."""
ANSWER_SECONDS = 15.0
AGAIN_SECONDS = 0.2
MOVING = {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE}
"""What a broker says while the coordinator of a group moves."""
CHUNK = 10_000

Headers = tuple[tuple[str, bytes], ...]
Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in its partition; `timestamp` in epoch milliseconds."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int

    def header(self, name: str) -> str:
        """Give the last header of a name as text, empty where there is none."""
        return dict(self.headers).get(name, b"").decode(errors="replace")


def export(
    bootstrap: str, topics: Iterable[str], partitions: int, isolation: str = COMMITTED
) -> dict[Place, list[Record]]:
    """Give all records of all partitions of topics; raises TimeoutError where the end is not reached."""
    places = [TopicPartition(topic, number, OFFSET_BEGINNING) for topic in topics for number in range(partitions)]
    return _read(_consumer(bootstrap, "txpush-chaos-export", isolation), places)


def export_partition(bootstrap: str, topic: str, partition: int) -> list[Record]:
    """Give the records of one partition; raises TimeoutError where the end is not reached."""
    place = TopicPartition(topic, partition, OFFSET_BEGINNING)
    return _read(_consumer(bootstrap, "txpush-chaos-export", COMMITTED), [place])[topic, partition]


def _read(consumer: Any, places: list[TopicPartition]) -> dict[Place, list[Record]]:  # noqa: ANN401 - untyped library
    read: dict[Place, list[Record]] = defaultdict(list)
    left = {(place.topic, place.partition) for place in places}
    heard = time.monotonic()
    try:
        consumer.assign(places)
        while left:
            if time.monotonic() > heard + SILENT_SECONDS:
                raise TimeoutError(f"no end of {sorted(left)}, {SILENT_SECONDS:.0f} s silent: is a transaction open?")
            for message in consumer.consume(CHUNK, 0.2):
                _take(message, read, left)
                heard = time.monotonic()
    finally:
        consumer.close()
    return read


def _take(message: Any, read: dict[Place, list[Record]], left: set[Place]) -> None:  # noqa: ANN401 - untyped library
    place, error = (message.topic(), message.partition()), message.error()
    if error is None:
        kind, timestamp = message.timestamp()
        headers: Sequence[tuple[str, bytes]] = message.headers() or ()
        at = -1 if kind == TIMESTAMP_NOT_AVAILABLE else timestamp
        read[place].append(Record(message.offset(), message.key(), message.value(), tuple(headers), at))
    elif error.code() == KafkaError._PARTITION_EOF:
        left.discard(place)
    elif not error.retriable():
        raise KafkaException(error)


def committed_offsets(bootstrap: str, group: str, topic: str, partitions: int) -> list[int]:
    """Give the group's offset in each partition, 0 where it has none; a coordinator that has just moved is asked again.

    Raises:
        KafkaException: no answer in time, or one that asking again does not mend.
    """
    consumer = _consumer(bootstrap, group, COMMITTED)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        found = _asked(lambda seconds: consumer.committed(places, seconds))
    finally:
        consumer.close()
    return [max(place.offset, 0) for place in sorted(found, key=lambda place: place.partition)]


def _asked(ask: Callable[[float], Any]) -> Any:  # noqa: ANN401 - untyped library
    """Ask until there is an answer, for so long as one may take."""
    ends = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return ask(max(0.1, ends - time.monotonic()))
        except KafkaException as error:
            if error.args[0].code() not in MOVING or time.monotonic() > ends:
                raise
            time.sleep(AGAIN_SECONDS)


def unread(bootstrap: str, group: str, topic: str, partitions: int) -> list[tuple[int, int]]:
    """Give offset and number of unread records of each partition; a transaction's marker at the end is no record."""
    offsets = committed_offsets(bootstrap, group, topic, partitions)
    places = [TopicPartition(topic, number, offset) for number, offset in enumerate(offsets)]
    left = _read(_consumer(bootstrap, "txpush-chaos-export", COMMITTED), places)
    return [(offset, len(left[topic, number])) for number, offset in enumerate(offsets)]


def log_name(bootstrap: str, topic: str) -> str:
    """Give `<cluster id>/<topic id>`, what the audit chains of a log are named by."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    cluster = admin.describe_cluster(request_timeout=ANSWER_SECONDS).result(ANSWER_SECONDS)
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)[topic]
    topic_id = described.result(ANSWER_SECONDS).topic_id
    halves = (topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits())
    whole = b"".join((half % (1 << 64)).to_bytes(8, "big") for half in halves)
    return f"{cluster.cluster_id}/{uuid.UUID(bytes=whole)}"


def _consumer(bootstrap: str, group: str, isolation: str) -> Any:  # noqa: ANN401 - untyped library
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "group.id": group,
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
        }
    )
