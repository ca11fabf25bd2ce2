"""The books of one poll: the outbox, the audit chain, dead letters and what is counted."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.cloudevents import UnreadableRecord, to_value
from schemas.events import AccountSnapshot, Event, EventType, PolicyActivated
from schemas.state import ControlState
from schemas.times import time_of_record, to_epoch_ms
from schemas.vendor import plain_text
from streams.fold.chain import Chain, first_link, sha256_hex
from streams.fold.effects import Effects, Headers, OutRecord, SourceRecord
from streams.fold.failures import Failures
from streams.fold.inforce import InForce
from streams.fold.lines import MAX_TEXT, AgentOutcome, FoldOutcome, Place, lines_of, short_text, tell_aside
from streams.kafka.topics import AUDIT, DEAD_LETTER
from streams.observe.kinds import AnyCounter, CounterMetric, LabelValues
from streams.observe.labels import AGENT_TYPES, DecisionResult, shown_type
from streams.observe.parts import deciding

KEPT_FIELDS = frozenset(
    field_.alias or name for name, field_ in AccountSnapshot.model_fields.items() if name != "account_type"
)
"""What a dead letter may show of a record: ids, code and dates."""
TRACE = "the log of the worker has the trace"
MAX_SHOWN_BYTES = 4096


@dataclass(slots=True)
class Written:
    """A message of a decision as it goes out: where to, its id, and its bytes."""

    topic: str
    id: str
    value: bytes


Series = tuple[AnyCounter, *tuple[Any, ...]]
"""A counter, and the values of its labels."""


@dataclass(slots=True)
class Tally:
    """What is counted of a poll, told to the metrics once it stands."""

    counts: dict[Series, int] = field(default_factory=lambda: defaultdict(int))
    unknown_at: list[datetime] = field(default_factory=list)
    """When observations of codes that nobody knows were received."""

    def count(self, *series: *tuple[CounterMetric[*LabelValues], *LabelValues], times: int = 1) -> None:
        """Count something: a counter, and the values of its labels."""
        self.counts[series] += times


def decision_failed(error: Exception, *, whose: str | None = None, at: str = "", told: str = TRACE) -> UnreadableRecord:
    """Refuse what could not be decided on; what an error says may name a customer, so the worker's log alone has it."""
    detail = f"{at}{type(error).__name__}: {told}"
    return UnreadableRecord(DeadLetterReason.DECISION_FAILED, detail, whose=whose)


class Ledger(Protocol):
    """Where a turn writes what it leads to, apart from table changes."""

    @property
    def in_force(self) -> InForce:
        """The rules, as of the record that is decided on."""

    @property
    def ticked_at(self) -> datetime | None:
        """The latest tick of the partition."""

    @property
    def tally(self) -> Tally:
        """What is counted."""

    def heard(self, event_type: str, outcome: AgentOutcome) -> None:
        """Count what became of an event, and tell the log."""

    def decided(
        self,
        record: SourceRecord,
        event_id: str,
        key: str | None,
        *,
        phases: tuple[str | None, str | None] = (None, None),
        rules: Iterable[str] = (),
        messages: Iterable[Written] = (),
        state: Iterable[bytes] = (),
    ) -> None:
        """Say what was decided on an event, for the audit."""

    def send(self, message: Written, key: str, headers: Headers, at: datetime, partition: int | None = None, /) -> None:
        """Send a message, to the partition of the turn where none is named."""

    def tell(self, topic: str, key: str, value: bytes | None) -> None:
        """Say how something stands now, on a compacted topic in the turn's partition; None leaves nothing of it."""

    def announce(self, log: str, event: Event) -> Written:
        """Tell every partition of a log of an event, and give it as written."""

    def set_aside(self, record: SourceRecord, error: UnreadableRecord) -> None:
        """Put a record into the dead letter, or what failed at it."""

    def failed(self, record: SourceRecord, error: Exception, *, whose: str | None, at: str = "") -> None:
        """Do so with a decision that raised what nobody expects; the log of the worker is told."""

    def timer_failed(self, error: Exception) -> None:
        """Tell the log of the worker, and count, that a due time could not be told; nothing is written for it."""


class PollLedger:
    """Writes what a poll leads to, apart from table changes; one a poll."""

    def __init__(
        self,
        log: str,
        identity: str,
        partition: int,
        control: ControlState,
        in_force: InForce,
        *,
        failures: Failures | None = None,
    ) -> None:
        self._log = log
        self._identity = identity
        self._failures = failures or Failures()
        self._partition = partition
        self.in_force = in_force
        self.ticked_at = control.ticked_at
        self.dead_letters: list[str | None] = []
        """Whose was set aside so far; a tick or an event about the whole partition may have several."""
        self.tally = Tally()
        """What the poll has counted so far."""
        self.effects = Effects(note=self.tally)
        self._chain = Chain(control.audit_head or first_link(identity, partition), control.inputs)
        self._next_offset = control.next_offset
        self._place = Place(log, partition)
        self._lines = lines_of(self._place)

    def absorb(self, record: SourceRecord) -> None:
        """Roll an inbound record into the chain; the state goes on behind it."""
        self._chain.absorb(record)
        self._next_offset = record.offset + 1

    def heard(self, event_type: str, outcome: AgentOutcome) -> None:
        """Count what became of an event."""
        self.tally.count(deciding.AGENT_EVENTS, shown_type(event_type, AGENT_TYPES), outcome)
        if self._lines is not None:
            self._lines.heard(outcome)

    def say(self, record: SourceRecord) -> None:
        """Tell the log of a record that was decided on, where it listens."""
        if self._lines is not None:
            self._lines.say(record)

    def control(self) -> ControlState:
        """Give the partition's state after the poll."""
        return ControlState(
            ticked_at=self.ticked_at,
            audit_head=self._chain.head,
            inputs=self._chain.inputs,
            rules_since=self.in_force.rules.since,
            next_offset=self._next_offset,
            log=self._identity,
        )

    def decided(
        self,
        record: SourceRecord,
        event_id: str,
        key: str | None,
        *,
        phases: tuple[str | None, str | None] = (None, None),
        rules: Iterable[str] = (),
        messages: Iterable[Written] = (),
        state: Iterable[bytes] = (),
        dead_letter: DeadLetterReason | None = None,
    ) -> None:
        """Write an audit record: the next link of the chain."""
        at = time_of_record(record.timestamp)
        said = list(messages)
        decision: dict[str, Any] = {
            "event_id": event_id,
            "topic": self._log,
            "partition": self._partition,
            "offset": record.offset,
            "event_time": at,
            "phase_before": phases[0],
            "phase_after": phases[1],
            "rules": rules,
            "messages": [
                {"topic": message.topic, "id": message.id, "sha256": hashlib.sha256(message.value).hexdigest()}
                for message in said
            ],
            "dead_letter": dead_letter,
            "policy_sha256": self.in_force.policy_sha256,
            "catalogue_sha256": self.in_force.catalogue_sha256,
            "engine_version": self.in_force.engine_version,
            "state_sha256": sha256_hex(tuple(state)),
        }
        written = self._chain.link(decision)
        audited = OutRecord(None if key is None else key.encode(), written, (), to_epoch_ms(at))
        self.effects.outbox.add(AUDIT, self._partition, audited)
        if self._lines is not None:
            self._lines.decided(key, phases, rules, said, dead_letter)
        self.tally.count(deciding.AGENT_DECISIONS, _result(dead_letter, said))

    def activate(self, record: SourceRecord, event_id: str, activation: PolicyActivated) -> None:
        """Put other rules in force from the next record on, as of the partition's event time."""
        at = time_of_record(record.timestamp)
        self.in_force = InForce.activated(activation, max(at, self.ticked_at or at))
        self.heard(EventType.POLICY_ACTIVATED, FoldOutcome.ACTIVATED)
        self.decided(record, event_id, None, rules=("policy",))

    def send(self, message: Written, key: str, headers: Headers, at: datetime, partition: int | None = None) -> None:
        """Add a message to the outbox, to the partition of the poll where none is named."""
        place = self._partition if partition is None else partition
        self.effects.outbox.add(message.topic, place, OutRecord(key.encode(), message.value, headers, to_epoch_ms(at)))

    def tell(self, topic: str, key: str, value: bytes | None) -> None:
        """Say how something stands now, on a compacted topic in the poll's partition; None leaves nothing of it."""
        self.effects.outbox.add(topic, self._partition, OutRecord(key.encode(), value))

    def announce(self, log: str, event: Event) -> Written:
        """Tell every partition of a log of an event, and give it as written."""
        self.effects.announced.append((log, event))
        return Written(log, event.id, to_value(event.data))

    def failed(self, record: SourceRecord, error: Exception, *, whose: str | None, at: str = "") -> None:
        """Set aside what raised what nobody expects; the log of the worker is told, once of a kind in full."""
        place = f"{self._log}/{self._partition}/{record.offset}"
        self._failures.tell(f"{at}record {place} could not be decided on", error)
        self.set_aside(record, decision_failed(error, whose=whose, at=at))

    def timer_failed(self, error: Exception) -> None:
        """Tell the log of the worker, and count, that a due time could not be told.

        When a due time is asked for depends on polls and restarts: in the log there must be nothing of it.
        """
        self._failures.tell_timer(f"{self._log}/{self._partition}", error)
        self.tally.count(deciding.AGENT_TIMERS_FAILED)

    def set_aside(self, record: SourceRecord, error: UnreadableRecord) -> None:
        """Write a dead letter in the same transaction, and say so in the chain."""
        letter = DeadLetter(
            reason=error.reason,
            detail=error.detail[:MAX_TEXT],
            origin=f"{self._log}/{self._partition}/{record.offset}",
            received_at=time_of_record(record.timestamp),
            reduced=_reduced(record.value or b""),
            body_sha256=hashlib.sha256(record.value or b"").hexdigest(),
        )
        written = letter.model_dump_json().encode()
        key = None if record.key is None else record.key[:MAX_TEXT]
        # Of the time of writing: as old as a record may be that fails, its dead letter is kept for 14 days.
        self.effects.outbox.add(DEAD_LETTER, self._partition, OutRecord(key, written))
        self.dead_letters.append(error.whose)
        self.tally.count(deciding.AGENT_DEAD_LETTERS, error.reason)
        tell_aside(self._place, record, error)
        attributes: Mapping[str, bytes | None] = dict(record.headers)
        event_id = short_text(attributes.get("ce_id"))
        self.decided(record, event_id, None, dead_letter=error.reason)


def _result(dead_letter: DeadLetterReason | None, said: Sequence[Written]) -> DecisionResult:
    if dead_letter is not None:
        return DecisionResult.DEAD_LETTER
    return DecisionResult.MESSAGES if said else DecisionResult.STATE


def _reduced(value: bytes) -> str | None:
    """Keep of an unreadable record only what can carry no name, number or balance."""
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    kept = {name: body[name] for name in sorted(KEPT_FIELDS & body.keys()) if _is_plain(body[name])}
    shown = orjson.dumps(kept).decode()
    return shown if len(shown) <= MAX_SHOWN_BYTES else None


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, int) or plain_text(value) is not None
