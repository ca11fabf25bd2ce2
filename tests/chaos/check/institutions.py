"""The plain fold of the signals: dicts of tickets, incidents and what else is kept of institutions, and one loop."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord, to_headers, to_value
from schemas.events import ClockTick, Event, PolicyActivated
from schemas.signals import HealthyLogins, Signal, TicketWanted
from schemas.state import (
    GatheringState,
    IncidentState,
    InstitutionState,
    StandingState,
    TicketState,
    WindowState,
    encode,
)
from schemas.times import to_epoch_ms
from streams.domain.institutions import (
    CHANGED_AT_ONCE,
    InstitutionDecision,
    Window,
    case_of,
    decide_signal,
    due,
    fire,
    fired_at,
    institution_health,
    window_due,
)
from tests.chaos.check.books import AGENT, INSTITUTIONS, OPERATOR, Books, Expected, Message, named
from tests.chaos.check.export import Record

LOG, TOLD = "institution.signals", "aggregation.events"
INCIDENTS = ("institution.incident.opened", "institution.incident.closed")
TABLES = ("tickets", "standings", "gatherings", "incidents")
TIMED = {"tickets", "gatherings", "incidents"}

SOURCES = {
    "institution.login.failing": frozenset({AGENT}),
    "institution.login.left": frozenset({AGENT}),
    "institution.logins.healthy": frozenset({AGENT}),
    "institution.ticket.wanted": frozenset({AGENT}),
    "policy.activated": frozenset({OPERATOR, INSTITUTIONS}),
    "clock.tick": frozenset({INSTITUTIONS}),
}


class InstitutionFold:
    """What the institution agent should have made of one partition; also the view that decisions read."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.books = Books(LOG, partition, partitions, SOURCES)
        self.told: list[Message] = []
        """What every partition of the inbound log should have been told, in order."""
        self._tables: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
        self._windows: defaultdict[str, Window] = defaultdict(lambda: Window(WindowState()))
        self._clocks: dict[str, datetime] = {}
        self._changed: set[str] = set()

    def run(self, records: Iterable[Record]) -> Expected:
        """Fold the records in the order of their offsets."""
        for record in records:
            try:
                self._take(record, self.books.read(record))
            except UnreadableRecord as error:
                self.books.set_aside(record, error)
        return self._finished()

    # -- the view

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the institution's clock."""
        times = (self._clocks.get(institution_id), self.books.expected.ticked_at)
        return max((at for at in times if at is not None), default=None)

    def ticket(self, key: str, /) -> TicketState | None:
        """Give a ticket."""
        return self._tables["tickets"].get(key)

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code."""
        return self._tables["standings"].get(key)

    def gathering(self, key: str, /) -> GatheringState | None:
        """Give the logins at an unknown code."""
        return self._tables["gatherings"].get(key)

    def incident(self, key: str, /) -> IncidentState | None:
        """Give an incident."""
        return self._tables["incidents"].get(key)

    def open_incidents(self, institution_id: str, /) -> tuple[int, ...]:
        """Give the codes of the institution's open incidents."""
        return tuple(sorted(self._by_code("incidents", institution_id, lambda one: one.ticket is not None)))

    def window(self, institution_id: str, /) -> Window:
        """Give the institution's window."""
        return self._windows[institution_id]

    # -- the loop

    def _take(self, record: Record, event: Event) -> None:
        if isinstance(event.data, PolicyActivated):
            self.books.activate(record, event, event.data)
        elif isinstance(event.data, ClockTick):
            at = self.books.tick(event.time)
            self._fire(record, event, ("gatherings", "incidents", "tickets", "windows"), lambda _, when: when <= at, at)
        elif isinstance(event.data, Signal | HealthyLogins | TicketWanted):
            if event.data.institution_id != event.partition_key:
                raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, event.data.institution_id)
            self._signal(record, event, event.data.institution_id)

    def _signal(self, record: Record, event: Event, institution_id: str) -> None:
        now = max(event.time, self.event_time(institution_id) or event.time)
        ticked_at = self.books.expected.ticked_at or event.time
        self._fire(
            record,
            event,
            ("incidents", "tickets"),
            lambda key, when: (
                case_of(key)[0] == institution_id and (when < event.time or when <= ticked_at > event.time)
            ),
            now,
        )
        decision = decide_signal(self, event, self.books.rules)
        if decision.event_time is not None:
            self._clocks[institution_id] = decision.event_time
        self._keep(record, event, institution_id, decision)

    def _fire(
        self,
        record: Record,
        event: Event,
        tables: tuple[str, ...],
        is_due: Callable[[str, datetime], bool],
        now: datetime,
    ) -> None:
        """Fire the timers that are due, the earliest first, until none is left, or enough has changed for one record.

        Of those due at once, the order is that of their names: of a case its incident's first. However much has
        changed, no signal goes before the timers of tickets and incidents that are open.
        """
        changed = 0
        while ready := [
            one
            for one in self._due(tables)
            if is_due(one[1], one[0]) and (changed < CHANGED_AT_ONCE or not self._may_wait(tables, one))
        ]:
            due_at, key, table = min(ready, key=lambda one: (one[0], f"{one[1]}/{one[2]}"))
            if table == "windows":
                del self._windows[key]
                changed += 1
                continue
            at = fired_at(due_at, self._clocks.get(case_of(key)[0]), self.books.rules, now)
            decision = fire(self, key, self._tables[table][key], at, self.books.rules)
            self._keep(record, event, case_of(key)[0], decision)
            changed += max(1, decision.size)

    def _may_wait(self, tables: tuple[str, ...], one: tuple[datetime, str, str]) -> bool:
        _, key, table = one
        return "windows" in tables or (table == "tickets" and self._tables[table][key].drop_at is not None)

    def _due(self, tables: tuple[str, ...]) -> Iterable[tuple[datetime, str, str]]:
        if "windows" in tables:
            span = self.books.rules.policy.incident.window
            yield from ((window_due(self._clocks[one], span), one, "windows") for one in self._windows)
        for table in TIMED & set(tables):
            for key, state in self._tables[table].items():
                at = due(state, self.books.rules)
                if at is not None:
                    yield at, key, table

    def _keep(self, record: Record, event: Event, institution_id: str, decision: InstitutionDecision) -> None:
        changed = (decision.tickets, decision.standings, decision.gatherings, decision.incidents)
        for name, changes in zip(TABLES, changed, strict=True):
            _put(self._tables[name], changes)
        if decision.changed:
            self._changed.add(institution_id)
            messages = [self.books.command(message, INSTITUTIONS) for message in decision.messages]
            messages += [self._tell(told) for told in decision.announced]
            state = [b"" if value is None else encode(value) for changes in changed for value in changes.values()]
            self.books.audit(record, event.id, key=institution_id, rules=decision.rules, messages=messages, state=state)

    def _tell(self, told: Event) -> dict[str, str]:
        value = to_value(told.data)
        self.told.append(Message(b"", value, tuple(to_headers(told)), to_epoch_ms(told.time)))
        return named(TOLD, told.id, value)

    def _by_code(self, table: str, institution_id: str, wanted: Callable[[Any], bool]) -> dict[Any, Any]:
        cases = ((case_of(key), state) for key, state in self._tables[table].items())
        return {code: state for (bank, code), state in cases if bank == institution_id and wanted(state)}

    def _finished(self) -> Expected:
        expected = self.books.expected
        expected.health = {one: self._health(one) for one in self._changed}
        expected.tables |= {
            name: {key: encode(state) for key, state in table.items()} for name, table in self._tables.items()
        }
        windows = {one: window.state() for one, window in self._windows.items()}
        expected.tables["windows"] = {one: encode(state) for one, state in windows.items() if state != WindowState()}
        expected.tables["institutions"] = {one: encode(self._institution(one, at)) for one, at in self._clocks.items()}
        return expected

    def _health(self, institution_id: str) -> bytes:
        tickets = self._by_code("tickets", institution_id, lambda _: True)
        incidents = self._by_code("incidents", institution_id, lambda one: one.ticket is not None)
        return institution_health(institution_id, tickets, incidents).model_dump_json().encode()

    def _institution(self, institution_id: str, at: datetime) -> InstitutionState:
        codes = self._by_code("tickets", institution_id, lambda _: True)
        ordered = sorted(codes, key=lambda code: (code is not None, code or 0))
        return InstitutionState(at, tuple(ordered), self.open_incidents(institution_id))


def incident_events(records: Iterable[Record]) -> list[Message]:
    """Give what a partition of the inbound log was told of incidents, each thing once: a crash may tell it again."""
    told = {
        record.header("ce_id"): Message(record.key or b"", record.value or b"", record.headers, record.timestamp)
        for record in records
        if record.header("ce_type") in INCIDENTS
    }
    return list(told.values())


def _put(table: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
