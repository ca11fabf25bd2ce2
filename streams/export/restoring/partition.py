"""Restores the topics of one partition, and reads back what it has written, as a process of its own can do it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from schemas.contract.channels import CHANNELS
from schemas.times import to_epoch_ms
from streams.export.choices import ExportError
from streams.export.reading import Tick
from streams.export.restoring.looking import SAME_OFFSETS
from streams.export.restoring.offsets import runs
from streams.export.restoring.producing import Producing, producing
from streams.export.restoring.state import to_write
from streams.fold.effects import SourceRecord
from streams.history import History, Place
from streams.history.cluster import ClusterOrigin
from streams.history.export import ExportOrigin
from streams.kafka.access import Bootstrap

AT_ONCE = 2_000
"""Records that are written before it is looked where the next gap is."""
KEPT_MS = {one.address: timedelta(days=one.kept_days) // timedelta(milliseconds=1) for one in CHANNELS if one.kept_days}


@dataclass(frozen=True, slots=True)
class Restoring:
    """Writes all of a partition, then compares all; goes to another process.

    Attributes:
        identities: `<cluster id>/<topic id>` of each log in the cluster.
        at: the present, by which the cluster may have deleted what is older than it keeps.
    """

    folder: Path
    access: Bootstrap
    topics: Sequence[str]
    identities: Mapping[str, str]
    at: datetime

    def __call__(self, number: int, tick: Tick) -> int:
        """See Work; gives how many records there are."""
        return asyncio.run(self._run(number, tick))

    async def _run(self, number: int, tick: Tick) -> int:
        count = 0
        async with ExportOrigin(self.folder).open() as history:
            async with producing(self.access, number) as target:
                for topic in self.topics:
                    place = Place(topic, number)
                    await self._write(history, replace(target, place=place, next_offset=0), tick)
            async with ClusterOrigin(self.access).open() as cluster:
                for topic in self.topics:
                    count += await self._compare(history, cluster, Place(topic, number), tick)
        return count

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

    async def _compare(self, history: History, cluster: History, place: Place, tick: Tick) -> int:
        """Compare what the cluster gives with what it was to have.

        Raises:
            ExportError: they differ, and where.
        """
        span, count, index = (await cluster.spans([place.topic]))[place], 0, 0
        is_same = place.topic in SAME_OFFSETS
        if is_same and span.end != (end := (await history.spans([place.topic]))[place].end):
            raise ExportError(f"{place} ends at {span.end}, not at {end}: somebody else writes there")
        found = _flat(cluster.read(place, span))
        async for wanted in _flat(to_write(history, place, self.identities)):
            offset = wanted.offset if is_same else index
            index += 1
            if offset < span.begin and self._is_too_old(wanted, place.topic):
                continue
            there = await anext(found, None)
            if there is None or _all_of(there) != _all_of(wanted) or there.offset != offset:
                raise ExportError(
                    f"{place}: what was written for offset {wanted.offset} of the export does not come back as it was: "
                    "somebody else writes there, or the brokers are not well; empty the cluster, and begin again"
                )
            count += 1
            tick(1)
        if (more := await anext(found, None)) is not None:
            raise ExportError(f"{place}/{more.offset} is none of the export: somebody else writes there")
        return count

    def _is_too_old(self, record: SourceRecord, topic: str) -> bool:
        kept = KEPT_MS.get(topic)
        return kept is not None and record.timestamp < to_epoch_ms(self.at) - kept


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


def _all_of(record: SourceRecord) -> tuple[object, ...]:
    return record.timestamp, record.key, record.value, tuple(record.headers)


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


async def _flat(pieces: AsyncIterator[Sequence[SourceRecord]]) -> AsyncIterator[SourceRecord]:
    async for records in pieces:
        for record in records:
            yield record
