"""One poll of the institution agent: signals decided on in order, timers fired when due, institutions given back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, EventType, Source
from schemas.signals import HealthyLogins, Signal, TicketWanted
from streams.domain import Rules
from streams.domain.institutions import (
    InstitutionDecision,
    Timed,
    case_key,
    case_of,
    decide_signal,
    due,
    fire,
    fired_at,
    institution_health,
    window_due,
)
from streams.fold import PartitionPaused, SourceRecord, Table
from streams.fold.deciding import Due
from streams.fold.ledger import Ledger
from streams.fold.messages import send
from streams.institutions.tables import InstitutionChanges, InstitutionTables, written
from streams.kafka.topics import EVENTS, INSTITUTION_HEALTH

TICKET, INCIDENT, GATHERING = "/ticket", "/incident", "/gathering"
"""What follows a case's key in the name of a timer: incidents go first, in the order of the rules."""
WINDOW = "/window"
"""What follows an institution's id in the name of its window's timer."""


class InstitutionDecider:
    """Decides per institution, on tables of tickets, incidents and institutions."""

    def __init__(self, tables: InstitutionTables) -> None:
        self._tables = tables

    @property
    def tables(self) -> Sequence[Table]:
        """The institution agent's own tables."""
        return self._tables.all()

    def turn(self, partition: int, ledger: Ledger) -> "InstitutionTurn":
        """Begin a poll."""
        return InstitutionTurn(self._tables, partition, ledger)

    def timed(self, partition: int) -> Iterable[str]:
        """Give every ticket, incident, gathering and window."""
        tables = self._tables
        for kind, table in ((TICKET, tables.tickets), (INCIDENT, tables.incidents), (GATHERING, tables.gatherings)):
            yield from [key + kind for key in table.partition(partition)]
        yield from [institution_id + WINDOW for institution_id in tables.windows.partition(partition)]

    def due(self, partition: int, key: str, rules: Rules) -> datetime | None:
        """Give the timer of one of them."""
        return due_at(InstitutionChanges(self._tables, partition, None), key, rules)


class InstitutionTurn:
    """The institutions of one poll."""

    def __init__(self, tables: InstitutionTables, partition: int, ledger: Ledger) -> None:
        self._tables = tables
        self._partition = partition
        self._ledger = ledger
        self._state = InstitutionChanges(tables, partition, ledger.ticked_at)
        self._told: dict[str, None] = {}
        self._held: set[str] = set()

    def is_known(self, key: str) -> bool:
        """Tell whether the institution has state here, and so belongs here."""
        return key in self._tables.institutions.partition(self._partition)

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on a signal, after the timers of its institution that were due before it."""
        data = event.data
        if not isinstance(data, Signal | HealthyLogins | TicketWanted):
            self._ledger.tally.count("event", event.type, "unhandled")
            return
        if data.institution_id != event.partition_key:
            detail = f"the key {event.partition_key!r} is not the institution of the data"
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)
        now = max(event.time, self._state.event_time(data.institution_id) or event.time)
        self._fire(record, event.id, self._timers_of(data.institution_id), lambda at: at < event.time, now)
        decision = decide_signal(self._state, event, self._ledger.in_force.rules)
        self._keep(record, event.id, data.institution_id, decision)
        self._ledger.tally.count("event", event.type, decision.outcome)

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, case, rule), records changed within this poll included."""
        by = self._ledger.ticked_at or event.time
        self._state.ticked_at = by
        timers = sorted({timer for _, timer in due} | self._changed_timers())
        self._fire(record, event.id, timers, lambda at: at <= by, by)
        self._ledger.tally.count("event", EventType.CLOCK_TICK, "tick")

    def _timers_of(self, institution_id: str) -> list[str]:
        institution = self._state.institution(institution_id)
        if institution is None:
            return []
        timers = [case_key(institution_id, code) + TICKET for code in institution.codes]
        return timers + [case_key(institution_id, code) + INCIDENT for code in institution.incidents]

    def _changed_timers(self) -> set[str]:
        state = self._state
        records = ((TICKET, state.tickets), (INCIDENT, state.incidents), (GATHERING, state.gatherings))
        changed = {key + kind for kind, keys in records for key in keys}
        return changed | {institution_id + WINDOW for institution_id in state.heard_of()}

    def _fire(
        self,
        record: SourceRecord,
        event_id: str,
        timers: Iterable[str],
        is_due: Callable[[datetime], bool],
        now: datetime,
    ) -> None:
        """Fire the earliest due timer until none is left; firing one may set another."""
        while ready := sorted((at, timer) for timer, at in self._due(timers) if is_due(at)):
            due_at, timer = ready[0]
            if timer.endswith(WINDOW):
                self._state.drop_window(timer.removesuffix(WINDOW))
                continue
            institution = self._state.institution(timer.partition("/")[0])
            heard = None if institution is None else institution.event_time
            self._fire_one(record, event_id, timer, fired_at(due_at, heard, self._ledger.in_force.rules, now))

    def _fire_one(self, record: SourceRecord, event_id: str, timer: str, at: datetime) -> None:
        """Fire one timer; one that fails waits for its next own signal, the others go on."""
        key, timed = timer.rpartition("/")[0], timed_by(self._state, timer)
        if timed is None:
            return
        try:
            decision = fire(self._state, key, timed, at, self._ledger.in_force.rules)
        except PartitionPaused:
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self._ledger.failed(record, error, whose=timer.partition("/")[0], at="timer: ")
            self._held.add(timer)
        else:
            self._keep(record, event_id, case_of(key)[0], decision)

    def _due(self, timers: Iterable[str]) -> Iterable[tuple[str, datetime]]:
        for timer in timers:
            at = self._due_at(timer)
            if at is not None:
                yield timer, at

    def _due_at(self, timer: str) -> datetime | None:
        if timer in self._held:
            return None
        try:
            return due_at(self._state, timer, self._ledger.in_force.rules)
        except PartitionPaused:
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self._ledger.timer_failed(error)
            self._held.add(timer)
            return None

    def _keep(self, record: SourceRecord, event_id: str, institution_id: str, decision: InstitutionDecision) -> None:
        self._state.keep(institution_id, decision)
        if decision.changed:
            self._told[institution_id] = None
            said = [send(self._ledger, message, Source.INSTITUTIONS) for message in decision.messages]
            said += [self._ledger.announce(EVENTS, event) for event in decision.announced]
            state = written(decision)
            self._ledger.decided(record, event_id, institution_id, rules=decision.rules, messages=said, state=state)

    # -- what becomes of it

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give the changed records, and put the health of every institution concerned into the outbox."""
        for institution_id in self._told:
            health = institution_health(institution_id, *self._state.cases(institution_id))
            self._ledger.tell(INSTITUTION_HEALTH, institution_id, health.model_dump_json().encode())
        return self._state.by_table()

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers of what changed in this poll."""
        return {timer: self._due_at(timer) for timer in sorted(self._changed_timers() | self._held)}


def timed_by(state: InstitutionChanges, timer: str) -> Timed | None:
    """Give the ticket, the incident or the gathering of a timer; None where there is none any more."""
    key, slash, kind = timer.rpartition("/")
    read = {TICKET: state.ticket, INCIDENT: state.incident, GATHERING: state.gathering}
    return read[slash + kind](key)


def due_at(state: InstitutionChanges, timer: str, rules: Rules) -> datetime | None:
    """Give when a timer is due; None where there is nothing any more that it would fire for."""
    if timer.endswith(WINDOW):
        heard = state.window_heard(timer.removesuffix(WINDOW))
        return None if heard is None else window_due(heard, rules.policy.incident.window)
    timed = timed_by(state, timer)
    return None if timed is None else due(timed, rules)
