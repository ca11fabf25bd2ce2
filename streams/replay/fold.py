"""The production fold as a replay runs it: on tables in memory, pausing for nothing, and counting nothing."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from schemas.events import Event, EventType, PolicyActivated
from schemas.policy import Policy
from streams.agent.decider import AgentDecider
from streams.agent.outgoing import HealthWriter, SignalWriter
from streams.agent.tables import AgentTables
from streams.agent.turn import AgentTurn
from streams.clock import WallClock
from streams.domain import Customer, Decision, Rules
from streams.fold.application import THE_AGENT, Application
from streams.fold.census import Surveyed
from streams.fold.deciding import Decider
from streams.fold.effects import Effects, SourceRecord, type_of
from streams.fold.inforce import InForce
from streams.fold.ledger import Ledger, Tally
from streams.fold.logfold import FoldingPoll, LogFold
from streams.institutions.tables import InstitutionTables
from streams.institutions.turn import InstitutionDecider
from streams.links import FixLinks

POLL_RECORDS = 4000
"""Records folded at once: what is decided is the same however a log is cut."""

_ALONE = {
    kind.encode()
    for kind in (
        EventType.CLOCK_TICK,
        EventType.POLICY_ACTIVATED,
        EventType.INCIDENT_OPENED,
        EventType.INCIDENT_CLOSED,
        EventType.OPERATOR_OVERRIDE,
        EventType.SNAPSHOT_MARKED,
        EventType.SNAPSHOT_TAKEN,
    )
}
"""Begin a poll of their own: they look at all timers that the poll has moved before, and a poll's first has none.

Snapshots are of the state before a mark, and told behind it.
"""


class _NoHealth(HealthWriter):
    """Writes no health: it depends on how a log was cut into polls, so it is not compared."""

    def heard(self, customer_id: str, account_id: str, rules: Rules) -> None:
        """Note nothing."""

    def say_last(self, customer: Customer | None, customer_id: str, account_id: str) -> None:
        """Write nothing."""

    def erase(self, customer_id: str, account_id: str) -> None:
        """Erase nothing."""


class _NoCounts(SignalWriter):
    """Counts no healthy logins, for the same reason."""

    def count(self, record: SourceRecord, customer_id: str, institution_id: str, login_id: str, at: datetime) -> None:
        """Count nothing."""


class _Turn(AgentTurn):
    """A turn that counts nothing for the metrics."""

    def _count(self, event: Event, decision: Decision) -> None:
        """Leave it: nobody scrapes a replay."""


class _Agent(AgentDecider):
    surveyed: ClassVar[Surveyed] = {}

    def turn(self, partition: int, ledger: Ledger) -> AgentTurn:
        turn = _Turn(self._tables, partition, ledger, self._signal_partition, self._links)
        turn.health, turn.signals = _NoHealth(ledger), _NoCounts(partition, ledger, self._signal_partition)
        return turn


class _Institutions(InstitutionDecider):
    surveyed: ClassVar[Surveyed] = {}


class ReplayFold(LogFold):
    """Folds a log as live does; `policy`, once set, stands for whatever policy the log puts in force."""

    policy: Policy | None = None

    def opened(self, partition: int) -> None:
        """Take the partition over; its dead letters were accepted when they came, or a release has mended them."""
        super().opened(partition)
        self._books[partition].resumes_at = sys.maxsize

    def take_policy(self, partition: int, policy: Policy) -> None:
        """Put a policy in force from here on, with the catalogue that is in force."""
        self.policy = policy
        books = self._books[partition]
        rules = books.in_force.rules
        self._change_rules(partition, books, InForce.of(policy, rules.catalogue, rules.since))

    def _activate(self, record: SourceRecord, event: Event, activation: PolicyActivated, poll: FoldingPoll) -> None:
        if self.policy is not None:
            other = {"policy": self.policy, "policy_sha256": self.policy.sha256}
            activation = activation.model_copy(update=other)
        super()._activate(record, event, activation, poll)


@dataclass(frozen=True, slots=True)
class Made:
    """How a fold is made.

    Attributes:
        application: whose log it is.
        identity: `<cluster id>/<topic id>` of the log.
        partitions: of every topic.
        shipped: the rules before the log puts any in force.
        links: what commands carry; None for none.
    """

    application: Application
    identity: str
    partitions: int
    shipped: InForce
    links: FixLinks | None = None

    def fold(self) -> ReplayFold:
        """Give the fold on empty tables."""
        application = self.application
        settings = application.settings(self.identity, self.partitions, self.shipped, WallClock())
        return ReplayFold(settings, self._decider(), application.control(), application.policies(), _uncounted)

    def _decider(self) -> Decider:
        if self.application == THE_AGENT:
            return _Agent(AgentTables.in_memory(), self.partitions, self.links)
        return _Institutions(InstitutionTables.in_memory())


def _uncounted(tally: Tally) -> None:
    """Count nothing: nobody scrapes a replay."""


class PartitionFold:
    """One partition of a log while it is folded again, from nothing or from a state that was kept."""

    def __init__(
        self, fold: ReplayFold, partition: int, tables: Mapping[str, Mapping[str, bytes]] | None = None
    ) -> None:
        self.fold = fold
        self.partition = partition
        for table in fold.tables:
            kept = {} if tables is None else tables.get(table.name, {})
            table.take(partition, {key: table.decode(value) for key, value in kept.items()})
        fold.opened(partition)

    @property
    def next_offset(self) -> int:
        """The offset behind the last record that was folded."""
        return self.fold.next_offset(self.partition) or 0

    def take(self, records: Sequence[SourceRecord]) -> Effects:
        """Fold a poll; what it led to stands.

        Raises:
            PartitionPaused: a later release has written into the log.
        """
        effects = self.fold.fold(self.partition, records)
        for table, changes in effects.changes.items():
            table.apply(self.partition, changes)
        self.fold.committed(self.partition, effects)
        return effects


async def polls(chunks: AsyncIterator[Sequence[SourceRecord]], cut: int) -> AsyncIterator[Sequence[SourceRecord]]:
    """Put records into polls: one ends at a size, at the offset `cut`, and before a record that concerns many."""
    poll: list[SourceRecord] = []
    async for records in chunks:
        for record in records:
            if poll and (len(poll) >= POLL_RECORDS or poll[-1].offset < cut <= record.offset or is_alone(record)):
                yield poll
                poll = []
            poll.append(record)
    if poll:
        yield poll


def is_alone(record: SourceRecord) -> bool:
    """Tell whether a record concerns many."""
    return type_of(record) in _ALONE
