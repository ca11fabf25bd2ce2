"""Reads the state of one partition back from its changelogs, committed records only, to their end."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.fold import Table
from streams.kafka.access import client_arguments
from streams.transport.settings import FoldSettings

POLL_MS = 200
STALLED_POLLS = 50
"""Empty polls in a row after which a read that has not reached the end is given up."""

Values = dict[str, Any]


class RestoreStalledError(RuntimeError):
    """The end of a changelog was not reached: check that its partitions have leaders, then start again."""


async def restore(settings: FoldSettings, tables: Sequence[Table], partition: int) -> dict[Table, Values]:
    """Give the last committed value of every key of every table in this partition.

    Raises:
        RestoreStalledError: a changelog gives no more records before its end.
        TimeoutError: the whole took longer than `restore_seconds`.
    """
    async with asyncio.timeout(settings.restore_seconds):
        return await _restore(settings, tables, partition)


async def _restore(settings: FoldSettings, tables: Sequence[Table], partition: int) -> dict[Table, Values]:
    by_topic = {table.topic: table for table in tables}
    values: dict[Table, Values] = {table: {} for table in tables}
    consumer = AIOKafkaConsumer(
        **client_arguments(settings.bootstrap),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for topic in by_topic])
        await _read_to_end(consumer, by_topic, values)
    finally:
        await consumer.stop()
    return values


async def _read_to_end(consumer: AIOKafkaConsumer, by_topic: dict[str, Table], values: dict[Table, Values]) -> None:
    left = await consumer.end_offsets(list(consumer.assignment()))
    stalled = 0
    while left := await _unfinished(consumer, left):
        polled = await consumer.getmany(*left, timeout_ms=POLL_MS)
        stalled = 0 if polled else stalled + 1
        if stalled > STALLED_POLLS:
            raise RestoreStalledError(
                f"no more records before the end of {sorted(left)}: check the leaders of these topics"
            )
        for source, records in polled.items():
            _take(by_topic[source.topic], values[by_topic[source.topic]], records)


async def _unfinished(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Ask positions, not records: a changelog ends in transaction markers, which have offsets but are never seen."""
    return {source: end for source, end in ends.items() if await consumer.position(source) < end}


def _take(table: Table, values: Values, records: Sequence[Any]) -> None:
    for record in records:
        key = record.key.decode()
        if record.value is None:
            values.pop(key, None)
        else:
            values[key] = table.decode(record.value)
