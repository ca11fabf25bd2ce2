"""What is to be read for a proof: the ends of all topics, in an order in which nothing in flight looks like a fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from schemas.contract.channels import CHANNELS
from schemas.problems import UNREADABLE
from schemas.times import to_epoch_ms
from streams.audit.checkpoints.entry import Entry
from streams.audit.plan import LOGS, OUTPUTS, SAID_OF, LogPlan, Mark, OutputPlan, PartitionPlan, Start
from streams.audit.walking.cursor import records_of
from streams.audit.walking.decisions import UnreadableDecision, read_decision
from streams.fold.chain import NO_INPUTS, first_link
from streams.history import History, HistoryError, Number, Place, Span
from streams.history.chains import names_of
from streams.kafka.topics import AGENT, AUDIT, DEAD_LETTER, EVENTS, INSTITUTIONS, SIGNALS, changelog

STATE = {EVENTS: changelog(AGENT, "control"), SIGNALS: changelog(INSTITUTIONS, "control")}
KEPT_DAYS = {channel.address: channel.kept_days for channel in CHANNELS}
SLACK = timedelta(days=2)
"""Retention removes segments whole, by the clocks of brokers; a message may be older than its decision."""
FIRST_TAIL = 64
LOOKED_FOR = 5000
"""Audit records that are read for the first one of each log, where a time was asked for."""
NOTHING = Span(0, 0)

Spans = Mapping[Place, Span]


class _State(msgspec.Struct, frozen=True):
    """What of an agent's state is about its chain."""

    audit_head: str | None = None
    next_offset: Number | None = None
    inputs: str = NO_INPUTS


_read_state = msgspec.json.Decoder(_State).decode


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to be proven.

    Attributes:
        since, until: decisions of these times only.
        starts: where to go on behind what a checkpoint has signed.
        checkpoints: what the chains have to have come to, by log and partition, oldest first.
        former: names that the logs had before, `<cluster id>/<topic id>`.
        now: the present; None where nobody knows when what is read was written.
    """

    since: datetime | None = None
    until: datetime | None = None
    starts: Mapping[Place, Entry] = field(default_factory=dict)
    checkpoints: Mapping[Place, tuple[Mark, ...]] = field(default_factory=dict)
    former: tuple[str, ...] = ()
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan, and what has to be said of it beforehand."""

    partitions: tuple[PartitionPlan, ...]
    spans: Spans
    notes: tuple[str, ...]


def of_this_cluster(history: History, asked: Asked) -> Asked:
    """Give what is asked with the checkpoints of a former cluster as what chains have to agree with.

    A restored cluster has its logs at their offsets, and decisions and messages at others: nothing can go on there.
    """
    starts = {place: one for place, one in asked.starts.items() if one.topic_id == history.topics.get(place.topic)}
    marks = dict(asked.checkpoints)
    for place, entry in asked.starts.items():
        if place not in starts:
            last = entry.mark("the last checkpoint of the former cluster")
            marks[place] = (*marks.get(place, ()), last._replace(is_needed=asked.since is None))
    return replace(asked, starts=starts, checkpoints=marks)


async def planned(history: History, asked: Asked) -> Planned:
    """Look at what is there; raises HistoryError."""
    topics = [topic for topic in (*LOGS, *OUTPUTS) if topic in history.topics or topic in LOGS]
    sure = await history.spans(topics)
    states = {log: await _states(history, log) for log in LOGS}
    audit = await history.spans([AUDIT])
    spans = {**await history.spans(topics), **audit}
    maker = _Maker(history, asked, sure, spans, states)
    partitions = [await maker.partition(number) for number in range(history.partitions)]
    absent = [topic for topic in (*OUTPUTS, *STATE.values()) if topic not in history.topics]
    notes = [f"{topic} is not among what is read: nothing is said about it" for topic in absent]
    return Planned(tuple(partitions), spans, tuple(notes))


class _Maker:
    """Makes the plan of each partition number."""

    def __init__(
        self, history: History, asked: Asked, sure: Spans, spans: Spans, states: Mapping[str, Mapping[int, Mark]]
    ) -> None:
        self._history = history
        self._asked = asked
        self._sure = sure
        self._spans = spans
        self._states = states

    async def partition(self, number: int) -> PartitionPlan:
        """Make one."""
        asked = self._asked
        audit = await self._audit(number)
        firsts = await self._first_offsets(number, audit)
        logs = {log: self._log(Place(log, number), audit, firsts.get(log)) for log in LOGS}
        is_whole = asked.since is None and all(one.must_begin or one.start.head is not None for one in logs.values())
        outputs = {
            (log, topic): self._output(Place(topic, number), log, is_whole=is_whole)
            for log in LOGS
            for topic in (*SAID_OF[log], DEAD_LETTER)
        }
        return PartitionPlan(number, audit, is_whole, asked.until is not None, logs, outputs)

    async def _audit(self, number: int) -> Span:
        place = Place(AUDIT, number)
        span, asked = self._spans[place], self._asked
        begin, end = span
        if asked.since is not None:
            begin = max(begin, await self._history.offset_since(place, asked.since))
        entries = [asked.starts.get(Place(log, number)) for log in LOGS]
        if all(entry is not None for entry in entries):
            begin = max(begin, min(entry.audit_at for entry in entries if entry is not None))
        if asked.until is not None:
            end = min(end, await self._history.offset_since(place, asked.until))
        return Span(min(begin, end), end)

    async def _first_offsets(self, number: int, audit: Span) -> dict[str, int]:
        """Give the offset that the first decision on each log is about, where others were before it; if it is near."""
        found: dict[str, int] = {}
        if self._asked.since is None and audit.begin == 0:
            return found
        near = Span(audit.begin, min(audit.end, audit.begin + LOOKED_FOR))
        async for record in records_of(self._history, Place(AUDIT, number), near):
            try:
                decision = read_decision(record, "")
            except UnreadableDecision:
                continue
            found.setdefault(decision.topic, decision.offset)
            if len(found) == len(LOGS):
                break
        return found

    def _log(self, place: Place, audit: Span, first: int | None) -> LogPlan:
        asked, span = self._asked, self._spans[place]
        names = names_of(self._history, place.topic, asked.former)
        firsts = frozenset(first_link(name, place.partition) for name in names)
        entry = asked.starts.get(place)
        start = Start(next_offset=first) if entry is None else entry.start()
        since = -1 if entry is None else entry.offset
        marks = [mark for mark in asked.checkpoints.get(place, ()) if mark.next_offset > since]
        state = self._states[place.topic].get(place.partition)
        if state is not None and asked.until is None:
            marks.append(state)
        marks.sort(key=lambda mark: mark.next_offset)
        must_begin = entry is None and asked.since is None and audit.begin == 0
        return LogPlan(firsts, span, start, tuple(marks), must_begin)

    def _output(self, place: Place, log: str, *, is_whole: bool) -> OutputPlan:
        span = self._spans.get(place, NOTHING)
        entry = self._asked.starts.get(Place(log, place.partition))
        begin, is_exact = span.begin, span.begin == 0 and place in self._spans
        if entry is not None:
            known = entry.outputs.get(place.topic)
            is_exact = known is not None and known >= span.begin
            begin = span.begin if known is None else max(span.begin, known)
        sure = 0 if self._asked.until is not None or place not in self._sure else self._sure[place].end
        return OutputPlan(Span(begin, span.end), sure, is_exact and is_whole, self._kept_ms(place.topic))

    def _kept_ms(self, topic: str) -> int | None:
        kept, now = KEPT_DAYS[topic], self._asked.now
        return None if kept is None or now is None else to_epoch_ms(now - timedelta(days=kept) + SLACK)


async def _states(history: History, log: str) -> dict[int, Mark]:
    """Give what the state of each partition of a log knows of its chain, where it is there."""
    topic = STATE[log]
    if topic not in history.topics:
        return {}
    found = {}
    for place, span in (await history.spans([topic])).items():
        value = await _last_value(history, place, span, str(place.partition).encode())
        if value is not None and value.audit_head and value.next_offset is not None:
            found[place.partition] = Mark(value.audit_head, value.inputs, value.next_offset, "the agent's state")
    return found


async def _last_value(history: History, place: Place, span: Span, key: bytes) -> _State | None:
    """Read the last record of a key of a partition of a table; what is under other keys the agent does not read.

    Raises:
        HistoryError: it is none of a table.
    """
    tail = FIRST_TAIL
    while True:
        begin = max(span.begin, span.end - tail)
        last = None
        async for record in records_of(history, place, Span(begin, span.end)):
            last = record if record.key == key else last
        if last is not None:
            return None if last.value is None else _state(last.value, f"{place} at offset {last.offset}")
        if begin == span.begin:
            return None
        tail *= 8


def _state(value: bytes, where: str) -> _State:
    try:
        return _read_state(value)
    except UNREADABLE as error:
        raise HistoryError(f"{where} cannot be read ({error}): state that an agent would refuse as well") from None
