"""A small history with anything written over its records or behind them, as somebody who can write to Kafka may."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

from schemas.times import to_epoch_ms
from streams.fold.effects import OutRecord, SourceRecord
from streams.history import Place, Span
from streams.links import FixLinks
from streams.testing import Topology
from streams.testing.broker import Cluster, Record
from streams.testing.history import MemoryHistory
from tests.fuzz.decoder import BETWEEN, headers_in
from tests.fuzz.standins import groups, timestamp_in
from tests.topology.inputs import catalogue, policies
from tests.unit.explain.stories import CUSTOMER, connect, notify

LINK_KEY, LINK_URL = bytes(32), "https://fix.example.com"
MOST = 4
"""Records of an input."""
EMPTY = b"-"
"""Stands for a key or a value that is null; an empty part is what was there before."""


@cache
def lived() -> Topology:
    """Give a history of one partition: commands with links, a reminder, an incident, a dead letter."""
    links = FixLinks([LINK_KEY], LINK_URL)
    topology = Topology(partitions=1, policy=policies()[0], catalogue=catalogue(), links=links)
    with topology:
        notify(topology, 185)
        for number in range(2, 7):
            notify(topology, 102, f"590000000{number}", f"700000005{number}", institutionLoginId=f"710000000{number}")
        topology.append(0, OutRecord(CUSTOMER.encode(), b"{", [("ce_id", b"spoilt")], to_epoch_ms(topology.now)))
        topology.advance(hours=25)
        connect(topology, "done")
        topology.advance(hours=1)
    return topology


@dataclass(frozen=True)
class Overlaid:
    """A cluster in memory as an origin, with other records at some places."""

    cluster: Cluster
    changes: Mapping[Place, Mapping[int, Record]]

    def __str__(self) -> str:
        """Name it."""
        return "overlaid"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_OverlaidHistory"]:
        yield _OverlaidHistory(self)


class _OverlaidHistory(MemoryHistory):
    def __init__(self, origin: Overlaid) -> None:
        super().__init__(origin.cluster)
        self._changes = origin.changes

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        found = await super().spans(topics)
        return {
            place: Span(span.begin, max((span.end, *(one + 1 for one in self._changes.get(place, ())))))
            for place, span in found.items()
        }

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        there = {record.offset: record for record in self._cluster.read(*place)} | {**self._changes.get(place, {})}
        found = [there[offset] for offset in sorted(there) if span.begin <= offset < span.end]
        if found:
            yield found


def overlaid(data: bytes, topics: Sequence[str]) -> Overlaid:
    """Read an input: topic and offset, key, timestamp, headers and value of each record, and what is not said stays."""
    cluster, changes = lived().cluster, dict[Place, dict[int, Record]]()
    for where, *said in groups(data, 5, MOST):
        place = Place(topics[where[0] % len(topics)] if where else topics[0], 0)
        there = {record.offset: record for record in cluster.read(*place)}
        end = max(there, default=-1) + 1
        offset = int.from_bytes(where[1:3], "big") % (end + 1)
        before = there.get(offset) or there.get(offset - 1) or Record(0, 0, None, None, ())
        changes.setdefault(place, {})[offset] = _changed(before._replace(offset=offset), *said)
    return Overlaid(cluster, changes)


def _changed(before: Record, key: bytes, timestamp: bytes, headers: bytes, value: bytes) -> Record:
    told = tuple((name.decode("latin-1"), content) for name, content in headers_in(headers))
    return before._replace(
        key=_part(before.key, key),
        timestamp=timestamp_in(timestamp) if timestamp else before.timestamp,
        headers=told or before.headers,
        value=_part(before.value, value),
    )


def _part(before: bytes | None, said: bytes) -> bytes | None:
    return before if not said else None if said == EMPTY else said


def as_input(topic: int, offset: int, value: bytes = b"", **said: bytes) -> bytes:
    """Write a record of an input."""
    where = bytes([topic]) + offset.to_bytes(2, "big")
    return BETWEEN.join((where, said.get("key", b""), said.get("timestamp", b""), said.get("headers", b""), value))
