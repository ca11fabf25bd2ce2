"""Stands in for partitions that a command reads: those of a test, and ones that a broker never answers about."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from schemas.events import EventType, Override
from schemas.times import to_epoch_ms
from streams.kafka.topics import EVENTS
from streams.operate.overrides.snapshot import Decided


@dataclass(frozen=True)
class Record:
    """A record, as aiokafka gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def overriding(decided: Decided) -> Record:
    """Give the record of an override."""
    data: Override = decided.data
    key = None if data.customer_id is None else data.customer_id.encode()
    headers = [("ce_type", EventType.OPERATOR_OVERRIDE.encode())]
    value = data.model_dump_json(by_alias=True).encode()
    return Record(EVENTS, decided.partition, decided.offset, key, value, to_epoch_ms(decided.at), headers)


@dataclass
class Log:
    """A consumer of what lies in `records`; below offsets of `silent_below` it never gets an answer."""

    records: Sequence[Record]
    silent_below: Mapping[TopicPartition, int] = field(default_factory=dict)
    polled: list[tuple[str, int]] = field(default_factory=list)
    at: dict[TopicPartition, int] = field(default_factory=dict)

    @asynccontextmanager
    async def reader(self, _bootstrap: str) -> AsyncIterator[Any]:
        """Give itself, as a committed reader."""
        yield self

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.at = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self.at[place]

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: max((one.offset + 1 for one in self._of(place)), default=0) for place in places}

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, **_limits: object
    ) -> dict[TopicPartition, list[Record]]:
        assert timeout_ms > 0
        polled = {}
        for place in places:
            start = self.at[place]
            if start < self.silent_below.get(place, 0):
                await asyncio.Event().wait()
            self.polled.append((place.topic, start))
            polled[place] = [one for one in self._of(place) if one.offset >= start]
            self.at[place] = (await self.end_offsets([place]))[place]
        return polled

    def _of(self, place: TopicPartition) -> list[Record]:
        return [one for one in self.records if (one.topic, one.partition) == place]
