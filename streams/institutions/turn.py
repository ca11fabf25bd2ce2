"""One poll of the institution agent: signals decided on in order, timers fired when due, institutions given back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from heapq import heapify, heappop, heappush
from operator import ge
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, EventType, Source
from schemas.signals import HealthyLogins, Signal, TicketWanted
from streams.domain import Outcome, Rules
from streams.domain.institutions import (
    CHANGED_AT_ONCE,
    InstitutionDecision,
    decide_signal,
    fire,
    fired_at,
    institution_health,
)
from streams.fold import PartitionPaused, SourceRecord, Table
from streams.fold.census import Surveyed
from streams.fold.deciding import Due
from streams.fold.held import Held
from streams.fold.ledger import Ledger
from streams.fold.messages import send
from streams.institutions.counting import INCIDENTS, TICKETS, count_incidents
from streams.institutions.tables import InstitutionChanges, InstitutionTables, written
from streams.institutions.timers import (
    WINDOW,
    changed_timers,
    due_at,
    every_timer,
    institution_of,
    is_complete,
    record_of,
    timers_before_a_signal,
)
from streams.kafka.topics import EVENTS, INSTITUTION_HEALTH


class InstitutionDecider:
    """Decides per institution, on tables of tickets, incidents and institutions."""

    def __init__(self, tables: InstitutionTables) -> None:
        self._tables = tables

    @property
    def tables(self) -> Sequence[Table]:
        """The institution agent's own tables."""
        return self._tables.all()

    @property
    def surveyed(self) -> Surveyed:
        """Count tickets and incidents."""
        return {self._tables.tickets: TICKETS, self._tables.incidents: INCIDENTS}

    def turn(self, partition: int, ledger: Ledger) -> "InstitutionTurn":
        """Begin a poll."""
        return InstitutionTurn(self._tables, partition, ledger)

    def timer_keys(self, partition: int) -> Iterable[str]:
        """Give every ticket, incident, gathering and window."""
        return every_timer(self._tables, partition)

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
        self._held = Held(ledger)
        """Timers that failed and wait for their institution's next own signal."""
        self._stirred: set[str] = set()
        """Timers that an own signal has set anew, whether or not they had failed."""

    def is_known(self, key: str) -> bool:
        """Tell whether the institution has state here, and so belongs here."""
        return key in self._tables.institutions.partition(self._partition)

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on a signal, after the timers of its institution that were due before it."""
        data = event.data
        if not isinstance(data, Signal | HealthyLogins | TicketWanted):
            self._ledger.heard(event.type, Outcome.UNHANDLED)
            return
        if data.institution_id != event.partition_key:
            detail = f"the key {event.partition_key!r} is not the institution of the data"
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)
        now = max(event.time, self._state.event_time(data.institution_id) or event.time)
        timers = timers_before_a_signal(self._state, data.institution_id)
        self._held.release(timers)
        self._stirred.update(timers)
        complete = partial(is_complete, self._state)
        self._fire(record, event.id, self._due(timers), partial(self._is_before, event), now, may_wait=complete)
        decision = decide_signal(self._state, event, self._ledger.in_force.rules)
        self._keep(record, event.id, data.institution_id, decision)
        self._ledger.heard(event.type, decision.outcome)

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, case, rule), records changed within this poll included."""
        by = self._ledger.ticked_at or event.time
        self._state.ticked_at = by
        agenda = [*due, *self._due(self._changed_timers())]
        self._fire(record, event.id, agenda, partial(ge, by), by, may_wait=lambda _: True)
        self._ledger.heard(EventType.CLOCK_TICK, Outcome.TICK)

    def _changed_timers(self) -> list[str]:
        windows = {institution_id + WINDOW for institution_id in self._state.heard_of()}
        return sorted(changed_timers(self._state) | windows | self._stirred)

    # -- timers

    def _is_before(self, event: Event, at: datetime) -> bool:
        """Tell whether a timer is due before a signal: by its time, or by a later tick that has left it over."""
        ticked_at = self._ledger.ticked_at or event.time
        return at < event.time or at <= ticked_at > event.time

    def _fire(
        self,
        record: SourceRecord,
        event_id: str,
        agenda: list[Due],
        is_due: Callable[[datetime], bool],
        now: datetime,
        *,
        may_wait: Callable[[str], bool],
    ) -> None:
        """Fire the earliest due timer of an agenda until none is left; one may be due again.

        An entry counts if its timer is due at that time still. Once enough has changed, those that may wait stay due
        for the next tick.
        """
        heapify(agenda)
        changed = 0
        while agenda and is_due(agenda[0][0]):
            at, timer = heappop(agenda)
            if self._due_at(timer) != at or (changed >= CHANGED_AT_ONCE and may_wait(timer)):
                continue
            changed += self._fire_one(record, event_id, timer, at, now)
            again = self._due_at(timer)
            if again is not None:
                heappush(agenda, (again, timer))

    def _fire_one(self, record: SourceRecord, event_id: str, timer: str, due: datetime, now: datetime) -> int:
        """Fire one timer, and give how many records that has changed; one that fails is held, the others go on."""
        if timer.endswith(WINDOW):
            self._state.drop_window(timer.removesuffix(WINDOW))
            return 1
        try:
            decision = self._decided(timer, due, now)
        except PartitionPaused:
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self._ledger.failed(record, error, whose=institution_of(timer), at="timer: ")
            self._held.add(timer)
            return 1
        self._keep(record, event_id, institution_of(timer), decision)
        return max(1, decision.size)

    def _decided(self, timer: str, due: datetime, now: datetime) -> InstitutionDecision:
        state, rules = self._state, self._ledger.in_force.rules
        institution, record = state.institution(institution_of(timer)), record_of(state, timer)
        if record is None:
            return InstitutionDecision()
        at = fired_at(due, None if institution is None else institution.event_time, rules, now)
        return fire(state, timer.rpartition("/")[0], record, at, rules)

    def _due(self, timers: Iterable[str]) -> list[Due]:
        due = ((self._due_at(timer), timer) for timer in timers)
        return [(at, timer) for at, timer in due if at is not None]

    def _due_at(self, timer: str) -> datetime | None:
        """Give when a timer is due; where that fails, it is held."""
        if timer in self._held:
            return None
        return self._held.due(timer, partial(due_at, self._state, timer, self._ledger.in_force.rules))

    # -- keeping what was decided

    def _keep(self, record: SourceRecord, event_id: str, institution_id: str, decision: InstitutionDecision) -> None:
        self._state.keep(institution_id, decision)
        self._held.release(changed_timers(decision))
        if decision.changed:
            self._told[institution_id] = None
            said = [send(self._ledger, message, Source.INSTITUTIONS) for message in decision.messages]
            said += [self._ledger.announce(EVENTS, event) for event in decision.announced]
            count_incidents(self._ledger.tally, decision.announced)
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
        """Give the timers of what changed in this poll; those that are held have none."""
        return {timer: self._due_at(timer) for timer in self._changed_timers()} | self._held.no_timers()
