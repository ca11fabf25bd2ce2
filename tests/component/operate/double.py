"""Stands in for Kafka behind the commands of operators, and runs a command line."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from click.testing import CliRunner, Result

from schemas.catalogue import Catalogue
from schemas.events import PolicyActivated
from schemas.policy import Contact, Policy
from streams.cli import txpush
from streams.fold.inforce import InForce
from streams.history import Place
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate.acts import Act, activation
from streams.operate.inforce import Standing
from streams.operate.overrides.known import Finding, Knowledge
from streams.operate.overrides.scope import Scope
from streams.operate.overrides.snapshot import Enough, Snapshot
from streams.operate.writing import Failure, Outcome, Receipt
from streams.settings import Settings
from streams.subscriptions.run import Report

SIGNED = ["--by", "ann", "--reason", "asked the customer"]
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
SHIPPED, MILD = Policy.load(), Policy(version="mild", contact=Contact(reminder_days=(7,), cooldown_hours=48))


class Kafka:
    """Stands where Kafka would: keeps what is written, and answers as it is told."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.failed: list[Failure] = []
        self.error: Exception | None = None
        self.rules: dict[Place, Standing | None] = {}
        self.subscriptions: Report | Exception = Report()
        self.unsubscribed: list[str] = []
        self.knowledge: dict[str, Knowledge] = {}
        self.snapshot = Snapshot(range(3))
        self.read_to_end = frozenset[int]()

    async def write(self, act: Act, _bootstrap: str, partitions: int) -> Outcome:
        if self.error is not None:
            raise self.error
        self.acts.append(act)
        lacking = {(one.topic, one.partition) for one in self.failed}
        placed = act.placed(dict.fromkeys(act.topics, partitions))
        places = [(one.topic, 1 if one.partition is None else one.partition) for one in placed]
        return Outcome([Receipt(*place, 5) for place in places if place not in lacking], self.failed)

    async def standings(self, _bootstrap: str, _partitions: int) -> Mapping[Place, Standing | None]:
        if self.error is not None:
            raise self.error
        return self.rules

    async def look_up(self, _settings: Settings, scope: Scope) -> Finding:
        return Finding(self.knowledge.get(str(scope), Knowledge.KNOWN), str(scope))

    async def unread(self, _bootstrap: str, _log: str, partitions: Collection[int]) -> frozenset[int]:
        return frozenset(partitions) - self.read_to_end

    async def read_snapshot(
        self, _bootstrap: str, _partitions: int, _customer_id: str | None, _enough: Enough
    ) -> Snapshot:
        if self.error is not None:
            raise self.error
        return self.snapshot

    async def end_subscriptions(self, _settings: Settings, customer_id: str) -> Report:
        self.unsubscribed.append(customer_id)
        if isinstance(self.subscriptions, Exception):
            raise self.subscriptions
        return self.subscriptions

    def holds(self, policy: Policy | None, *, only: int | None = None, waits_at: int | None = None) -> None:
        """Put a policy in force, in one partition of the inbound log or in all of both logs."""
        for place in [Place(topic, number) for topic in (EVENTS, SIGNALS) for number in range(3)]:
            if only is None or place == (EVENTS, only):
                self.rules[place] = None if policy is None else standing(policy, waits_at)


def standing(policy: Policy, waits_at: int | None = None) -> Standing:
    """Give a policy as a partition would have it."""
    data = activation(InForce.of(policy, Catalogue.load()), "ann", "because", NOW).event.data
    assert isinstance(data, PolicyActivated)
    return Standing(data, waits_at)


def typed(*words: str, answer: str | None = None) -> Result:
    """Run a command line."""
    return CliRunner().invoke(txpush, list(words), input=answer)


def data_of(kafka: Kafka) -> Any:  # noqa: ANN401 - any event's
    """Give the data of the only decision that was written."""
    (act,) = kafka.acts
    return act.event.data
