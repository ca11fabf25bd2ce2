"""Short words for the tests about institutions: signals, and the institution agent's tables around the decisions."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.catalogue import Catalogue
from schemas.commands import Action, Ticket, TicketCause
from schemas.events import Event, EventData, Incident
from schemas.policy import Policy
from schemas.signals import HealthyLogins, Signal, SignalType, TicketWanted
from schemas.state import GatheringState, IncidentState, StandingState, TicketState, WindowState, encode
from streams.domain.institutions import InstitutionDecision, Window, case_of, decide_signal, due, fire
from streams.domain.messages import Outgoing
from streams.domain.rules import Rules

START = datetime(2026, 11, 1, 3, tzinfo=UTC)
DAY, HOUR, MINUTE, MS = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(milliseconds=1)
RULES = Rules(policy=Policy(), catalogue=Catalogue.load())
BANK, OTHER_BANK = "102105", "5"


def ruled(**policy: Any) -> Rules:  # noqa: ANN401 - parts of a policy
    """Give the shipped rules with some parts of the policy changed."""
    return Rules(policy=Policy(**policy), catalogue=RULES.catalogue)


def signal(  # noqa: PLR0917 - the fields of a signal
    kind: SignalType,
    login: str | None,
    at: datetime,
    code: int | None = 148,
    bank: str = BANK,
    account: str = "59",
    customer: str = "70",
    *,
    entered: bool = True,
    otp: bool = False,
    counted_at: datetime | None = None,
) -> Event:
    """Give a signal of a login."""
    data = Signal(
        institution_id=bank,
        code=code,
        customer_id=customer,
        institution_login_id=login,
        account_id=account,
        entered=entered,
        otp=otp,
        counted_at=counted_at,
        event_id=f"source-{login}-{account}",
        source_partition=0,
        source_offset=0,
    )
    return Event(f"{kind}-{login}-{at}", kind, "/remediation/agent", at, data, None, bank)


def failing(login: str | None, at: datetime, code: int | None = 148, bank: str = BANK, **more: Any) -> Event:  # noqa: ANN401
    """Give a login that fails."""
    return signal(SignalType.FAILING, login, at, code, bank, **more)


def left(login: str | None, at: datetime, code: int | None = 148, bank: str = BANK, **more: Any) -> Event:  # noqa: ANN401
    """Give a login that leaves its code."""
    return signal(SignalType.LEFT, login, at, code, bank, **more)


def healthy(logins: int, at: datetime, bank: str = BANK) -> Event:
    """Give a count of logins that succeeded."""
    data = HealthyLogins(institution_id=bank, logins=logins, source_partition=0, source_offset=0)
    return Event(f"healthy-{at}", SignalType.HEALTHY, "/remediation/agent", at, data, None, bank)


def wanted(
    at: datetime,
    login: str | None = None,
    code: int | None = None,
    account: str = "59",
    cause: TicketCause | None = None,
) -> Event:
    """Give an account that asks for a ticket: about an unknown code, or about its login where there is no code."""
    data = TicketWanted(
        institution_id=BANK,
        cause=cause or (TicketCause.LOGIN_UNKNOWN if code is None else TicketCause.UNKNOWN_CODE),
        code=code,
        customer_id="70",
        institution_login_id=login,
        account_id=account,
        event_id=f"wish-{login}-{account}",
        source_partition=0,
        source_offset=0,
    )
    return Event(f"wanted-{at}", SignalType.TICKET_WANTED, "/remediation/agent", at, data, None, BANK)


def event(kind: str, data: EventData, at: datetime = START) -> Event:
    """Give another event."""
    return Event("id", kind, "/remediation/agent", at, data)


def crowd(count: int, at: datetime = START, code: int = 148, first: int = 0, **more: Any) -> list[Event]:  # noqa: ANN401
    """Give logins that fail a millisecond apart."""
    return [
        failing(f"login{n}", at + (n - first) * MS, code, account=f"account{n}", **more)
        for n in range(first, first + count)
    ]


@dataclass
class Desk:
    """The tables of the institution agent, and what its shell does with the decisions; records go through bytes."""

    rules: Rules = RULES
    clocks: dict[str, datetime] = field(default_factory=dict)
    ticked_at: datetime | None = None
    tickets: dict[str, TicketState] = field(default_factory=dict)
    standings: dict[str, StandingState] = field(default_factory=dict)
    gatherings: dict[str, GatheringState] = field(default_factory=dict)
    incidents: dict[str, IncidentState] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    messages: list[Outgoing] = field(default_factory=list)
    announced: list[Event] = field(default_factory=list)

    def event_time(self, institution_id: str) -> datetime | None:
        known = [at for at in (self.clocks.get(institution_id), self.ticked_at) if at is not None]
        return max(known, default=None)

    def ticket(self, key: str) -> TicketState | None:
        return self.tickets.get(key)

    def standing(self, key: str) -> StandingState | None:
        return self.standings.get(key)

    def gathering(self, key: str) -> GatheringState | None:
        return self.gatherings.get(key)

    def incident(self, key: str) -> IncidentState | None:
        return self.incidents.get(key)

    def open_incidents(self, institution_id: str) -> tuple[int, ...]:
        found = [case_of(key) for key, incident in self.incidents.items() if incident.ticket is not None]
        return tuple(sorted(code for bank, code in found if bank == institution_id and code is not None))

    def window(self, institution_id: str) -> Window:
        if institution_id not in self.windows:
            self.windows[institution_id] = Window(WindowState())
        return self.windows[institution_id]

    def hear(self, *events: Event) -> InstitutionDecision:
        for one in events:
            assert one.partition_key is not None
            self._fire_all(one.time - timedelta.resolution, f"{one.partition_key}/")
            decision = self._apply(decide_signal(self, one, self.rules))
            if decision.event_time is not None:
                self.clocks[one.partition_key] = decision.event_time
        return decision

    def tick(self, at: datetime) -> None:
        self.ticked_at = at
        self._fire_all(at, "", gathering=self.gatherings)

    def fire(self, key: str, at: datetime) -> InstitutionDecision:
        return self._apply(fire(self, key, self.tickets[key], at, self.rules))

    def restart(self) -> None:
        """Bring the windows back from their records, as another worker would."""
        for bank, window in self.windows.items():
            self.windows[bank] = Window(msgspec.json.decode(encode(window.state()), type=WindowState))

    def said(self, cause: TicketCause | None = None) -> list[tuple[Action, int, int]]:
        """What went out about tickets of a cause: action, sequence, logins affected."""
        told = [one for one in map(data, self.messages) if cause in {None, one.cause}]
        return [(one.action, one.sequence, one.logins_affected) for one in told]

    def actions(self, cause: TicketCause | None = None) -> list[str]:
        """What went out about tickets of a cause: actions alone."""
        return [action.value for action, _, _ in self.said(cause)]

    def told(self) -> list[tuple[str, int, int, int]]:
        """What every partition was told: opened or closed, for which time, logins failing, logins seen."""
        told, sequences = [], defaultdict[tuple[str, int], list[int]](list)
        for kind, one in [(event.type, event.data) for event in self.announced]:
            assert isinstance(one, Incident)
            times = sequences[one.institution_id, one.code]
            assert one.sequence > max(times, default=0), "what is told later has a larger sequence"
            times.append(one.sequence)
            told.append((kind.rpartition(".")[2], len(times), one.logins_failing, one.logins_seen))
        return told

    def _fire_all(self, until: datetime, prefix: str, **more: Mapping[str, Any]) -> None:
        tables: dict[str, Mapping[str, Any]] = {"incident": self.incidents, "ticket": self.tickets, **more}
        while timers := sorted(
            (at, key, kind)
            for kind, table in tables.items()
            for key, record in table.items()
            if key.startswith(prefix) and (at := due(record, self.rules)) is not None and at <= until
        ):
            at, key, kind = timers[0]
            self._apply(fire(self, key, tables[kind][key], at, self.rules))

    def _apply(self, decision: InstitutionDecision) -> InstitutionDecision:
        assert all(re.fullmatch(r"R\d+", rule) for rule in decision.rules), decision.rules
        _write(self.tickets, decision.tickets)
        _write(self.standings, decision.standings)
        _write(self.gatherings, decision.gatherings)
        _write(self.incidents, decision.incidents)
        self.messages.extend(decision.messages)
        self.announced.extend(decision.announced)
        return decision


def _write(table: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, state in changes.items():
        if state is None:
            table.pop(key, None)
        else:
            table[key] = msgspec.json.decode(encode(state), type=type(state))


def data(message: Outgoing) -> Ticket:
    """Give what a message says of its ticket."""
    assert isinstance(message.data, Ticket)
    return message.data
