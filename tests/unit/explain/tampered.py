"""A history that is not as it was written: records changed or gone, topics missing, beginnings removed."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from streams.fold.effects import SourceRecord
from streams.history import Place, Span
from streams.testing import Topology
from streams.testing.history import MemoryHistory

Change = Callable[[str, SourceRecord], SourceRecord | None]
"""Takes a topic and a record of it, and gives what stands in its place; None for nothing."""


@dataclass(frozen=True)
class Written:
    """A record in the place of another."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def rewritten(record: SourceRecord, **fields: Any) -> Written:  # noqa: ANN401 - fields of an object
    """Give a record with other fields in its value."""
    value = orjson.dumps(orjson.loads(record.value or b"{}") | fields)
    return Written(record.offset, record.timestamp, record.key, value, record.headers)


@dataclass(frozen=True)
class Tampered:
    """The topology's topics as an origin, with changes; `begins` are first offsets that are kept, by topic."""

    topology: Topology
    change: Change = lambda _topic, record: record
    absent: frozenset[str] = frozenset()
    begins: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Name it."""
        return "tampered"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["TamperedHistory"]:
        yield TamperedHistory(self)


class TamperedHistory(MemoryHistory):
    """See Tampered."""

    def __init__(self, origin: Tampered) -> None:
        super().__init__(origin.topology.cluster)
        self._origin = origin

    @property
    def topics(self) -> Mapping[str, str]:
        return {name: one for name, one in super().topics.items() if name not in self._origin.absent}

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        spans = await super().spans(topics)
        return {place: Span(self._origin.begins.get(place.topic, 0), span.end) for place, span in spans.items()}

    async def offset_since(self, place: Place, at: datetime) -> int:
        return max(self._origin.begins.get(place.topic, 0), await super().offset_since(place, at))

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        async for records in super().read(place, span):
            changed = [self._origin.change(place.topic, record) for record in records]
            if left := [record for record in changed if record is not None]:
                yield left
