"""Follows one customer through the log: the pure core with the partition's ticks, incidents, silences and rules.

What was recorded is the truth. A decision that would change something is taken over only where the audit has one of the
same record, or has none so far back: an agent that came to it later, or decided otherwise, is not overruled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from schemas.audit import AuditRecord, DeadLetterReason
from schemas.cloudevents import NewerRecord, UnreadableRecord
from schemas.commands import Action
from schemas.events import CommandReported, Event, EventType, Override, PolicyActivated, Source
from schemas.times import time_of_record
from streams.agent import wide
from streams.agent.refusals import refuse_other_key
from streams.domain import Customer, Decision, customer_of, decide, next_due, release_baseline
from streams.domain.cases.silence import NEVER
from streams.explain.asked import ExplainError
from streams.explain.following.compare import differences, rebuilt
from streams.explain.following.steps import Scene, Sort, Step
from streams.explain.reading.kept import Kept, Message
from streams.fold.effects import SourceRecord, type_of
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES, Intake
from streams.kafka.topics import EVENTS, SIGNALS

TICK = EventType.CLOCK_TICK.encode()
Derive = Callable[[], Decision]


class Named(NamedTuple):
    """A message that a decision names; without a hash where none is known that it has to have."""

    topic: str
    id: str
    sha256: str | None = None


class Following:
    """One customer, from record to record; the records are its own and those without a key, in order.

    `is_exact` says that they are as they were written, to the byte.
    """

    def __init__(self, kept: Kept, partition: int, partitions: int, shipped: InForce, *, is_exact: bool = True) -> None:
        self._is_exact = is_exact
        self._kept = kept
        self._partition = partition
        self._intake = Intake(EVENT_SOURCES, partitions)
        self._activation: PolicyActivated | None = None
        self._due: datetime | None = None
        self._commands = {str(one.data.get("command_id")) for one in kept.messages.values()}
        self.customer: Customer | None = None
        self.scene = Scene(shipped)

    def take(self, record: SourceRecord) -> list[Step]:
        """Take a record; give what it was to this customer, mostly nothing where it is about all.

        Raises:
            ExplainError: a later release has written it.
        """
        if record.key is None and type_of(record) == TICK:
            return self._tick(record)
        try:
            event = self._intake.read(record, self._partition, lambda _key: False)
            if record.key is not None:
                return [self._own(record, event)]
        except UnreadableRecord as error:
            return [] if record.key is None else [self._refused(record, error.reason)]
        except NewerRecord as error:
            place = f"offset {record.offset} of {EVENTS}/{self._partition}"
            raise ExplainError(f"{error}: {place}; run the release that wrote it, or a later one") from error
        if isinstance(event.data, PolicyActivated):
            return self._activate(record, event, event.data)
        return self._hear_wide(record, event)

    # -- records of the customer

    def _own(self, record: SourceRecord, event: Event) -> Step:
        customer_id = customer_of(event)
        if customer_id is None or record.offset in self._kept.aside:
            return self._step(record, Sort.OWN, event)
        refuse_other_key(event, customer_id)
        return self._decided(record, Sort.OWN, event, partial(self._decide, event))

    def _decide(self, event: Event) -> Decision:
        scene = self.scene
        return decide(self.customer, event, scene.rules, scene.ticked_at, scene.around)

    def _refused(self, record: SourceRecord, reason: DeadLetterReason) -> Step:
        """Tell of a record that this release sets aside; what the audit has of it goes before."""
        step = self._step(record, Sort.OWN, None)
        return replace(step, aside=step.aside or reason)

    # -- records about all

    def _tick(self, record: SourceRecord) -> list[Step]:
        at, ticked_at = time_of_record(record.timestamp), self.scene.ticked_at
        self.scene = replace(self.scene, ticked_at=at if ticked_at is None else max(at, ticked_at))
        is_due = self.customer is not None and self._due is not None and self._due <= at
        if not is_due and record.offset not in self._kept.audits:
            return []
        event = self._intake.read(record, self._partition, lambda _key: True)
        return self._news(self._decided(record, Sort.TICK, event, partial(self._decide, event) if is_due else None))

    def _activate(self, record: SourceRecord, event: Event, activation: PolicyActivated) -> list[Step]:
        """Take rules over as the agent does (`LogFold`): its own announcement gives way to what an operator has put."""
        known = self._activation
        if event.source != Source.OPERATOR and known is not None and known != activation:
            return []
        ticked_at = self.scene.ticked_at or event.time
        self._activation = activation
        self.scene = replace(self.scene, in_force=InForce.activated(activation, max(event.time, ticked_at)))
        self._look_at_timers()
        is_other = known is not None and _hashes(known) != _hashes(activation)
        return [self._step(record, Sort.RULES, event)] if is_other and self.customer is not None else []

    def _hear_wide(self, record: SourceRecord, event: Event) -> list[Step]:
        if isinstance(event.data, CommandReported):
            is_ours = event.data.command_id in self._commands
            return [self._step(record, Sort.OWN, event)] if is_ours else []
        was_around = self.scene.around
        around, _ = wide.hear(was_around, event)
        self.scene = replace(self.scene, around=around)
        steps = []
        if around is not was_around and self.customer is not None:
            reviews = [derive for _, derive in wide.reviews(self, event, self._wide_scene())]
            nothing: list[Derive | None] = [None]
            for derive in reviews or nothing:
                step = self._decided(record, Sort.WIDE, event, derive)
                steps.append(replace(step, was_around=was_around))
        steps += self._released(record, event)
        self._look_at_timers()
        return steps

    def _wide_scene(self) -> wide.Scene:
        return wide.Scene(self.scene.rules, self.scene.ticked_at, self.scene.around)

    def _released(self, record: SourceRecord, event: Event) -> list[Step]:
        """Release the customer's baseline cases; when a rate has its turn come is seen by when it came."""
        if not isinstance(event.data, Override):
            return []
        steps, rate = [], event.data.rate_per_hour
        for customer_id, login_id, at in list(wide.baseline_releases(self.everyone(), event.data, event.time)):
            turn_at = at if rate is None else self._issued_at(login_id)
            known, scene = self.known(customer_id), self._wide_scene()
            release = partial(release_baseline, known, login_id, event, turn_at, scene.rules)
            derive = partial(release, ticked_at=scene.ticked_at, around=scene.around)
            steps += self._news(self._decided(record, Sort.WIDE, event, derive))
        return steps

    def _issued_at(self, login_id: str) -> datetime:
        episodes = self.known(self._kept.customer_id).case(login_id).episodes.values()
        waiting = {one.command_id for one in episodes if one.is_baseline and one.waiting_since is not None}
        issued = (one for one in self._kept.messages.values() if one.data.get("command_id") in waiting)
        return min((one.at for one in issued if one.data.get("action") == Action.ISSUE), default=NEVER)

    def everyone(self) -> Iterator[Customer]:
        """Give the customer, where it is known."""
        if self.customer is not None:
            yield self.customer

    def known(self, customer_id: str) -> Customer:
        """Give the customer; KeyError for another, or where it is not known."""
        if self.customer is None or self.customer.customer_id != customer_id:
            raise KeyError(customer_id)
        return self.customer

    # -- what was recorded, and what is derived

    def _decided(self, record: SourceRecord, sort: Sort, event: Event, derive: Derive | None) -> Step:
        """Derive a decision, and take it over where it was made."""
        before, audit = self.customer, self._next_audit(record.offset)
        decision, failed = _derived(derive)
        is_taken = audit is not None or not self._kept.knows_of(record.offset)
        if decision is not None and (is_taken or not decision.changed):
            self.customer, self._due = decision.customer, decision.next_due
        is_ahead = audit is None and record.offset >= self._kept.audited_to
        step = self._step(record, sort, event, audit, decision)
        is_told = audit is not None or (sort is Sort.OWN and not is_taken)
        found = list(failed) or (self._differences(audit, decision) if is_told else [])
        return replace(step, before=before, differences=[] if is_ahead else found, is_ahead=is_ahead and bool(found))

    def _differences(self, audit: AuditRecord | None, decision: Decision | None) -> list[str]:
        return list(differences(audit, decision, self.scene.in_force, is_exact=self._is_exact))

    def _next_audit(self, offset: int) -> AuditRecord | None:
        left = self._kept.audits.get(offset)
        return left.pop(0) if left else None

    def _step(
        self,
        record: SourceRecord,
        sort: Sort,
        event: Event | None,
        audit: AuditRecord | None = None,
        decision: Decision | None = None,
    ) -> Step:
        names = self._messages(record.offset, audit, decision)
        found = {(one.topic, one.id): self._message(one, audit, decision) for one in names}
        return Step(
            offset=record.offset,
            at=time_of_record(record.timestamp),
            sort=sort,
            event=event,
            before=self.customer,
            after=self.customer,
            scene=self.scene,
            was_around=self.scene.around,
            audit=audit,
            aside=self._kept.aside.get(record.offset) if sort is Sort.OWN and record.key is not None else None,
            decision=decision,
            sent=[message for message in found.values() if message is not None],
            missing=[name for name, message in found.items() if message is None],
        )

    def _messages(self, offset: int, audit: AuditRecord | None, decision: Decision | None) -> list[Named]:
        """Give the messages of a decision by name: the recorded ones, derived ones where no record is left."""
        if audit is not None:
            said = [one for one in audit.messages if one.topic != SIGNALS]
            return [Named(one.topic, one.id, one.sha256 if self._is_exact else None) for one in said]
        if decision is None or self._kept.knows_of(offset):
            return []
        return [Named(one.topic, one.id) for one in decision.messages]

    def _news(self, step: Step) -> list[Step]:
        """Leave out a step about all in which nothing was decided on this customer, or not yet."""
        is_derived = step.decision is not None and step.decision.changed and not self._kept.knows_of(step.offset)
        return [step] if step.audit is not None or is_derived else []

    def _message(self, name: Named, audit: AuditRecord | None, decision: Decision | None) -> Message | None:
        """Give a message as it was recorded; as it is derived where that one is not there."""
        recorded = self._kept.message(*name)
        if recorded is not None:
            return recorded
        derived = rebuilt(audit, decision, name.id, is_exact=self._is_exact)
        if derived is None:
            return None
        return Message(name.topic, name.id, derived.time, derived.data.model_dump(mode="json"), "")

    def _look_at_timers(self) -> None:
        scene = self.scene
        self._due = None if self.customer is None else next_due(self.customer, scene.rules, scene.around)


def _derived(derive: Derive | None) -> tuple[Decision | None, Sequence[str]]:
    """Give a decision, and in words that this release fails to make it."""
    if derive is None:
        return None, ()
    try:
        return derive(), ()
    except Exception as error:  # noqa: BLE001 - the story goes on with what was recorded
        return None, (f"this release cannot decide on it: {type(error).__name__}",)


def _hashes(activation: PolicyActivated) -> tuple[str, str]:
    return activation.policy_sha256, activation.catalogue_sha256
