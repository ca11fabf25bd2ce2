"""Announcements of incidents of which one half was not read: its decision, or the record itself, looked for outside."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schemas.cloudevents import id_of
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.audit.faults import Fault
from streams.audit.messages.incidents import Announced, Decided, Incidents, Known, changed, forged, missing
from streams.audit.walking.cursor import records_of
from streams.audit.walking.decisions import Decision, UnreadableDecision, read_decision
from streams.fold.messages import hash_of
from streams.history import History, Place, Span
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS

MOST = 100
"""Announcements that are looked for: at the edge of what was read there are a few."""
MOST_READ = 200_000
"""Decisions that are read for one, and records of a partition for all that are not heard there."""
LOOKED_BACK = 10_000
"""Records that are looked at at least: where nothing came for long, times do not tell where one has to be."""
BEFORE_MS = timedelta(days=1) // timedelta(milliseconds=1)
AFTER_MS = timedelta(days=7) // timedelta(milliseconds=1)
"""How far the time of a decision may lie from the one that its announcement bears."""
LAST_MS = to_epoch_ms(datetime(9000, 1, 1, tzinfo=UTC))
"""Of times that are looked at: no incident is as late, and spans can be added to it."""


class Unnamed(NamedTuple):
    """An announcement that none of the decisions that were read names."""

    id: str
    sha256: str
    place: Place
    found: Announced


def unnamed(every: Sequence[Incidents], known: Known) -> Iterator[Unnamed]:
    """Give them, those left out whose decision may still be to come."""
    if any(one.too_many for one in every):
        return
    named = {message_id for one in every for message_id in one.named}
    for one in every:
        for (message_id, sha256), found in one.found.items():
            if message_id not in named and found.decider not in known.undecided:
                yield Unnamed(message_id, sha256, Place(EVENTS, one.partition), found)


async def looked_for(history: History, asked: Sequence[Unnamed]) -> tuple[list[Fault], int]:
    """Give the faults, and of how many nobody can tell.

    Retention has taken the decisions of their time, or there are more than `MOST` of them, or of decisions than
    `MOST_READ`.
    """
    faults: list[Fault] = []
    unknown = max(0, len(asked) - MOST)
    spans = await history.spans([AUDIT])
    for one in asked[:MOST]:
        found = await _decision_on(history, one, spans[Place(AUDIT, one.found.decider)])
        if isinstance(found, Decision):
            if (EVENTS, one.id, one.sha256) not in found.messages:
                faults.append(changed(one.id, one.place, one.found.offset, found.at))
        elif found:
            faults.append(forged(one.id, one.place, one.found.offset))
        else:
            unknown += 1
    return faults, unknown


async def looked_for_records(
    history: History, partition: int, named: Mapping[str, Decided], heard: Span
) -> tuple[list[Fault], int]:
    """Give the faults of those that were not heard in a partition of the log, and of how many nobody can tell.

    They are looked for in front of what was heard, from a week before the first was decided, and in what came since.
    Retention has taken the records of their time, or there are more than `MOST_READ` of them.
    """
    place = Place(EVENTS, partition)
    span = (await history.spans([EVENTS]))[place]
    since = await _begins(history, place, min(one.at_ms for one in named.values()))
    begin = max(span.begin, heard.begin - MOST_READ, min(since, heard.begin - LOOKED_BACK))
    behind = Span(heard.end, min(span.end, heard.end + MOST_READ))
    left, faults = dict(named), list[Fault]()
    for part in (Span(begin, heard.begin).within(span), behind.within(span)):
        async with aclosing(records_of(history, place, part)) as records:
            async for record in records:
                if (decided := left.pop(told := id_of(record.headers), None)) is None:
                    continue
                if hash_of(record.value) != decided.sha256:
                    faults.append(changed(told, place, record.offset, decided.by))
    if behind.end < span.end:
        return faults, len(left)
    is_all = 0 in (begin, heard.begin)
    for name, one in list(left.items())[:MOST]:
        if is_all or max(begin, span.begin + 1) <= await _begins(history, place, one.at_ms):
            del left[name]
            faults.append(missing(name, place, one.by))
    return faults, len(left)


async def _begins(history: History, place: Place, at_ms: int) -> int:
    """Give the first offset at which an announcement may be that was decided at a time."""
    return await history.offset_since(place, from_epoch_ms(max(0, min(at_ms, LAST_MS) - AFTER_MS)))


async def _decision_on(history: History, one: Unnamed, span: Span) -> Decision | bool:
    """Give the decision that names an announcement; else True where it would be there, and False where nobody knows."""
    at_ms, place = one.found.at_ms, Place(AUDIT, one.found.decider)
    if not 0 < at_ms < LAST_MS:
        return True
    begin = await history.offset_since(place, from_epoch_ms(max(0, at_ms - BEFORE_MS)))
    read = Span(max(begin, span.begin), min(span.end, begin + MOST_READ))
    async with aclosing(_decisions(history, place, read)) as decisions:
        async for decision in decisions:
            if decision.topic != SIGNALS:
                continue  # that agent may be far ahead of the other
            if any(message_id == one.id for _, message_id, _ in decision.messages):
                return decision
            if decision.time_ms > at_ms + AFTER_MS:
                break
        else:
            if read.end < span.end:
                return False
    return await _would_be_there(history, one, place, span)


async def _would_be_there(history: History, one: Unnamed, place: Place, span: Span) -> bool:
    """Tell whether decisions are kept of a time before the announcement's own, or before that of its neighbours."""
    if span.begin == 0:
        return True
    async with aclosing(_decisions(history, place, Span(span.begin, min(span.end, span.begin + 1)))) as decisions:
        async for first in decisions:
            return first.time_ms < max(one.found.at_ms - BEFORE_MS, one.found.newest_ms - AFTER_MS)
    return False


async def _decisions(history: History, place: Place, span: Span) -> AsyncGenerator[Decision, None]:
    async with aclosing(records_of(history, place, span)) as records:
        async for record in records:
            with suppress(UnreadableDecision):
                yield read_decision(record, "")
