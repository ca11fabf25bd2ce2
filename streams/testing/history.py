"""The broker in memory as a history: what `streams.history` reads, without a cluster."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from schemas.times import to_epoch_ms
from streams.fold.effects import SourceRecord
from streams.history import Content, HistoryError, Place, Span
from streams.testing.applications import CLUSTER
from streams.testing.broker import Cluster

CHUNK = 100
"""Records given at once: few, so that what reads has to put chunks together."""


@dataclass(frozen=True, slots=True)
class MemoryOrigin:
    """A broker in memory as the origin of a history; cannot go to another process."""

    cluster: Cluster

    def __str__(self) -> str:
        """Name it."""
        return CLUSTER

    @asynccontextmanager
    async def open(self) -> AsyncIterator["MemoryHistory"]:
        """Open it; see Origin."""
        yield MemoryHistory(self.cluster)


class MemoryHistory:
    """See History; as it is now, however it goes on."""

    cluster_id = CLUSTER

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def topics(self) -> Mapping[str, str]:
        """Every topic; its name is its id."""
        return {topic: topic for topic, _ in self._cluster.places}

    @property
    def partitions(self) -> int:
        """Of every topic."""
        return len({partition for _, partition in self._cluster.places})

    @property
    def content(self) -> Content:
        """All is as it was written."""
        return Content.WHOLE

    def identity(self, topic: str) -> str:
        """Give `<cluster id>/<topic id>`; see History."""
        if topic not in self.topics:
            raise HistoryError(f"there is no topic {topic}")
        return f"{CLUSTER}/{topic}"

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what is committed; see History."""
        return {
            Place(topic, number): Span(0, log.stable_end)
            for topic in topics
            for number, log in enumerate(self._cluster.partitions(topic))
        }

    async def offset_since(self, place: Place, at: datetime) -> int:
        """Give the first offset of a time or later; see History."""
        since = to_epoch_ms(at)
        records = self._cluster.read(*place)
        end = self._cluster.log(*place).stable_end
        return next((record.offset for record in records if record.timestamp >= since), end)

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give the committed records of a span; see History."""
        found = [record for record in self._cluster.read(*place) if span.begin <= record.offset < span.end]
        for first in range(0, len(found), CHUNK):
            yield found[first : first + CHUNK]
