"""Short words for the tests of the fold: records of a log, and a fold on real tables that no broker stands behind."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from schemas.catalogue import Catalogue
from schemas.cloudevents import to_headers, to_value
from schemas.commands import TicketCause
from schemas.events import (
    AccountSnapshot,
    ClockTick,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventData,
    EventType,
    Incident,
    Override,
    OverrideAction,
    PolicyActivated,
    Source,
)
from schemas.policy import DeadLetter, Policy
from schemas.signals import HealthyLogins, Signal, SignalType, TicketWanted
from schemas.state import (
    AccountState,
    CustomerState,
    GatheringState,
    IncidentState,
    InstitutionState,
    LoginState,
    StandingState,
    Surroundings,
    TicketState,
    WindowState,
)
from schemas.times import to_epoch_ms
from streams.agent.decider import AgentDecider
from streams.agent.tables import AgentTables
from streams.fold.effects import Effects, OutRecord
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES, SIGNAL_SOURCES, Intake, partition_of
from streams.fold.ledger import Tally
from streams.fold.logfold import LogFold, LogSettings
from streams.institutions.tables import InstitutionTables
from streams.institutions.turn import InstitutionDecider
from streams.kafka.topics import AGENT, AUDIT, EVENTS, HEALTH, INSTITUTION_HEALTH, INSTITUTIONS, SIGNALS
from streams.links import FixLinks
from streams.settings import Settings
from streams.worker.program import FoldProgram

PARTITIONS, PARTITION = 3, 1
IDENTITY = "cluster/topic"
START = datetime(2026, 11, 1, 3, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MS = timedelta(milliseconds=1)
POLICY, CATALOGUE = Policy.load(), Catalogue.load()
ANY_SHARE = DeadLetter(max_share=1.0)
"""Of a policy that no dead letters pause."""


def ids_of(partition: int, count: int) -> list[str]:
    """Give ids whose records belong to a partition."""
    return [key for n in range(7000, 7000 + 20 * count) if partition_of(key := str(n), PARTITIONS) == partition][:count]


CUSTOMERS = ids_of(PARTITION, 4)
BANKS = ids_of(PARTITION, 2)
STRANGER = ids_of(PARTITION + 1, 1)[0]
"""A key that belongs to another partition."""


@dataclass(frozen=True)
class LogRecord:
    """A record of a log, in the shape in which aiokafka gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def rolled_on(roll: bytes, one: LogRecord) -> bytes:
    """Roll a record on by the words of `schemas.audit`, not by the code that does it."""
    headers = [part for name, value in one.headers for part in (name.encode(), value)]
    parts = b"".join(
        b"-" if part is None else f"{len(part)}:".encode() + part for part in (one.key, one.value, *headers)
    )
    return hashlib.sha256(roll + struct.pack(">Qq", one.offset, one.timestamp) + parts).digest()


@dataclass(frozen=True)
class Fixed:
    """A clock that stands."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


def record(offset: int, event: Event, key: str | None = None) -> LogRecord:
    """Give an event as a record under `key`, else under its own partition key."""
    key = key or event.partition_key
    encoded = None if key is None else key.encode()
    return LogRecord(offset, to_epoch_ms(event.time), encoded, to_value(event.data), to_headers(event))


def event(kind: str, at: datetime, data: EventData, key: str | None = None, source: str = Source.BRIDGE) -> Event:
    """Give an event; its id is that of its type, time and key."""
    return Event(f"{kind}:{at.isoformat()}/{key}", kind, source, at, data, None, key)


def looked(customer: str, code: int | None, at: datetime, account: str = "a1", **more: Any) -> Event:  # noqa: ANN401 - further fields
    """Give a snapshot of an account whose login is `L` and its number; the attempt was a minute before."""
    login = f"L{account[1:]}"
    own = {"institution_id": BANKS[0], "institution_login_id": login, "aggregation_attempt_date": at - MINUTE}
    fields: dict[str, Any] = {**own, **more}
    snapshot = AccountSnapshot(customer_id=customer, account_id=account, aggregation_status_code=code, **fields)
    return event(EventType.ACCOUNT_MODIFIED, at, snapshot, customer)


def deleted(customer: str, at: datetime, account: str = "a1") -> Event:
    """Give the deletion of an account."""
    snapshot = AccountSnapshot(customer_id=customer, account_id=account, institution_login_id=f"L{account[1:]}")
    return event(EventType.ACCOUNT_DELETED, at, snapshot, customer)


def connected(customer: str, kind: str, at: datetime) -> Event:
    """Give a Data Connect event of a customer."""
    return event(f"connect.{kind}", at, ConnectEvent(customer_id=customer, event_type=kind), customer)


def overridden(action: OverrideAction, at: datetime, customer: str | None = None, **more: Any) -> Event:  # noqa: ANN401 - further fields
    """Give an operator's decision, about a customer or the whole partition."""
    data = Override(action=action, customer_id=customer, who="ops", why="asked to", **more)
    return event(EventType.OPERATOR_OVERRIDE, at, data, customer, Source.OPERATOR)


def incident(at: datetime, code: int, sequence: int, *, is_open: bool, bank: str = BANKS[0]) -> Event:
    """Give the opening, or the closing, of an incident."""
    kind = EventType.INCIDENT_OPENED if is_open else EventType.INCIDENT_CLOSED
    data = Incident(institution_id=bank, code=code, sequence=sequence, opened_at=at, logins_failing=20, logins_seen=20)
    return event(kind, at, data, source=Source.INSTITUTIONS)


def forgotten(customer: str, at: datetime) -> Event:
    """Give the order to forget a customer."""
    data = CustomerForgotten(customer_id=customer, who="ops", why="asked to")
    return event(EventType.CUSTOMER_FORGOTTEN, at, data, customer, Source.OPERATOR)


def tick(at: datetime, source: str = Source.AGENT) -> Event:
    """Give a tick of the partition."""
    return event(EventType.CLOCK_TICK, at, ClockTick(), source=source)


def activated(at: datetime, policy: Policy, source: str = Source.OPERATOR) -> Event:
    """Put a policy in force, with the shipped catalogue."""
    data = PolicyActivated(
        policy=policy,
        policy_sha256=policy.sha256,
        catalogue=CATALOGUE,
        catalogue_sha256=CATALOGUE.sha256,
        engine_version="1",
    )
    return event(EventType.POLICY_ACTIVATED, at, data, source=source)


def signal(kind: SignalType, login: str, at: datetime, bank: str = BANKS[0], code: int = 148) -> Event:
    """Give a signal of a login, a wish of one, or a count of as many logins as its name says."""
    return event(kind, at, _signal(kind, login, at, bank, code), bank, Source.AGENT)


def _signal(kind: SignalType, login: str, at: datetime, bank: str, code: int) -> Signal | HealthyLogins | TicketWanted:
    if kind is SignalType.HEALTHY:
        return HealthyLogins(institution_id=bank, logins=int(login), source_partition=0, source_offset=0)
    if kind is SignalType.TICKET_WANTED:
        return TicketWanted(
            institution_id=bank,
            cause=TicketCause.LOGIN_UNKNOWN,
            code=None,
            customer_id="70",
            institution_login_id=None,
            account_id=f"a{login}",
            event_id=f"{login}@{at.isoformat()}",
            source_partition=0,
            source_offset=0,
        )
    return Signal(
        institution_id=bank,
        code=code,
        customer_id="70",
        institution_login_id=login,
        account_id=f"a{login}",
        entered=True,
        event_id=f"{login}@{at.isoformat()}",
        source_partition=0,
        source_offset=0,
    )


@dataclass
class World:
    """A fold and its tables; `poll` does what a committed transaction does, and `out` has what went out."""

    fold: LogFold
    out: dict[tuple[str, int], list[OutRecord]] = field(default_factory=dict)
    announced: list[tuple[str, Event]] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    def open(self) -> "World":
        """Open the partition with empty tables."""
        for table in self.fold.tables:
            table.take(PARTITION, {})
        self.fold.opened(PARTITION)
        return self

    def restart(self) -> None:
        """Give the partition up and take it over again, with the state as changelogs bring it back."""
        state = self.state()
        self.fold.closed(PARTITION)
        for table in self.fold.tables:
            table.take(PARTITION, {key: table.decode(value) for key, value in state[table.name].items()})
        self.fold.opened(PARTITION)

    def poll(self, records: Sequence[LogRecord]) -> Effects:
        """Fold a poll and let it stand."""
        effects = self.fold.fold(PARTITION, records)
        self.announced += effects.announced
        for place, written in effects.outbox.records.items():
            self.out.setdefault(place, []).extend(written)
        for table, changes in effects.changes.items():
            table.apply(PARTITION, changes)
        self.fold.committed(PARTITION, effects)
        return effects

    def hear(self, *events: Event) -> None:
        """Fold events as one poll; offsets count on from 0."""
        start = self.seen
        self.poll([record(start + n, one) for n, one in enumerate(events)])
        self.seen += len(events)

    seen: int = 0

    def state(self) -> dict[str, dict[str, bytes]]:
        """Give every table as its changelog would have it."""
        return {
            table.name: {key: table.encode(value) for key, value in table.partition(PARTITION).items()}
            for table in self.fold.tables
        }

    def sent(self, topic: str) -> list[Any]:
        """Give the messages of a topic, read, in order."""
        return [
            orjson.loads(one.value or b"null")
            for (name, _), records in self.out.items()
            if name == topic
            for one in records
        ]

    def said(self) -> tuple[object, ...]:
        """Give all that readers can rely on: messages in order, of compacted topics the last word on each key.

        Counts of healthy logins are one a transaction, so they are left out.
        """
        compacted = {HEALTH, INSTITUTION_HEALTH}
        told = {
            place: [one for one in records if dict(one.headers).get("ce_type") != SignalType.HEALTHY.encode()]
            for place, records in self.out.items()
            if place[0] not in compacted
        }
        told = {place: records for place, records in told.items() if records}
        last = {
            (place, one.key): one.value
            for place, records in self.out.items()
            if place[0] in compacted
            for one in records
        }
        return told, last, self.announced

    @property
    def audits(self) -> list[OutRecord]:
        """The audit records in order."""
        return self.out.get((AUDIT, PARTITION), [])


SETTINGS = Settings(partitions=PARTITIONS, replication=1)
AGENT_PROGRAM = FoldProgram(AGENT, EVENTS, SETTINGS)
AGENT_TABLES = AgentTables(
    accounts=AGENT_PROGRAM.table("accounts", AccountState, ""),
    logins=AGENT_PROGRAM.table("logins", LoginState, ""),
    customers=AGENT_PROGRAM.table("customers", CustomerState, ""),
    surroundings=AGENT_PROGRAM.table("surroundings", Surroundings, ""),
)
INSTITUTION_PROGRAM = FoldProgram(INSTITUTIONS, SIGNALS, SETTINGS)
INSTITUTION_TABLES = InstitutionTables(
    tickets=INSTITUTION_PROGRAM.table("tickets", TicketState, ""),
    standings=INSTITUTION_PROGRAM.table("standings", StandingState, ""),
    gatherings=INSTITUTION_PROGRAM.table("gatherings", GatheringState, ""),
    incidents=INSTITUTION_PROGRAM.table("incidents", IncidentState, ""),
    windows=INSTITUTION_PROGRAM.table("windows", WindowState, ""),
    institutions=INSTITUTION_PROGRAM.table("institutions", InstitutionState, ""),
)


def _settings(log: str, source: Source, allowed: Any, policy: Policy) -> LogSettings:  # noqa: ANN401 - sources by type
    return LogSettings(
        log=log,
        identity=IDENTITY,
        source=source,
        intake=Intake(allowed, PARTITIONS),
        shipped=InForce.of(policy, CATALOGUE),
        clock=Fixed(),
    )


def agent_world(policy: Policy = POLICY, *, links: FixLinks | None = None) -> World:
    """Give the agent's fold, open and empty; only one at a time, as they share the tables."""
    tallies: list[Tally] = []
    settings = _settings(EVENTS, Source.AGENT, EVENT_SOURCES, policy)
    control, policies = AGENT_PROGRAM.control, AGENT_PROGRAM.policies
    fold = LogFold(settings, AgentDecider(AGENT_TABLES, PARTITIONS, links), control, policies, tallies.append)
    return World(fold, tallies=tallies).open()


def institution_world(policy: Policy = POLICY) -> World:
    """Give the institution agent's fold in the same way."""
    tallies: list[Tally] = []
    settings = _settings(SIGNALS, Source.INSTITUTIONS, SIGNAL_SOURCES, policy)
    control, policies = INSTITUTION_PROGRAM.control, INSTITUTION_PROGRAM.policies
    fold = LogFold(settings, InstitutionDecider(INSTITUTION_TABLES), control, policies, tallies.append)
    return World(fold, tallies=tallies).open()
