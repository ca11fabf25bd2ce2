"""The topology under test: bridge, agent and institution agent in one process, on a virtual clock."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self

import orjson

from schemas.catalogue import Catalogue
from schemas.cloudevents import from_record
from schemas.events import Event, EventType, PolicyActivated, Source
from schemas.health import AccountHealth, InstitutionHealth
from schemas.policy import Policy
from schemas.times import to_epoch_ms
from streams.bridge.intake import Topics, take
from streams.domain import ENGINE_VERSION
from streams.fold.effects import OutRecord
from streams.fold.inforce import InForce
from streams.fold.intake import partition_of
from streams.fold.logfold import LogFold
from streams.kafka.log import LogRecord
from streams.kafka.topics import (
    CUSTOMER_COMMANDS,
    DEAD_LETTER,
    EVENTS,
    HEALTH,
    INSTITUTION_HEALTH,
    LOOKUP,
    SIGNALS,
    TICKETS,
    contract,
)
from streams.links import FixLinks
from streams.observe.labels import Route
from streams.testing.applications import APPLICATIONS, Application, applications_with
from streams.testing.broker import Cluster, Record
from streams.testing.check import Check
from streams.testing.clock import VirtualClock
from streams.testing.workers import Faults, Happened, Restless, Setup, Simulation, as_record

START = datetime(2026, 11, 1, 3, tzinfo=UTC)
COMMANDS = (*CUSTOMER_COMMANDS, TICKETS, LOOKUP)


class Inconsistent(AssertionError):  # noqa: N818 - says what the run is
    """What the run left is not what a plain fold of its log gives: each line is a difference."""


class Topology:
    """Takes what the outside sends and shows what it would read, `read_committed`; see README.md for an example.

    Everything is worked off within each call. With `seed` the order of steps and the cut of polls are drawn; with
    `faults` workers also die, sleep and wake in between, and what is read must be the same. Leaving the `with` block
    checks that (`problems`).

    Args:
        partitions: of every topic.
        workers: of each of the two agents.
        seed: repeats a run exactly; None takes steps in a fixed order.
        faults: what goes wrong; needs a seed.
        policy, catalogue: the rules, the shipped ones by default.
        start: where the clock begins.
        links: what commands carry as `fix_url`; none by default.
        setup: instead of partitions, workers, seed, faults and links, for a simulation of one's own making.
    """

    def __init__(
        self,
        *,
        partitions: int = 3,
        workers: int = 1,
        seed: int | None = None,
        faults: Faults | None = None,
        policy: Policy | None = None,
        catalogue: Catalogue | None = None,
        start: datetime = START,
        links: FixLinks | None = None,
        setup: Setup | None = None,
    ) -> None:
        self.setup = setup or Setup(
            partitions=partitions,
            workers=workers,
            seed=seed,
            faults=faults,
            applications=APPLICATIONS if links is None else applications_with(links),
        )
        self.clock = VirtualClock(start)
        self.cluster = Cluster(self.clock)
        self.cluster.create(_topics(), self.setup.partitions)
        self._shipped = _in_force(policy, catalogue)
        self.simulation = Simulation(self.setup, self.cluster, self.clock, self._shipped)
        self._is_held = False

    def __enter__(self) -> Self:
        """Start the workers: they take their partitions and write the rules in force into the logs."""
        self.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Work everything off and check what is left; raises Inconsistent."""
        if kind is None:
            self.settle()
            self.check()

    # -- what comes in

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    def notify(self, body: bytes | Mapping[str, Any]) -> None:
        """Receive a TxPUSH notification now."""
        self._receive(Route.TXPUSH, body)

    def connect(self, body: bytes | Mapping[str, Any]) -> None:
        """Receive a Data Connect webhook now."""
        self._receive(Route.CONNECT, body)

    def _receive(self, route: Route, body: bytes | Mapping[str, Any]) -> None:
        """Do what the bridge does with a body: reduce it and write its records into the log."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        self.write(take(route, raw, self.now, Topics(EVENTS, DEAD_LETTER)).records)

    def write(self, records: Iterable[LogRecord]) -> None:
        """Write what bridge or executor would, each to the partition of its key."""
        for record in records:
            place = 0 if record.key is None else partition_of(record.key.decode(), self.setup.partitions)
            out = OutRecord(record.key, record.value, record.headers, record.timestamp_ms)
            self.cluster.append(record.topic, place, out)
        self._arrived()

    def send(self, event: Event, log: str = EVENTS) -> None:
        """Write an event into a log, to every partition where it has no key; the clock goes on to its time first."""
        if event.time > self.now:
            self.advance_to(event.time)
        key = event.partition_key
        places = range(self.setup.partitions) if key is None else (partition_of(key, self.setup.partitions),)
        for place in places:
            self.cluster.append(log, place, as_record(event, key))
        self._arrived()

    def append(self, partition: int, record: OutRecord, log: str = EVENTS) -> None:
        """Write any record, a spoilt one for example."""
        self.cluster.append(log, partition, record)
        self._arrived()

    def activate(self, policy: Policy, catalogue: Catalogue | None = None) -> None:
        """Put other rules in force, in both logs."""
        in_force = _in_force(policy, catalogue)
        activation = PolicyActivated(
            policy=policy,
            policy_sha256=in_force.policy_sha256,
            catalogue=in_force.rules.catalogue,
            catalogue_sha256=in_force.catalogue_sha256,
            engine_version=ENGINE_VERSION,
        )
        name = f"policy:{in_force.policy_sha256}/{to_epoch_ms(self.now)}"
        event = Event(name, EventType.POLICY_ACTIVATED, Source.OPERATOR, self.now, activation)
        for log in (EVENTS, SIGNALS):
            self.send(event, log)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold the workers back until the end of the block: what arrives in it waits in the log together."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        self._arrived()

    def _arrived(self) -> None:
        if not self._is_held:
            self.settle()

    # -- time and work

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass; timers fire when they are due."""
        self.advance_to(self.now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def advance_to(self, at: datetime) -> None:
        """Let time pass up to a moment, inclusive, with a stop at every timer that is due before."""
        self.settle()
        while (due := self.next_due()) is not None and due <= at:
            self.clock.move_to(due)
            self.settle()
            self._require_fired(due)
        self.clock.move_to(at)
        self.settle()

    def _require_fired(self, due: datetime) -> None:
        left = self.next_due()
        if left is not None and left <= due:
            raise Restless(f"a timer of {left} is still due after its tick")

    def next_due(self) -> datetime | None:
        """Give the earliest timer of all partitions that go on."""
        times = [
            worker.parts.fold.next_due(partition.number)
            for worker in self.simulation.workers
            for partition in worker.owned.values()
            if partition.is_open and not partition.paused
        ]
        return min((at for at in times if at is not None), default=None)

    def settle(self) -> None:
        """Work everything off that has arrived or is due."""
        self.simulation.drain()

    def run(self, steps: int) -> None:
        """Take some steps only."""
        self.simulation.run(steps)

    # -- what goes out

    def read(self, topic: str) -> list[Record]:
        """Give the records of a topic that a committed reader sees, by time, then partition and offset."""
        found = [
            (record.timestamp, number, record)
            for number in range(self.setup.partitions)
            for record in self.cluster.read(topic, number)
        ]
        return [record for *_, record in sorted(found, key=lambda one: (one[0], one[1], one[2].offset))]

    def commands(self, *topics: str) -> list[dict[str, Any]]:
        """Give the data of the commands, tickets and lookups, or of some topics, in order."""
        return [one for topic in topics or COMMANDS for one in self.values(topic)]

    def signals(self) -> list[Event]:
        """Give what the institution agent was told."""
        records = self.read(SIGNALS)
        events = [from_record(one.headers, one.key, one.value, one.timestamp) for one in records]
        return [event for event in events if event.source == Source.AGENT]

    def health(self, account: str) -> AccountHealth | None:
        """Give the health of `customerId/accountId`; None where nothing was heard of it, or it was forgotten."""
        value = self.last(HEALTH, account)
        return None if value is None else AccountHealth.model_validate_json(value)

    def institution_health(self, institution_id: str) -> InstitutionHealth | None:
        """Give the health of an institution; None where there never was a ticket."""
        value = self.last(INSTITUTION_HEALTH, institution_id)
        return None if value is None else InstitutionHealth.model_validate_json(value)

    def last(self, topic: str, key: str) -> bytes | None:
        """Give the last word of a compacted topic on a key."""
        return {record.key: record.value for record in self.read(topic)}.get(key.encode())

    def values(self, topic: str) -> list[Any]:
        """Give the values of a topic as JSON."""
        return [orjson.loads(record.value or b"null") for record in self.read(topic)]

    # -- the check

    @property
    def happened(self) -> Happened:
        """What the workers did, and what went wrong."""
        return self.simulation.happened

    def problems(self) -> list[str]:
        """Compare what a committed reader sees with a plain fold of the log; give every difference in words."""
        return Check(self.cluster, self.setup.applications, self.setup.partitions, self._fold).problems()

    def check(self) -> None:
        """Raise Inconsistent where there are problems."""
        if problems := self.problems():
            raise Inconsistent("\n".join(problems))

    def _fold(self, application: Application) -> LogFold:
        return application.fold(self._shipped, self.clock, self.setup.partitions)


@cache
def _topics() -> tuple[str, ...]:
    return tuple(topic.name for topic in contract())


@cache
def _shipped_in_force() -> InForce:
    return InForce.of(Policy.load(), Catalogue.load())


def _in_force(policy: Policy | None, catalogue: Catalogue | None) -> InForce:
    if policy is None and catalogue is None:
        return _shipped_in_force()
    rules = _shipped_in_force().rules
    return InForce.of(policy or rules.policy, catalogue or rules.catalogue)
