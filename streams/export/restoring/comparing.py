"""Reads back what an import has written, and compares it with the export: in order, or where keys are kept by key."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn

import msgspec

from schemas.contract.channels import CHANNELS
from schemas.times import to_epoch_ms
from streams.export.choices import COMPACTED, ExportError
from streams.export.reading import Tick
from streams.export.restoring.looking import SAME_OFFSETS
from streams.export.restoring.state import to_write
from streams.fold.effects import SourceRecord
from streams.history import History, HistoryError, Place, Span

MILLISECOND = timedelta(milliseconds=1)
KEPT_MS = {one.address: timedelta(days=one.kept_days) // MILLISECOND for one in CHANNELS if one.kept_days}
"""How long each topic keeps a record, by the contract."""
CLOCKS_MS = timedelta(minutes=5) // MILLISECOND
"""By how much the clock of a broker may be ahead of ours: it deletes by its own."""
SOMEBODY_ELSE = "somebody else writes there: see who may (`txpush topics acls --check`), and stop that"


class Compared(NamedTuple):
    """What came back.

    Attributes:
        records: so many as they were.
        expired: so many that the brokers have deleted by now, as they are older than their topic is kept.
    """

    records: int
    expired: int


@dataclass(frozen=True, slots=True)
class Comparing:
    """Compares what a cluster gives with what it was to have.

    Attributes:
        history: the export.
        cluster: where it was written to.
        identities: see `to_write`.
        now: tells the time.
    """

    history: History
    cluster: History
    identities: Mapping[str, str]
    now: Callable[[], datetime]

    async def compared(self, place: Place, tick: Tick) -> Compared:
        """Compare a partition; of a topic that keeps the last value of each key, those, however far it is compacted.

        Raises:
            ExportError: they differ, and where.
            HistoryError: one of them cannot be read.
        """
        return await (self._by_key(place, tick) if place.topic in COMPACTED else self._in_order(place, tick))

    async def _in_order(self, place: Place, tick: Tick) -> Compared:
        span, is_same = await self._span(place), place.topic in SAME_OFFSETS
        if is_same and span.end != (end := (await self.history.spans([place.topic]))[place].end):
            raise ExportError(f"{place} ends at {span.end}, not at {end}: {SOMEBODY_ELSE}")
        found, count, expired, index, begin = self._found(place, span), 0, 0, 0, span.begin
        there = await anext(found, None)
        async for wanted in self._wanted(place):
            offset, index = (wanted.offset if is_same else index), index + 1
            tick(1)
            if (there is None or there.offset > offset) and self._is_too_old(wanted, place.topic):
                begin = begin if offset < begin else (await self._span(place)).begin
                if offset < begin:
                    expired += 1
                    continue
            if there is None or _all_of(there) != _all_of(wanted) or there.offset != offset:
                _differs(place, wanted.offset)
            count += 1
            there = await anext(found, None)
        if there is not None:
            _is_none_of_it(place, there.offset)
        return Compared(count, expired)

    async def _by_key(self, place: Place, tick: Tick) -> Compared:
        """Compare the last value of each key; memory grows with the keys, 250 bytes each."""
        wanted, found = dict[bytes | None, _Last](), dict[bytes | None, _Last]()
        async for record in self._wanted(place):
            _take(wanted, record)
            tick(1)
        async for record in self._found(place, await self._span(place)):
            _take(found, record)
        for key, last in wanted.items():
            if key not in found or found[key].hash != last.hash:
                _differs(place, last.offset)
        if (more := next((last for key, last in found.items() if key not in wanted), None)) is not None:
            _is_none_of_it(place, more.offset)
        return Compared(len(found), 0)

    async def _span(self, place: Place) -> Span:
        return (await self.cluster.spans([place.topic]))[place]

    async def _wanted(self, place: Place) -> AsyncIterator[SourceRecord]:
        async for records in to_write(self.history, place, self.identities):
            for record in records:
                yield record

    async def _found(self, place: Place, span: Span) -> AsyncIterator[SourceRecord]:
        """Give what the cluster has; where its beginning is deleted meanwhile, what is left."""
        at = span.begin
        while True:
            try:
                async for records in self.cluster.read(place, Span(at, span.end)):
                    for record in records:
                        at = record.offset + 1
                        yield record
            except HistoryError:
                begin = (await self._span(place)).begin
                if begin <= at:
                    raise
                at = begin
            else:
                return

    def _is_too_old(self, record: SourceRecord, topic: str) -> bool:
        kept = KEPT_MS.get(topic)
        return kept is not None and record.timestamp < to_epoch_ms(self.now()) - kept + CLOCKS_MS


class _Last(NamedTuple):
    """The last record of a key, by where it is and by what it is."""

    offset: int
    hash: bytes


def _take(last: dict[bytes | None, _Last], record: SourceRecord) -> None:
    if record.value is None:  # compaction takes it away at last
        last.pop(record.key, None)
        return
    whole = msgspec.msgpack.encode(_all_of(record))
    last[record.key] = _Last(record.offset, hashlib.blake2b(whole, digest_size=16).digest())


def _all_of(record: SourceRecord) -> Sequence[object]:
    return record.timestamp, record.key, record.value, tuple(record.headers)


def _differs(place: Place, offset: int) -> NoReturn:
    raise ExportError(
        f"{place}: what was written for offset {offset} of the export does not come back as it was: the brokers are "
        f"not well, or {SOMEBODY_ELSE}"
    )


def _is_none_of_it(place: Place, offset: int) -> NoReturn:
    raise ExportError(f"{place}/{offset} is none of the export: {SOMEBODY_ELSE}")
