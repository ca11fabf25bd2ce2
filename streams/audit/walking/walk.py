"""One chain of one partition of a log, walked beside the inbound records that roll into it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.times import rfc3339, time_of_record
from streams.audit.faults import Fault, Kind
from streams.audit.plan import LogPlan, Mark
from streams.audit.walking.cursor import Cursor
from streams.audit.walking.decisions import Decision
from streams.audit.walking.interval import Explainer, Interval, event_id_of
from streams.audit.walking.links import Links
from streams.fold.effects import SourceRecord

MOST_FAULTS = 10

Heard = Callable[[SourceRecord], None]


@dataclass(slots=True)
class Walked:
    """What came of it.

    Attributes:
        records: inbound records that were read.
        proven: those of them that a decision or the state vouches for.
        decisions: links that were walked.
        unproven: decisions whose inbound records are not there any more, or began before what was read.
        begins_at: the offset of the first decision where nobody knows what was before it.
        undecided: inbound records behind what the state knows, and how many.
        reached: the last mark, once the chain agreed with it.
    """

    records: int = 0
    proven: int = 0
    decisions: int = 0
    unproven: int = 0
    begins_at: int | None = None
    undecided: int = 0
    reached: Mark | None = None
    faults: list[Fault] = field(default_factory=list)


class Walk:
    """Takes the decisions on a log in order; see `Walked` for what it finds."""

    def __init__(self, records: Cursor, plan: LogPlan, heard: Heard) -> None:
        self._records = records
        self._place = records.place
        self._plan = plan
        self._heard = heard
        start = plan.start
        self._links = Links(self._place, start.head, plan.firsts, must_begin=plan.must_begin)
        self._begin = plan.span.begin
        self._absorbed = plan.span.begin if start.next_offset is None else start.next_offset
        """Inbound records before this offset are in the roll, or before it."""
        known_since = 0 if plan.must_begin else start.next_offset
        self._is_sure = known_since is not None and known_since >= plan.span.begin
        """The roll has every record since the last decision."""
        self._last: int | None = None
        self._interval = Interval(plan.span.begin if start.next_offset is None else start.next_offset, start.inputs)
        self._explainer = Explainer(records)
        self._marks = list(plan.marks)
        self._record: SourceRecord | None = None
        self._following: Decision | None = None
        self.walked = Walked()

    @property
    def head(self) -> str | None:
        """The hash of the last decision; None where there was none to take it from."""
        return self._links.head

    def record_of(self, decision: Decision) -> SourceRecord | None:
        """Give the inbound record that was decided on, right after the decision was taken; None where it is gone."""
        record = self._record
        return record if record is not None and record.offset == decision.offset else None

    @property
    def needs(self) -> Mark | None:
        """The mark that is still to be reached."""
        return self._marks[-1] if self._marks else None

    def _fault(self, kind: Kind, offset: int | None, text: str) -> None:
        self._tell(Fault(kind, self._place, offset, text))

    def _tell(self, fault: Fault | None) -> None:
        if fault is not None and len(self.walked.faults) < MOST_FAULTS:
            self.walked.faults.append(fault)

    # -- a decision

    async def link(self, decision: Decision, following: Decision | None, *, is_last: bool) -> Kind | None:
        """Take the next decision; what else it is than the next one, where it is not: forged, or swapped with the next.

        `following` is the one behind it, where that was looked up; `is_last` says that there is none.
        """
        await self._pass_marks(decision.offset)
        walked = self.walked
        if self._links.head is None:
            is_first = decision.previous in self._plan.firsts
            self._is_sure = is_first and self._begin == 0
            walked.begins_at = None if is_first else decision.offset
        fault = self._links.take(decision, following)
        self._tell(fault)
        if fault is not None and self._links.head != decision.hash:
            return fault.kind
        if fault is not None and fault.kind is not Kind.CHANGED:
            self._is_sure = False  # what was between this one and the one before is not known any more
        walked.decisions += 1
        self._following = following
        await self._inputs(decision, is_vouched=self._is_vouched(decision, following, is_last=is_last))
        return None

    def _is_vouched(self, decision: Decision, following: Decision | None, *, is_last: bool) -> bool:
        """Tell whether nobody says that the decision itself was changed: whoever does, is told of in its turn."""
        if following is not None:
            return following.previous == decision.hash
        mark = self.needs
        return not is_last or mark is None or mark.next_offset <= decision.offset or mark.head == decision.hash

    async def _inputs(self, decision: Decision, *, is_vouched: bool) -> None:
        if self._last is not None and decision.offset < self._last:
            if is_vouched:
                at = f"it is about offset {decision.offset}, and the one before it about {self._last}"
                self._fault(Kind.DIFFERENT, decision.offset, f"decision {decision.at} is out of order: {at}")
            return
        if decision.offset != self._last:
            await self._absorb(decision.offset + 1)
        if not self._is_sure:
            self.walked.unproven += 1
            if is_vouched and decision.offset >= self._begin:
                self._event(decision)
        elif is_vouched and decision.inputs != self._interval.roll:
            await self._explain(decision.offset, decision.inputs, f"decision {decision.at}")
        elif is_vouched:
            self.walked.proven += self._interval.count
            self._event(decision)
        self._begin_anew(decision.offset)

    def _begin_anew(self, offset: int) -> None:
        self._last = offset
        self._interval = Interval(offset + 1)
        self._is_sure = offset + 1 >= self._begin

    def _event(self, decision: Decision) -> None:
        """Hold what a decision says of its record against the record."""
        record = self.record_of(decision)
        if record is None:
            self._fault(Kind.MISSING, decision.offset, f"decision {decision.at} is about a record that is not there")
            return
        event_id = event_id_of(record)
        if self._explainer.is_lost:
            return
        if decision.event_id != event_id:
            text = f"decision {decision.at} is about event {decision.event_id!r}, the record there is {event_id!r}"
            ids, keys = (decision.event_id, event_id), (decision.key, record.key)
            fault = Fault(Kind.DIFFERENT, self._place, decision.offset, text, ids=ids, keys=keys, is_anybodys=True)
            self._tell(fault)
        elif decision.event_time != rfc3339(time_of_record(record.timestamp)):
            text = f"decision {decision.at} gives its time as {decision.event_time}, and the record has another"
            self._fault(Kind.DIFFERENT, decision.offset, text)
        elif (decision.dead_letter or record.key) and decision.key != (None if decision.dead_letter else record.key):
            self._fault(Kind.DIFFERENT, decision.offset, f"decision {decision.at} has another key than its record")

    # -- inbound records

    async def _absorb(self, until: int) -> None:
        """Roll in what is before an offset."""
        records = self._records
        while records.ahead or await records.fill():
            record = records.ahead[0]
            if record.offset >= until:
                break
            records.take()
            self.walked.records += 1
            self._heard(record)
            if record.offset < self._absorbed:
                continue
            self._interval.absorb(record)
            self._record = record
        self._absorbed = max(self._absorbed, until)

    async def _explain(self, until: int, expected: str, who: str) -> None:
        fault = await self._explainer.explain(self._interval, until, expected, who, self._following)
        self._tell(fault)

    # -- what others have seen of the chain

    async def _pass_marks(self, offset: int) -> None:
        """Hold the chain against every mark that is not behind an offset."""
        while self._marks and self._marks[0].next_offset <= offset:
            mark = self._marks.pop(0)
            await self._absorb(mark.next_offset)
            await self._agree(mark)

    async def _agree(self, mark: Mark) -> None:
        walked = self.walked
        if self._links.head is None and not self._plan.must_begin and not mark.is_needed:
            return  # nothing to agree with: what it was about is not there any more
        if not self._links.agrees(mark):
            self._tell(self._links.disagreement(mark, walked.reached))
        elif self._is_sure and mark.inputs != self._interval.roll:
            await self._explain(mark.next_offset - 1, mark.inputs, mark.named)
        else:
            walked.reached = mark
            if self._is_sure:
                walked.proven += self._interval.count
                self._interval.count = 0

    async def finish(self, *, is_cut: bool) -> None:
        """Read the log to its end, and hold the chain against what is left to agree with."""
        end = self._records.end
        while self._marks and not is_cut:
            mark = self._marks.pop(0)
            await self._absorb(mark.next_offset)
            if mark.next_offset > end:
                text = f"the log ends here, and {mark.named} knows it up to {mark.next_offset}"
                self._fault(Kind.MISSING, end, text)
                break
            await self._agree(mark)
        before = self.walked.records
        await self._absorb(end)
        self.walked.undecided = self.walked.records - before
