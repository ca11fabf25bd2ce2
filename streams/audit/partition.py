"""The proof of one partition number: both chains, the records under them, and the messages that they name."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from streams.audit.faults import Fault, Kind
from streams.audit.messages.before import before_offset, before_time
from streams.audit.messages.buckets import Buckets
from streams.audit.messages.checks import Links, checked
from streams.audit.messages.found import Identified, Letters, message
from streams.audit.messages.incidents import Decided, Incidents
from streams.audit.messages.lane import Compared, Lane, Named
from streams.audit.messages.signals import FoundSignals, Signals
from streams.audit.messages.strays import Strays
from streams.audit.plan import LOGS, SAID_OF, PartitionPlan, Ways
from streams.audit.walking.cursor import Cursor
from streams.audit.walking.decisions import Decision, UnreadableDecision, read_decision
from streams.audit.walking.walk import Walk, Walked
from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, SIGNALS

AHEAD = 200
"""Decisions that are looked at ahead for the next of the same chain."""
AGAIN_SECONDS = 1.0
MOST_FAULTS = 10
"""Audit records that are no decisions of here which are told of one by one."""
SHOWN = 80
"""Characters of the name of a topic that anybody may have written."""

Progress = Callable[[int], None]
"""Hears how far the audit records are read: the offset."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Where all goes on behind a mark: the audit records, the messages by topic, and how many decisions were before."""

    audit_at: int
    outputs: Mapping[str, int]
    decisions: int


@dataclass(slots=True)
class Proof:
    """What came of one partition number; goes from process to process.

    Attributes:
        walked: by log.
        compared: by topic; dead letters by topic and log.
        named: sums over the signals that decisions name.
        reached: by log, where all goes on behind the last mark.
        last_decided: the last offset of the inbound log of which decisions were read.
        links: how many links were held against the keys.
        failed: why it could not be proven to its end.
    """

    number: int
    walked: dict[str, Walked] = field(default_factory=dict)
    compared: dict[tuple[str, str], Compared] = field(default_factory=dict)
    named: Buckets = field(default_factory=Buckets)
    signals: FoundSignals | None = None
    incidents: Incidents | None = None
    reached: dict[str, Reached] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    last_decided: int = -1
    links: int = 0
    failed: str | None = None


class Prover:
    """Proves one partition number of a history."""

    def __init__(self, history: History, plan: PartitionPlan, ways: Ways, since: Mapping[int, int]) -> None:
        self._history = history
        self._plan = plan
        self._ways = ways
        number = plan.number
        self.proof = Proof(number)
        self._audit = Cursor(history, Place(AUDIT, number), plan.audit)
        self._parsed: deque[Decision | None] = deque()
        self._since = since[number]
        self._incidents = Incidents(number, ways.partitions)
        signals = Signals(number, ways.partitions, since, plan.logs[SIGNALS].start.checked_to)
        self.proof.signals, self.proof.incidents = signals.found, self._incidents
        heard: Mapping[str, Callable[[SourceRecord], None]] = {EVENTS: self._incidents.hear, SIGNALS: signals}
        self._logs = {log: Cursor(history, Place(log, number), _log_span(plan, log)) for log in LOGS}
        self._walks = {log: Walk(self._logs[log], plan.logs[log], heard[log]) for log in LOGS}
        self._links = Links(ways.links)
        self._letters = {log: Letters(log, number) for log in LOGS}
        self._strays = Strays(number)
        self._lanes = dict(self._made_lanes())

    def _made_lanes(self) -> Iterator[tuple[tuple[str, str], Lane]]:
        plan = self._plan
        for log in LOGS:
            for topic in (*SAID_OF[log], DEAD_LETTER):
                output = plan.outputs[log, topic]
                cursor = Cursor(self._history, Place(topic, plan.number), output.span)
                identified = self._identified(log, topic)
                check = None if topic == DEAD_LETTER else checked(topic, self._links)
                yield (log, topic), Lane(cursor, output, identified, check, is_whole=plan.is_whole)

    def _identified(self, log: str, topic: str) -> Identified:
        """Have one of both lanes of dead letters tell of those that are of neither."""
        if topic != DEAD_LETTER:
            return message
        number = self._plan.number
        return Letters(log, number, self._strays) if log == EVENTS else Letters(log, number)

    async def prove(self, progress: Progress = lambda _: None) -> Proof:
        """Walk everything; raises HistoryError where it cannot be read."""
        try:
            await self._walk(progress)
            await self._settle(progress)
            await self._finish()
        finally:
            for cursor in (self._audit, *self._logs.values()):
                await cursor.close()
            for lane in self._lanes.values():
                await lane.close()
        return self.proof

    # -- decisions

    async def _walk(self, progress: Progress) -> None:
        while (decision := await self._next()) is not None:
            await self._take(decision)
            progress(decision.at)

    async def _next(self) -> Decision | None:
        """Give the next decision; what is none is told of and passed by."""
        while await self._look(0):
            decision = self._parsed.popleft()
            if decision is not None:
                return decision
        return None

    async def _look(self, number: int) -> bool:
        """Have so many audit records read ahead, and one more; False where there are none."""
        while len(self._parsed) <= number:
            record = await self._audit.peek()
            if record is None:
                return False
            self._audit.take()
            self._parsed.append(self._read(record))
        return True

    def _read(self, record: SourceRecord) -> Decision | None:
        try:
            decision = read_decision(record, hashlib.sha256(record.value or b"").hexdigest())
        except UnreadableDecision as error:
            self._fault(Kind.CHANGED, record.offset, str(error))
            return None
        if record.headers or record.timestamp != decision.time_ms:
            text = "the decision has headers, or another timestamp than its event time"
            self._fault(Kind.CHANGED, record.offset, text)
        if decision.topic not in LOGS or decision.partition != self._plan.number:
            text = f"a decision on {decision.topic[:SHOWN]}/{decision.partition} does not belong here"
            self._fault(Kind.MOVED, record.offset, text)
            return None
        return decision

    def _fault(self, kind: Kind, offset: int, text: str) -> None:
        """Tell of an audit record."""
        if len(self.proof.faults) < MOST_FAULTS:
            self.proof.faults.append(Fault(kind, Place(AUDIT, self._plan.number), offset, text))

    async def _following(self, topic: str) -> tuple[Decision | None, bool]:
        """Give the next decision of a chain, if it is near; and whether there is none at all."""
        number = 0
        while number < AHEAD:
            if not await self._look(number):
                return None, True
            following = self._parsed[number]
            if following is not None and following.topic == topic:
                return following, False
            number += 1
        return None, False

    async def _take(self, decision: Decision) -> None:
        if decision.at < self._plan.logs[decision.topic].start.audit_at:
            return
        following, is_last = await self._following(decision.topic)
        walk = self._walks[decision.topic]
        if (mark := walk.needs) is not None and mark.next_offset <= decision.offset:
            self._reach(decision.topic, decision.at)
        other = await walk.link(decision, following, is_last=is_last)
        if other is Kind.SWAPPED and following is not None:
            self._parsed.remove(following)
            self._parsed.appendleft(decision)
            await self._take(following)
        if other is not None:
            return
        if decision.topic == EVENTS:
            self.proof.last_decided = decision.offset
        for (log, topic), lane in self._lanes.items():
            if log == decision.topic:
                lane.begin(before_offset(decision.offset) if topic == DEAD_LETTER else before_time(decision.time_ms))
        for topic, message_id, sha256 in decision.messages:
            await self._name(decision, topic, message_id, sha256)
        if decision.dead_letter is not None:
            origin = f"{decision.topic}/{decision.partition}/{decision.offset}"
            name = self._letters[decision.topic].name(origin)
            record = walk.record_of(decision)
            body = "" if record is None else hashlib.sha256(record.value or b"").hexdigest()
            named = Named(name, f"{decision.dead_letter} {body}", decision.at, decision.time_ms)
            await self._lanes[decision.topic, DEAD_LETTER].expect(named)

    def _reach(self, log: str, audit_at: int) -> None:
        """Note where a chain is as it comes to its last mark."""
        positions = {topic: lane.position for (of, topic), lane in self._lanes.items() if of == log}
        outputs = {topic: at for topic, at in positions.items() if at is not None}
        self.proof.reached.setdefault(log, Reached(audit_at, outputs, self._walks[log].walked.decisions))

    async def _name(self, decision: Decision, topic: str, message_id: str, sha256: str) -> None:
        lane = self._lanes.get((decision.topic, topic))
        if lane is not None:
            await lane.expect(Named(message_id, sha256, decision.at, decision.time_ms, decision.key))
        elif (decision.topic, topic) == (EVENTS, SIGNALS):
            if decision.offset >= self._since:
                self.proof.named.add(decision.offset, message_id, sha256, decision.at)
        elif (decision.topic, topic) == (SIGNALS, EVENTS):
            self._incidents.name(message_id, Decided(sha256, decision.at, decision.time_ms))
        else:
            text = (
                f"the decision names a message of {topic[:SHOWN]}, which decisions on {decision.topic} never write to"
            )
            self._fault(Kind.CHANGED, decision.at, text)

    # -- the end

    async def _settle(self, progress: Progress) -> None:
        """Wait for what a transaction that is just being committed has not shown everywhere yet."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._ways.patience
        for lane in self._lanes.values():
            await lane.look()
        while not self._is_settled and loop.time() < ends:
            await asyncio.sleep(AGAIN_SECONDS)
            await self._extend()
            await self._walk(progress)

    async def _extend(self) -> None:
        """Go on to later ends: those of what decisions are about, and of what they name, are taken behind their own."""
        number = self._plan.number
        decided = await self._history.spans([AUDIT])
        spans = await self._history.spans(sorted({*LOGS, *(topic for _, topic in self._lanes)}))
        for log, cursor in self._logs.items():
            cursor.extend(spans[Place(log, number)].end)
        for (_, topic), lane in self._lanes.items():
            lane.extend(spans[Place(topic, number)].end)
            await lane.retry()
        self._audit.extend(decided[Place(AUDIT, number)].end)

    @property
    def _is_settled(self) -> bool:
        if not all(lane.is_settled for lane in self._lanes.values()):
            return False
        marks = ((walk, walk.needs) for walk in self._walks.values())
        return all(mark is None or walk.head is None or walk.head == mark.head for walk, mark in marks)

    async def _finish(self) -> None:
        proof = self.proof
        for log, walk in self._walks.items():
            self._reach(log, self._audit.position)
            await walk.finish(is_cut=self._plan.is_cut)
            proof.walked[log] = walk.walked
        for name, lane in self._lanes.items():
            await lane.finish()
            proof.compared[name] = lane.compared
        proof.faults += self._strays.faults
        proof.links = self._links.count


def _log_span(plan: PartitionPlan, log: str) -> Span:
    start = plan.logs[log].start.next_offset
    span = plan.logs[log].span
    return span if start is None else Span(max(start, span.begin), span.end)
