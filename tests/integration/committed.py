"""What a topic holds for a reader of committed records, and what a group has left of it; by another client."""

import time
from collections.abc import Collection
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition


def committed(bootstrap: str, topic: str, partitions: Collection[int], seconds: float) -> list[Any]:
    """Give the records of partitions up to their ends, in the order of partition and offset."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found, unread, end = [], set(partitions), time.monotonic() + seconds
    while unread:
        assert time.monotonic() < end, f"{topic} has no end"
        for one in consumer.consume(1000, 0.2):
            error = one.error()
            if error is None:
                found.append(one)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                unread.discard(one.partition() or 0)
    consumer.close()
    return sorted(found, key=lambda one: (one.partition(), one.offset()))


def unread(bootstrap: str, group: str, topic: str, partitions: Collection[int], seconds: float = 30.0) -> int:
    """Count the offsets of partitions that a group has not committed yet; markers of transactions have one, too."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        reached = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=seconds)
        ends = [consumer.get_watermark_offsets(place, timeout=seconds)[1] for place in reached]
    finally:
        consumer.close()
    return sum(end - max(0, place.offset) for place, end in zip(reached, ends, strict=True))
