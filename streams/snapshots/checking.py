"""A snapshot held against the log that it is of, what that log has announced of it, and the recorded chain there."""

import hashlib
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from schemas.state import ControlState
from schemas.times import from_epoch_ms
from streams.fold.application import APPLICATIONS
from streams.history import History, HistoryError, Place, Span
from streams.history.chains import names_of
from streams.kafka.topics import AUDIT, TABLES
from streams.snapshots.file import REMEDY, Head, Snapshot, read_snapshot
from streams.snapshots.folder import path_of
from streams.snapshots.marks import is_mark, taken_of

HOUR_MS = 3_600_000
FURTHER = 16
"""How many times as far back decisions are looked for where an hour has none: 16 hours, then 256, and so on."""
_decode_control = msgspec.json.Decoder(ControlState).decode


class Link(NamedTuple):
    """A recorded decision: the offset that it is on, its hash, and the one that it goes on from."""

    offset: int
    sha256: str
    previous: str


async def held(history: History, place: Place, path: Path, former: Sequence[str] = ()) -> Snapshot:
    """Read a snapshot that can be gone on from: it is of this log, announced in it, and the chain goes on from it.

    `former` are the names that the log had before it was restored: its snapshots of then go on.

    Raises:
        HistoryError: with what does not fit.
    """
    snapshot = read_snapshot(path)
    head, names = snapshot.head, names_of(history, place.topic, former)
    if head.log not in names or (head.place, head.partitions) != (place, history.partitions):
        raise HistoryError(
            f"{path}: it is of {head.place} of {head.log} with {head.partitions} partitions, not of {place} of "
            f"{' or '.join(names)} with {history.partitions}: name the folder of this log's, or give --former where "
            "it is that of a restored cluster"
        )
    if path.name != path_of(path.parent, place, head.offset).name:
        raise HistoryError(f"{path}: it is as of offset {head.offset}, and was renamed; {REMEDY}")
    _require_tables(path, snapshot)
    await _require_announced(history, path, head)
    await _require_link(history, path, head)
    return snapshot


def _require_tables(path: Path, snapshot: Snapshot) -> None:
    """Refuse tables that the agent does not have, and books that say otherwise than the first line."""
    head, known = snapshot.head, next(TABLES[one.name] for one in APPLICATIONS if one.log == snapshot.head.topic)
    strange = snapshot.tables.keys() - set(known)
    if strange:
        raise HistoryError(
            f"{path}: it has tables that this release does not know: {', '.join(sorted(strange))}; read it with the "
            f"release that has taken it, or {REMEDY}"
        )
    value = snapshot.tables.get("control", {}).get(str(head.partition))
    try:
        control = ControlState() if value is None else _decode_control(value)
    except (msgspec.MsgspecError, ValueError) as error:
        raise HistoryError(f"{path}: damaged: its books cannot be read: {error}; {REMEDY}") from error
    if (control.audit_head, control.log or head.log) != (head.audit_head, head.log):
        raise HistoryError(f"{path}: its books are of another chain than its first line says; {REMEDY}")
    if (control.next_offset or 0) > head.offset:
        raise HistoryError(f"{path}: its books go on behind its mark at offset {head.offset}; {REMEDY}")


async def _require_announced(history: History, path: Path, head: Head) -> None:
    """Refuse a state that the log does not have behind its mark: the chain is over what it has."""
    place = head.place
    log = (await history.spans([place.topic]))[place]
    if not log.begin <= head.offset < log.end:
        raise HistoryError(
            f"{path}: its mark at offset {head.offset} is not in {place}, which has {log.begin} to {log.end}: what "
            "came behind it is not there to go on with; name a folder with others"
        )
    chunks: Any = history.read(place, Span(head.offset, log.end))
    first, other = True, ""
    async with aclosing(chunks):
        async for records in chunks:
            for record in records:
                if first and not (record.offset == head.offset and is_mark(record)):
                    raise HistoryError(f"{path}: there is no mark at offset {head.offset} of {place}; {REMEDY}")
                first, taken = False, taken_of(record)
                if taken == head.taken:
                    return
                if taken is not None and taken.offset == head.offset:
                    other = f", but another state, {taken.state_sha256}"
    raise HistoryError(f"{path}: {place} has not announced its state {head.state_sha256}{other}; {REMEDY}")


async def _require_link(history: History, path: Path, head: Head) -> None:
    """Refuse a state from which the recorded chain does not go on."""
    before, after = await links_around(history, head.place, head.offset, head.time_ms)
    if before is not None:
        recorded: str | None = before.sha256
    elif (await history.spans([AUDIT]))[Place(AUDIT, head.partition)].begin == 0:
        recorded = ""
    else:
        recorded = None if after is None else after.previous
    if recorded != head.audit_head:
        raise HistoryError(
            f"{path}: the last decision in it is {head.audit_head or 'none'}, and the last one recorded before "
            f"offset {head.offset} of {head.place} is {recorded or 'none'}: run `txpush audit verify`; {REMEDY}"
        )


async def links_around(history: History, place: Place, offset: int, at_ms: int) -> tuple[Link | None, Link | None]:
    """Give the last recorded decision before an offset of a log, and the first at it or behind; None where none is.

    `at_ms` is the time of that offset, milliseconds since 1970: decisions of an hour before it are read, or of longer
    where that has none.

    Raises:
        HistoryError: they cannot be read.
    """
    audits, before_ms = Place(AUDIT, place.partition), HOUR_MS
    whole = (await history.spans([AUDIT]))[audits]
    while True:
        begin = whole.begin
        if before_ms < at_ms:
            begin = await history.offset_since(audits, from_epoch_ms(at_ms - before_ms))
        span = Span(begin, whole.end).within(whole)
        found = await _links_in(history, audits, span, place.topic, offset)
        if found[0] is not None or span.begin <= whole.begin:
            return found
        before_ms *= FURTHER


async def _links_in(
    history: History, audits: Place, span: Span, log: str, offset: int
) -> tuple[Link | None, Link | None]:
    mine, before = b'","topic":"%b","partition":' % log.encode(), None
    chunks: Any = history.read(audits, span)
    async with aclosing(chunks):
        async for records in chunks:
            values = [one.value for one in records if one.value is not None and mine in one.value]
            if values and (last := _link(values[-1])).offset < offset:
                before = last
                continue
            for value in values:
                link = _link(value)
                if link.offset >= offset:
                    return before, link
                before = link
    return before, None


def _link(value: bytes) -> Link:
    read = orjson.loads(value)
    return Link(read["offset"], hashlib.sha256(value).hexdigest(), read["previous"])
