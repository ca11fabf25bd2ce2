"""Brings the state of one partition back: what is kept of it, and its changelogs from there to their end.

Committed records only. Where nothing is kept the changelogs are read from their beginning.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.ending import ended
from streams.fold import Table
from streams.fold.memory import apply_changes
from streams.kafka.access import client_arguments
from streams.observe.labels import RestoreSource
from streams.transport.local.frames import Changes, without_drops
from streams.transport.settings import FoldSettings
from streams.transport.state.values import PartitionValues

log = logging.getLogger(__name__)

POLL_MS = 200
POLL_RECORDS = 5000
STALLED_POLLS = 100
"""Empty polls in a row after which a read that has not reached the end is given up: longer than a leader's failover."""


class RestoreStalledError(RuntimeError):
    """The end of a changelog was not reached: check that its partitions have leaders, then start again."""


@dataclass(frozen=True, slots=True)
class Base:
    """State up to some offsets: what a restore begins with."""

    source: RestoreSource
    contents: Mapping[str, dict[str, Any]]
    """Values by key by changelog, as bytes or decoded."""
    offsets: Mapping[str, int]


@dataclass(slots=True)
class Restored:
    """The state of a partition, and what it took."""

    source: RestoreSource
    values: dict[Table, PartitionValues]
    ends: dict[str, int]
    """Where each changelog ended; everything before is in the values."""
    changes: Changes
    """What was read of the changelogs: all values, or what has changed since the base."""
    base_records: int
    read_records: int


class Changelogs:
    """The changelogs of one partition, open for reading."""

    def __init__(self, consumer: AIOKafkaConsumer, tables: Sequence[Table], partition: int) -> None:
        self._consumer = consumer
        self._tables = {table.topic: table for table in tables}
        self._places = [TopicPartition(topic, partition) for topic in self._tables]
        self.starts: dict[str, int] = {}
        self.ends: dict[str, int] = {}

    async def look(self) -> None:
        """Ask where they begin and end."""
        await self._consumer._client.set_topics(list(self._tables))  # noqa: SLF001 - else known once assigned only
        starts = await self._consumer.beginning_offsets(self._places)
        ends = await self._consumer.end_offsets(self._places)
        self.starts = {place.topic: offset for place, offset in starts.items()}
        self.ends = {place.topic: offset for place, offset in ends.items()}

    async def read_on(self, base: Base | None) -> Restored:
        """Read what is behind the base, everything without one.

        Raises:
            RestoreStalledError: a changelog gives no more records before its end.
        """
        offsets = self.starts if base is None else base.offsets
        self._consumer.assign(self._places)
        for place in self._places:
            self._consumer.seek(place, offsets[place.topic])
        changes: Changes = {topic: {} for topic in self._tables}
        read_records = await self._read_to_ends(changes)
        contents = {topic: {} if base is None else base.contents[topic] for topic in self._tables}
        base_records = sum(map(len, contents.values()))
        return Restored(
            source=RestoreSource.FULL if base is None else base.source,
            values={table: _applied(table, contents[topic], changes[topic]) for topic, table in self._tables.items()},
            ends=dict(self.ends),
            changes=changes if base is not None else _all_values(changes),
            base_records=base_records,
            read_records=read_records,
        )

    async def _read_to_ends(self, changes: Changes) -> int:
        read = stalled = 0
        while left := await self._unfinished():
            polled = await self._consumer.getmany(*left, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            stalled = 0 if polled else stalled + 1
            if stalled > STALLED_POLLS:
                raise RestoreStalledError(
                    f"no more records before the end of {sorted(left)}: check the leaders of these topics"
                )
            for place, records in polled.items():
                read += len(records)
                changes[place.topic].update(_by_key(records))
        return read

    async def _unfinished(self) -> list[TopicPartition]:
        """Ask positions, not records: a changelog ends in transaction markers, which have offsets but no records."""
        return [place for place in self._places if await self._consumer.position(place) < self.ends[place.topic]]


@asynccontextmanager
async def changelogs(settings: FoldSettings, tables: Sequence[Table], partition: int) -> AsyncIterator[Changelogs]:
    """Open the changelogs of a partition; all that is done with them has `restore_seconds`.

    Raises:
        TimeoutError: it took longer.
    """
    consumer = AIOKafkaConsumer(
        **client_arguments(settings.bootstrap),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 << 20,
    )
    async with asyncio.timeout(settings.restore_seconds):
        await consumer.start()
        try:
            opened = Changelogs(consumer, tables, partition)
            await opened.look()
            yield opened
        finally:
            await ended(consumer, settings.step_seconds)


def _by_key(records: Iterable[Any]) -> Iterator[tuple[str, bytes | None]]:
    """Give keys and values; what has no key, or one that is no text, is of another program: no table can hold it."""
    for record in records:
        try:
            yield record.key.decode(), record.value
        except (AttributeError, UnicodeDecodeError):
            place = f"{record.topic}/{record.partition}/{record.offset}"
            log.warning("%s is passed by: its key is none of ours; find out who else writes there", place)


def _applied(table: Table, values: dict[str, Any], changes: Mapping[str, bytes | None]) -> PartitionValues:
    apply_changes(values, changes)
    return PartitionValues(values, table.decode)


def _all_values(changes: Changes) -> Changes:
    """Give all values there are; nothing on disk has to be dropped where nothing is on disk."""
    return cast("Changes", without_drops(changes))  # a value may be dropped later
