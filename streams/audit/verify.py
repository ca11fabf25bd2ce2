"""The whole proof: every partition for itself, then what goes between partitions, and what came of it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from streams.audit.checkpoints.entry import Entry
from streams.audit.faults import Fault, Kind, joined
from streams.audit.messages.buckets import Buckets, differing
from streams.audit.messages.earlier import looked_for, looked_for_records, unnamed
from streams.audit.messages.incidents import Incidents, Known, compared, unheard
from streams.audit.messages.second import Range, looked_at_again
from streams.audit.messages.signals import FoundSignals, gone_before
from streams.audit.parallel import Job, proven_here
from streams.audit.partition import Proof
from streams.audit.plan import SAID_OF, LogPlan, PartitionPlan, Ways
from streams.audit.planning import Asked, Planned, of_this_cluster, planned
from streams.audit.withholding import withheld
from streams.history import History, Origin, Place, Span
from streams.history.hashes import require_everybody, require_hashes
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, SIGNALS

LOOKED_BACK = 10_000
"""Signals in front of what is read that are looked at once more, where one is missing near the beginning."""

Run = Callable[[Origin, Sequence[Job]], Awaitable[list[Proof]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a proof.

    Attributes:
        proofs: by partition number.
        faults: all that were found, those of the chains first.
        notes: what was not looked at, and why.
        gone: signals that are named, and not there any more.
        ends: up to where each partition of signals was held against decisions.
    """

    planned: Planned
    proofs: tuple[Proof, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    gone: int
    ends: Mapping[int, int]

    def fault_of(self, log: Place) -> Fault | None:
        """Give the first fault about a partition of a log: of its chain, its records, or what decisions on it say."""
        own = (log.topic, AUDIT, *SAID_OF[log.topic], DEAD_LETTER)
        return next(
            (one for one in self.faults if one.place.partition == log.partition and one.place.topic in own), None
        )

    @property
    def failed(self) -> dict[int, str]:
        """Partitions that could not be proven to their end, with why."""
        return {proof.number: proof.failed for proof in self.proofs if proof.failed is not None}


RESTORED = (
    "no chain begins with the name that its log has here: where the cluster was restored from an export, "
    "give --former FOLDER/restored.json, or --checkpoints with those of before"
)


def _bear_other_names(plan: Planned, proofs: Sequence[Proof]) -> bool:
    """Tell whether the first decision of every log that has any goes on from what is not known here."""
    logs = {one.number: one.logs for one in plan.partitions}
    first = [
        logs[proof.number][log].must_begin and walked.begins_at is not None
        for proof in proofs
        for log, walked in proof.walked.items()
        if walked.decisions
    ]
    return bool(first) and all(first)


async def verified(origin: Origin, asked: Asked, ways: Ways, run: Run = proven_here) -> Verdict:
    """Prove what was asked for; raises HistoryError where nothing can be read."""
    async with origin.open() as history:
        require_hashes(history)
        require_everybody(history)
        ways = replace(ways, partitions=history.partitions)
        asked = of_this_cluster(history, asked)
        plan = await planned(history, asked)
        since = {one.number: _compared_from(one.logs[EVENTS]) for one in plan.partitions}
        proofs = await run(origin, [Job(one, ways, since) for one in plan.partitions])
        between = Between(history, plan, proofs)
        faults, notes = [*cut_off(plan.spans, asked.starts), *_own(proofs)], list(plan.notes)
        if any(proof.failed is not None for proof in proofs):
            notes.append("signals and incidents were not compared: a partition could not be read")
        else:
            await between.signals()
            await between.incidents()
            notes += between.notes
        if _bear_other_names(plan, proofs):
            notes.append(RESTORED)
        told = await withheld(history, joined([*faults, *between.faults]))
    return Verdict(plan, tuple(proofs), tuple(told), tuple(notes), between.gone, between.ends)


def cut_off(spans: Mapping[Place, Span], starts: Mapping[Place, Entry]) -> Iterator[Fault]:
    """Tell of topics that end before the place at which a checkpoint says that they go on."""
    for entry in starts.values():
        known = {entry.topic: entry.offset, AUDIT: entry.audit_at, **entry.outputs}
        for topic, goes_on in known.items():
            span = spans.get(place := Place(topic, entry.partition))
            if span is not None and span.end < goes_on:
                text = f"it ends here, and a checkpoint knows it up to {goes_on}: records were removed at its end"
                yield Fault(Kind.MISSING, place, span.end, text)


def _own(proofs: Sequence[Proof]) -> Iterator[Fault]:
    for proof in proofs:
        yield from proof.faults
        for walked in proof.walked.values():
            yield from walked.faults
        for one in proof.compared.values():
            yield from one.faults
        if proof.signals is not None:
            yield from proof.signals.faults


class Between:
    """What decisions of one partition have said to others."""

    def __init__(self, history: History, plan: Planned, proofs: Sequence[Proof]) -> None:
        self._history = history
        self._plans: Mapping[int, PartitionPlan] = {one.number: one for one in plan.partitions}
        self._proofs = proofs
        self._found = [proof.signals for proof in proofs if proof.signals is not None]
        self._begins = {number: _looked_at_from(one.logs[SIGNALS]) for number, one in self._plans.items()}
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.gone = 0
        self.ends = {number: one.logs[SIGNALS].span.end for number, one in self._plans.items()}

    async def signals(self) -> None:
        """Hold the sums of signals against each other, and look again where they differ."""
        for proof in self._proofs:
            sums = [one.sums.get(proof.number, Buckets()) for one in self._found]
            for low, high in differing(proof.named, sums):
                since = _compared_from(self._plans[proof.number].logs[EVENTS])
                await self._look_again(proof, max(low, since), min(high, proof.last_decided + 1))

    async def _look_again(self, proof: Proof, low: int, high: int) -> None:
        if low >= high:
            return  # caused by what is not decided yet, as far as was read
        number = proof.number
        audit = (await self._history.spans([AUDIT]))[Place(AUDIT, number)]
        fresh = await self._history.spans([SIGNALS])
        ends = {place.partition: span.end for place, span in fresh.items()}
        self.ends = {partition: max(end, ends[partition]) for partition, end in self.ends.items()}
        plan = self._plans[number]
        begin = _begin_of(proof.named, low, plan.audit.begin)
        asked = Range(
            source=number,
            offsets=(low, high),
            decided=proof.last_decided + 1,
            audit=Span(begin, audit.end),
            signals=tuple(self._span_of(one, number, low, ends) for one in self._found),
            must_be_there=gone_before(self._found, self._begins, number),
        )
        faults, gone = await looked_at_again(self._history, asked)
        self.faults += faults
        self.gone += gone

    def _span_of(self, found: FoundSignals, source: int, low: int, ends: Mapping[int, int]) -> Span:
        begin = self._begins[found.partition]
        if self._plans[found.partition].logs[SIGNALS].start.next_offset is None:
            begin = _begin_of(found.sums.get(source, Buckets()), low, begin)
        return Span(begin, ends[found.partition])

    async def incidents(self) -> None:
        """Hold what was announced to all partitions against what was decided."""
        every = [proof.incidents for proof in self._proofs if proof.incidents is not None]
        undecided = {proof.number for proof in self._proofs if _is_undecided(proof)}
        is_whole = all(one.is_whole and one.logs[SIGNALS].must_begin for one in self._plans.values())
        ends = {number: plan.logs[EVENTS].span.end for number, plan in self._plans.items()}
        known = Known(frozenset(undecided), is_whole, ends)
        self.faults += compared(every, known)
        unknown = await self._unheard(every)
        if not is_whole:
            faults, untold = await looked_for(self._history, list(unnamed(every, known)))
            self.faults += faults
            unknown += untold
        if unknown:
            self.notes.append(
                f"{unknown} announcements of incidents were not compared: the decisions or the records of their time "
                "are not there any more, or more than are looked through"
            )

    async def _unheard(self, every: Sequence[Incidents]) -> int:
        """Look for announcements that decisions name where nobody has read for them; of how many none can tell."""
        unknown, heard_to = 0, {one.partition: one.heard_to for one in every}
        for number, named in unheard(every).items():
            log = self._plans[number].logs[EVENTS]
            begin = max(log.start.next_offset or 0, log.span.begin)
            heard = Span(begin, max(begin, heard_to[number]))
            faults, untold = await looked_for_records(self._history, number, named, heard)
            self.faults += faults
            unknown += untold
        return unknown


def _is_undecided(proof: Proof) -> bool:
    walked = proof.walked[SIGNALS]
    return walked.undecided > 0 or (walked.reached is None and walked.records > 0)


def _compared_from(plan: LogPlan) -> int:
    """Give from which cause on signals are compared; of the first record not all decisions may be there."""
    start = plan.start
    if start.next_offset is None:
        return 0
    return start.next_offset + 1 if start.head is None else start.next_offset


def _looked_at_from(plan: LogPlan) -> int:
    """Give from where on signals are there to be looked at: those somewhat in front of what was read, too."""
    start = plan.start.next_offset
    return plan.span.begin if start is None else max(plan.span.begin, start - LOOKED_BACK)


def _begin_of(sums: Buckets, low: int, otherwise: int) -> int:
    """Give from where on what is about an offset, or about a later one, was read."""
    first = [at for bucket, at in sums.first.items() if (bucket + 1) << sums.shift > low]
    return min(first, default=otherwise)
