"""Restores the topics of one partition, and reads back what it has written, as a process of its own can do it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.export.reading import Tick
from streams.export.restoring.comparing import Compared, Comparing
from streams.export.restoring.looking import SAME_OFFSETS
from streams.export.restoring.offsets import runs
from streams.export.restoring.producing import Producing, producing
from streams.export.restoring.state import to_write
from streams.fold.effects import SourceRecord
from streams.history import History, Place
from streams.history.cluster import ClusterOrigin
from streams.history.exports.history import ExportOrigin
from streams.kafka.access import Bootstrap

AT_ONCE = 2_000
"""Records that are written before it is looked where the next gap is."""


@dataclass(frozen=True, slots=True)
class Restoring:
    """Writes all of a partition, then compares all; goes to another process.

    Attributes:
        identities: `<cluster id>/<topic id>` of each log in the cluster.
        at: the present, for what fills a log without a record.
    """

    folder: Path
    access: Bootstrap
    topics: Sequence[str]
    identities: Mapping[str, str]
    at: datetime

    def __call__(self, number: int, tick: Tick) -> Compared:
        """See Work; gives how many records there are."""
        return asyncio.run(self._run(number, tick))

    async def _run(self, number: int, tick: Tick) -> Compared:
        async with ExportOrigin(self.folder).open() as history:
            async with producing(self.access, number) as target:
                for topic in self.topics:
                    place = Place(topic, number)
                    await self._write(history, replace(target, place=place, next_offset=0), tick)
            async with ClusterOrigin(self.access).open() as cluster:
                comparing = Comparing(history, cluster, self.identities, WallClock().now)
                found = [await comparing.compared(Place(topic, number), tick) for topic in self.topics]
        return Compared(sum(one.records for one in found), sum(one.expired for one in found))

    async def _write(self, history: History, target: Producing, tick: Tick) -> None:
        place = target.place
        end = (await history.spans([place.topic]))[place].end
        async for records, after in _with_next(to_write(history, place, self.identities), end):
            if place.topic in SAME_OFFSETS:
                if not target.is_begun:
                    await target.skip_to(records[0].offset, records[0].timestamp)
                await target.write(runs(records, after))
            else:
                await target.write(runs(_in_a_row(records, target.next_offset), target.next_offset + len(records)))
            tick(len(records))
        if place.topic in SAME_OFFSETS and not target.is_begun:
            await target.skip_to(end, to_epoch_ms(self.at))


def _in_a_row(records: Sequence[SourceRecord], first: int) -> Sequence[SourceRecord]:
    """Give records with offsets that follow each other, where theirs are of no matter."""
    return [_Moved(record, first + number) for number, record in enumerate(records)]


class _Moved:
    """A record at another offset."""

    __slots__ = ("headers", "key", "offset", "timestamp", "value")

    def __init__(self, record: SourceRecord, offset: int) -> None:
        self.offset = offset
        self.timestamp, self.key = record.timestamp, record.key
        self.value, self.headers = record.value, record.headers


async def _with_next(
    pieces: AsyncIterator[Sequence[SourceRecord]], end: int
) -> AsyncIterator[tuple[Sequence[SourceRecord], int]]:
    """Give pieces, none too long for one transaction, each with the offset of the record behind it; at last `end`."""
    held: list[SourceRecord] = []
    async for records in pieces:
        held += records
        while len(held) > AT_ONCE:
            yield held[:AT_ONCE], held[AT_ONCE].offset
            held = held[AT_ONCE:]
    if held:
        yield held, end
