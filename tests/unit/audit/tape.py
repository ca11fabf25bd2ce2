"""Topics as plain lists that a test may change in any way, as a history."""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from schemas.times import to_epoch_ms
from streams.audit.faults import Fault
from streams.audit.plan import Ways
from streams.audit.planning import Asked
from streams.audit.verify import Verdict, verified
from streams.fold.effects import SourceRecord
from streams.history import Content, HistoryError, Place, Span
from streams.testing import Topology
from streams.testing.applications import CLUSTER
from streams.testing.broker import Record
from tests.topology.inputs import Inputs, catalogue, policies

PARTITIONS = 3
CHUNK = 7
"""Records given at once: few, so that what reads has to put chunks together."""


@dataclass
class Tape:
    """What a cluster has at rest, by place, None where a marker has an offset; and where each begins."""

    records: dict[Place, list[Record | None]]
    begins: dict[Place, int] = field(default_factory=dict)

    def copy(self) -> "Tape":
        """Give one of its own."""
        return Tape({place: list(records) for place, records in self.records.items()}, dict(self.begins))

    def there(self, topic: str, *, chosen: Callable[[Record], bool] = lambda _: True) -> list[tuple[Place, Record]]:
        """Give the records of a topic, with where they are."""
        return [
            (place, record)
            for place, records in self.records.items()
            for record in records
            if place.topic == topic
            and record is not None
            and record.offset >= self.begins.get(place, 0)
            and chosen(record)
        ]

    def put(self, place: Place, record: Record) -> None:
        """Replace what is at an offset."""
        self.records[place][record.offset] = record

    def remove(self, place: Place, offset: int) -> None:
        """Leave nothing at an offset."""
        self.records[place][offset] = None

    def insert(self, place: Place, record: Record) -> None:
        """Put a record in at its offset, and move those behind it on."""
        self.records[place].insert(record.offset, record)
        self.renumber(place)

    def cut_out(self, place: Place, offset: int) -> None:
        """Remove a record, and move those behind it up."""
        del self.records[place][offset]
        self.renumber(place)

    def append(self, place: Place, record: Record) -> None:
        """Add a record at the end."""
        self.records[place].append(record._replace(offset=len(self.records[place])))

    def swap(self, place: Place, one: int, other: int) -> None:
        """Exchange two records; each is then at the other's offset."""
        records = self.records[place]
        records[one], records[other] = records[other], records[one]
        self.renumber(place)

    def renumber(self, place: Place) -> None:
        """Give each record the offset at which it is."""
        self.records[place] = [
            record if record is None else record._replace(offset=offset)
            for offset, record in enumerate(self.records[place])
        ]


@dataclass(frozen=True)
class TapeOrigin:
    """A tape as the origin of a history."""

    tape: Tape

    @asynccontextmanager
    async def open(self) -> AsyncIterator["TapeHistory"]:
        """Open it."""
        yield TapeHistory(self.tape)


class TapeHistory:
    """See History."""

    cluster_id = CLUSTER
    partitions = PARTITIONS
    content = Content.WHOLE

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    @property
    def topics(self) -> Mapping[str, str]:
        """Each is its own id."""
        return {place.topic: place.topic for place in self._tape.records}

    def identity(self, topic: str) -> str:
        """Give the name of its chains."""
        if topic not in self.topics:
            raise HistoryError(f"there is no topic {topic}")
        return f"{CLUSTER}/{topic}"

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what is there."""
        wanted = set(topics)
        return {
            place: Span(self._tape.begins.get(place, 0), len(records))
            for place, records in self._tape.records.items()
            if place.topic in wanted
        }

    async def offset_since(self, place: Place, at: datetime) -> int:
        """Give the first offset of a time or later."""
        records = self._tape.records[place]
        late = (one.offset for one in records if one is not None and one.timestamp >= to_epoch_ms(at))
        return next(late, len(records))

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give the records of a span."""
        begin = self._tape.begins.get(place, 0)
        if span.begin < begin:
            raise HistoryError(f"{place} has no offset {span.begin}")
        found = [record for record in self._tape.records[place][span.begin : span.end] if record is not None]
        for first in range(0, len(found), CHUNK):
            yield found[first : first + CHUNK]


def taken(topology: Topology) -> Tape:
    """Take what a topology has written."""
    cluster, records = topology.cluster, dict[Place, list[Record | None]]()
    for topic, number in cluster.places:
        log: list[Record | None] = [None] * cluster.log(topic, number).stable_end
        for record in cluster.read(topic, number):
            log[record.offset] = record
        records[Place(topic, number)] = log
    return Tape(records)


@cache
def _recorded(seed: int, inputs: int) -> Tape:
    topology = Topology(partitions=PARTITIONS, policy=policies()[0], catalogue=catalogue())
    with topology:
        sent = Inputs(topology, random.Random(seed))  # noqa: S311 - a seeded input
        for _ in range(inputs):
            sent.send_one()
        topology.advance(days=10)
    return taken(topology)


def recorded(seed: int = 1, inputs: int = 150) -> Tape:
    """Give what varied traffic has led to, to be changed as one likes."""
    return _recorded(seed, inputs).copy()


@cache
def grown() -> tuple[Tape, ...]:
    """Give one history at four times; not to be changed."""
    topology, tapes = Topology(partitions=PARTITIONS, policy=policies()[0], catalogue=catalogue()), []
    with topology:
        sent = Inputs(topology, random.Random(4))  # noqa: S311 - a seeded input
        for _ in range(4):
            for _ in range(25):
                sent.send_one()
            topology.settle()
            tapes.append(taken(topology))
    return tuple(tapes)


async def verdict(tape: Tape, asked: Asked | None = None, ways: Ways | None = None) -> Verdict:
    """Prove a tape."""
    return await verified(TapeOrigin(tape), asked or Asked(), ways or Ways())


async def faults(tape: Tape, asked: Asked | None = None) -> list[Fault]:
    """Give what is wrong with a tape."""
    return list((await verdict(tape, asked)).faults)
