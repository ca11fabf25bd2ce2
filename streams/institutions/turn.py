"""One poll of the institution agent: signals decided on in order, tickets fired when due, institutions given back."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, EventType, Source
from schemas.state import InstitutionState, StandingState, TicketState, encode
from streams.domain import Rules
from streams.domain.tickets import TicketDecision, decide_signal, fire, institution_health, next_due, ticket_key
from streams.fold import SourceRecord, Table
from streams.fold.effects import OutRecord
from streams.fold.ledger import Ledger
from streams.fold.logfold import Due
from streams.fold.messages import send
from streams.kafka.topics import INSTITUTION_HEALTH

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstitutionTables:
    """The institution agent's own tables."""

    tickets: Table
    standings: Table
    institutions: Table

    def all(self) -> tuple[Table, ...]:
        """Give the tables in a fixed order."""
        return (self.tickets, self.standings, self.institutions)


class InstitutionDecider:
    """Decides per institution, on tables of tickets, standings and institutions."""

    def __init__(self, tables: InstitutionTables) -> None:
        self._tables = tables

    @property
    def tables(self) -> Sequence[Table]:
        """The institution agent's own tables."""
        return self._tables.all()

    def turn(self, partition: int, ledger: Ledger) -> "InstitutionTurn":
        """Begin a poll."""
        return InstitutionTurn(self._tables, partition, ledger)

    def all_due(self, partition: int, rules: Rules) -> Iterable[tuple[str, datetime | None]]:
        """Give the timer of every ticket."""
        for key, ticket in self._tables.tickets.partition(partition).items():
            yield key, next_due(ticket, rules)


class InstitutionTurn:
    """The institutions of one poll; it is the view that decisions read, with what was decided before in it."""

    def __init__(self, tables: InstitutionTables, partition: int, ledger: Ledger) -> None:
        self._tables = tables
        self._partition = partition
        self._ledger = ledger
        self._tickets: dict[str, TicketState | None] = {}
        self._standings: dict[str, StandingState | None] = {}
        self._institutions: dict[str, InstitutionState] = {}
        self._told: dict[str, None] = {}
        self._held: set[str] = set()

    def is_known(self, key: str) -> bool:
        """Tell whether the institution has state here, and so belongs here."""
        return key in self._tables.institutions.partition(self._partition)

    # -- the view of decisions

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the largest event time of the institution's signals and the partition's ticks."""
        institution = self._institution(institution_id)
        times = [self._ledger.ticked_at, None if institution is None else institution.event_time]
        return max((at for at in times if at is not None), default=None)

    def ticket(self, institution_id: str, code: int, /) -> TicketState | None:
        """Give the ticket of an institution and code."""
        return self._ticket(ticket_key(institution_id, code))

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code."""
        if key in self._standings:
            return self._standings[key]
        standing: StandingState | None = self._tables.standings.partition(self._partition).get(key)
        return standing

    def _ticket(self, key: str) -> TicketState | None:
        if key in self._tickets:
            return self._tickets[key]
        ticket: TicketState | None = self._tables.tickets.partition(self._partition).get(key)
        return ticket

    def _institution(self, institution_id: str) -> InstitutionState | None:
        if institution_id in self._institutions:
            return self._institutions[institution_id]
        known: InstitutionState | None = self._tables.institutions.partition(self._partition).get(institution_id)
        return known

    # -- deciding

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on a signal, after the timers of its institution that were due before it."""
        institution_id = event.partition_key or ""
        if isinstance(event.data, Mapping) and event.data.get("institution_id", institution_id) != institution_id:
            detail = f"the key {event.partition_key!r} is not the institution of the data"
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)
        self._fire_before(record, event, institution_id)
        try:
            decision = decide_signal(self, event, self._ledger.in_force.rules)
        except ValidationError as error:
            detail = f"data of {event.type}: {error.error_count()} fields do not fit a signal"
            raise UnreadableRecord(DeadLetterReason.BAD_DATA, detail) from error
        self._keep(record, event.id, institution_id, decision)
        self._ledger.tally.count("event", event.type, decision.outcome)

    def _fire_before(self, record: SourceRecord, event: Event, institution_id: str) -> None:
        institution = self._institution(institution_id)
        keys = () if institution is None else [ticket_key(institution_id, code) for code in institution.codes]
        self._fire(record, event.id, keys, lambda due: due < event.time)

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, ticket), tickets changed within this poll included."""
        ticked_at = self._ledger.ticked_at
        self._fire(
            record,
            event.id,
            sorted({key for _, key in due} | self._tickets.keys()),
            lambda at: ticked_at is not None and at <= ticked_at,
        )
        self._ledger.tally.count("event", EventType.CLOCK_TICK, "tick")

    def _fire(self, record: SourceRecord, event_id: str, keys: Iterable[str], is_due: Any) -> None:  # noqa: ANN401 - a test of a time
        """Fire the earliest due timer until none is left; firing one may set another."""
        rules = self._ledger.in_force.rules
        while due := sorted((at, key) for key, at in self._due(keys, rules) if is_due(at)):
            at, key = due[0]
            ticket = self._ticket(key)
            if ticket is not None:
                self._fire_one(record, event_id, key, ticket, at)

    def _fire_one(self, record: SourceRecord, event_id: str, key: str, ticket: TicketState, at: datetime) -> None:
        """Fire the timer of one ticket; one that fails waits for its next own signal, the others go on."""
        try:
            decision = fire(self, key, ticket, at, self._ledger.in_force.rules)
        except Exception as error:
            log.exception("the timer of ticket %s failed at %s", key, event_id)
            detail = f"timer: {type(error).__name__}: the log of the worker has the trace"
            self._ledger.set_aside(record, UnreadableRecord(DeadLetterReason.DECISION_FAILED, detail))
            self._held.add(key)
        else:
            self._keep(record, event_id, key.rpartition("/")[0], decision)

    def _due(self, keys: Iterable[str], rules: Rules) -> Iterable[tuple[str, datetime]]:
        for key in keys:
            ticket = None if key in self._held else self._ticket(key)
            due = None if ticket is None else next_due(ticket, rules)
            if due is not None:
                yield key, due

    def _keep(self, record: SourceRecord, event_id: str, institution_id: str, decision: TicketDecision) -> None:
        self._tickets |= decision.tickets
        self._standings |= decision.standings
        self._move_on(institution_id, decision)
        if decision.changed:
            self._told[institution_id] = None
            written = [send(self._ledger, message, Source.INSTITUTIONS) for message in decision.messages]
            changed = (*decision.tickets.values(), *decision.standings.values())
            state = [b"" if value is None else encode(value) for value in changed]
            self._ledger.decided(record, event_id, institution_id, rules=decision.rules, messages=written, state=state)

    def _move_on(self, institution_id: str, decision: TicketDecision) -> None:
        before = self._institution(institution_id)
        at = decision.event_time or (None if before is None else before.event_time)
        if at is None:
            return
        codes = set() if before is None else set(before.codes)
        for key, ticket in decision.tickets.items():
            code = int(key.rpartition("/")[2])
            codes = codes | {code} if ticket is not None else codes - {code}
        self._institutions[institution_id] = InstitutionState(at, tuple(sorted(codes)))

    # -- what becomes of it

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give the changed records, and put the health of every institution concerned into the outbox."""
        for institution_id in self._told:
            self._write_health(institution_id)
        return {
            self._tables.tickets: self._tickets,
            self._tables.standings: self._standings,
            self._tables.institutions: self._institutions,
        }

    def _write_health(self, institution_id: str) -> None:
        tickets = {code: self.ticket(institution_id, code) for code in self._institutions[institution_id].codes}
        health = institution_health(institution_id, {code: t for code, t in tickets.items() if t is not None})
        record = OutRecord(institution_id.encode(), health.model_dump_json().encode())
        self._ledger.effects.outbox.add(INSTITUTION_HEALTH, self._partition, record)

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers of the tickets of this poll."""
        rules = self._ledger.in_force.rules
        due = {key: None if ticket is None else next_due(ticket, rules) for key, ticket in self._tickets.items()}
        return due | dict.fromkeys(self._held)
