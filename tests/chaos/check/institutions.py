"""The plain fold of the signals: dicts of tickets, standings and institutions, and one loop."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import ClockTick, Event, PolicyActivated
from schemas.state import InstitutionState, StandingState, TicketState, encode
from streams.domain.tickets import TicketDecision, decide_signal, fire, institution_health, next_due
from tests.chaos.check.books import Books, Expected
from tests.chaos.check.export import Record

AGENT, INSTITUTIONS, OPERATOR = "/remediation/agent", "/remediation/institutions", "/remediation/operator"
LOG = "institution.signals"

V = TypeVar("V", TicketState, StandingState)
SOURCES = {
    "institution.login.failing": frozenset({AGENT}),
    "institution.login.left": frozenset({AGENT}),
    "policy.activated": frozenset({OPERATOR, INSTITUTIONS}),
    "clock.tick": frozenset({INSTITUTIONS}),
}


class InstitutionFold:
    """What the institution agent should have made of one partition; also the view that decisions read."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.books = Books(LOG, partition, partitions, SOURCES)
        self._tickets: dict[str, TicketState] = {}
        self._standings: dict[str, StandingState] = {}
        self._clocks: dict[str, datetime] = {}
        self._told: set[str] = set()

    def run(self, records: Iterable[Record]) -> Expected:
        """Fold the records in the order of their offsets."""
        for record in records:
            try:
                self._take(record, self.books.read(record))
            except UnreadableRecord as error:
                self.books.set_aside(record, error)
        return self._finished()

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the institution's clock."""
        times = (self._clocks.get(institution_id), self.books.expected.ticked_at)
        return max((at for at in times if at is not None), default=None)

    def ticket(self, institution_id: str, code: int, /) -> TicketState | None:
        """Give a ticket."""
        return self._tickets.get(f"{institution_id}/{code}")

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code."""
        return self._standings.get(key)

    def _take(self, record: Record, event: Event) -> None:
        if isinstance(event.data, PolicyActivated):
            self.books.activate(record, event, event.data)
        elif isinstance(event.data, ClockTick):
            at = self.books.tick(event.time)
            self._fire(record, event, lambda _, due: due <= at)
        else:
            self._signal(record, event, event.partition_key or "")

    def _signal(self, record: Record, event: Event, institution_id: str) -> None:
        self._fire(record, event, lambda key, due: _institution(key) == institution_id and due < event.time)
        try:
            decision = decide_signal(self, event, self.books.rules)
        except ValidationError as error:
            raise UnreadableRecord(DeadLetterReason.BAD_DATA, event.type) from error
        if decision.event_time is not None:
            self._clocks[institution_id] = decision.event_time
        self._keep(record, event, institution_id, decision)

    def _fire(self, record: Record, event: Event, is_due: Callable[[str, datetime], bool]) -> None:
        """Fire the timers that are due, the earliest first, until none is left."""
        while due := [at for at in self._due() if is_due(at[1], at[0])]:
            at, key = min(due)
            decision = fire(self, key, self._tickets[key], at, self.books.rules)
            self._keep(record, event, _institution(key), decision)

    def _due(self) -> list[tuple[datetime, str]]:
        timers = [(next_due(ticket, self.books.rules), key) for key, ticket in self._tickets.items()]
        return [(at, key) for at, key in timers if at is not None]

    def _keep(self, record: Record, event: Event, institution_id: str, decision: TicketDecision) -> None:
        for key, ticket in decision.tickets.items():
            _put(self._tickets, key, ticket)
        for key, standing in decision.standings.items():
            _put(self._standings, key, standing)
        if decision.changed:
            self._told.add(institution_id)
            messages = [self.books.command(message, INSTITUTIONS) for message in decision.messages]
            changed = [*decision.tickets.values(), *decision.standings.values()]
            state = [b"" if value is None else encode(value) for value in changed]
            self.books.audit(record, event.id, key=institution_id, rules=decision.rules, messages=messages, state=state)

    def _finished(self) -> Expected:
        expected = self.books.expected
        codes: dict[str, dict[int, TicketState]] = {institution_id: {} for institution_id in self._clocks}
        for key, ticket in self._tickets.items():
            codes[_institution(key)][int(key.rpartition("/")[2])] = ticket
        expected.health = {
            institution_id: institution_health(institution_id, codes[institution_id]).model_dump_json().encode()
            for institution_id in self._told
        }
        expected.tables |= {
            "tickets": {key: encode(ticket) for key, ticket in self._tickets.items()},
            "standings": {key: encode(standing) for key, standing in self._standings.items()},
            "institutions": {
                institution_id: encode(InstitutionState(at, tuple(sorted(codes[institution_id]))))
                for institution_id, at in self._clocks.items()
            },
        }
        return expected


def _institution(ticket_key: str) -> str:
    return ticket_key.rpartition("/")[0]


def _put(table: dict[str, V], key: str, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
