"""A partition as production owns it and as the driver does, on a broker that writes down what it is asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.events import AccountSnapshot, Event, EventType, Source
from streams.fold.effects import Effects, SourceRecord
from streams.fold.logfold import LogFold
from streams.kafka.topics import AGENT, EVENTS, contract
from streams.testing import OwnedPartition as DrivenPartition
from streams.testing.applications import AGENT_APPLICATION
from streams.testing.clock import VirtualClock
from streams.testing.topology import START
from streams.testing.workers import Parts, as_record
from streams.transport import partition as transport
from streams.transport import ticks as ticking
from streams.transport import transaction as transactions
from streams.transport.parts import FoldParts
from streams.transport.poll import Poll
from streams.transport.settings import FoldSettings
from streams.transport.state import restore as restoring
from streams.transport.ticks import Ticks
from tests.topology.inputs import catalogue, policies
from tests.topology.on_broker import Consumer, Producer, TracedCluster

SETTLED = 3
"""Empty polls in a row after which nothing more comes."""


class TracedFold:
    """The agent's fold with its calls and the changes of its tables written down."""

    def __init__(self, fold: LogFold, trace: list[str]) -> None:
        self._fold, self._trace = fold, trace
        for table in fold.tables:
            table.apply = self._traced(table.name, table.apply)  # type: ignore[assignment,method-assign] # of this one table
        self.tables = fold.tables
        self.closed = fold.closed
        self.next_due = fold.next_due
        self.next_offset = fold.next_offset
        self.prepare = fold.prepare
        self.resumed = fold.resumed

    def _traced(self, name: str, apply: Callable[[int, Mapping[str, Any]], None]) -> Callable[[int, Any], None]:
        def traced(partition: int, changes: Mapping[str, Any]) -> None:
            self._trace.append(f"apply {len(changes)} to {name}")
            apply(partition, changes)

        return traced

    def opened(self, partition: int) -> None:
        self._trace.append("opened")
        self._fold.opened(partition)

    def announcement(self, partition: int) -> Event | None:
        self._trace.append("announcement")
        return self._fold.announcement(partition)

    def fold(self, partition: int, records: Sequence[SourceRecord], seconds: float = inf) -> Effects:
        self._trace.append(f"fold {[record.offset for record in records]}")
        return self._fold.fold(partition, records, seconds)

    def committed(self, partition: int, effects: Effects) -> None:
        self._trace.append("stands")
        self._fold.committed(partition, effects)


class Unmeasured:
    """Metrics that nobody reads."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        """Answer to everything."""
        return lambda *_: None


class Stage:
    """A broker with one partition, a clock, and what the story does to them."""

    def __init__(self) -> None:
        self.policy = policies()[0]
        self.clock = VirtualClock(START)
        self.cluster = TracedCluster(self.clock)
        self.cluster.create((topic.name for topic in contract()), 1)

    def fold(self) -> Any:  # noqa: ANN401 - stands for a LogFold
        from streams.testing.topology import _in_force  # noqa: PLC0415 - the rules as the driver makes them

        shipped = _in_force(self.policy, catalogue())
        return TracedFold(AGENT_APPLICATION.fold(shipped, self.clock, 1), self.cluster.trace)

    def hear(self, code: int, customer_id: str = "70") -> None:
        """Have the bridge write an observation."""
        now = self.clock.now()
        data = AccountSnapshot(
            customer_id=customer_id,
            account_id="1",
            institution_id="10",
            institution_login_id="7",
            aggregation_status_code=code,
        )
        event_id = f"{customer_id}/{code}@{now}"
        event = Event(event_id, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, now, data, None, customer_id)
        self.cluster.append(EVENTS, 0, as_record(event, customer_id))


async def as_transport(stage: Stage, between: Callable[[], None] | None, turn_seconds: float = inf) -> None:
    """Own the partition as production does, until nothing more comes, twice if something happens in between."""
    consumer = Consumer(group=AGENT)
    partition = owned(stage, consumer, turn_seconds)
    await until_idle(consumer)
    if between is not None:
        between()
        consumer.idle = 0
        await until_idle(consumer)
    await partition.close()


def owned(stage: Stage, consumer: Consumer, turn_seconds: float = inf) -> transport.OwnedPartition:
    settings = FoldSettings("nowhere", AGENT, EVENTS, 1, stage.clock, turn_seconds=turn_seconds)
    unmeasured: Any = Unmeasured()
    parts = FoldParts(settings, stage.fold(), Ticks(settings, Source.AGENT, lambda: None), unmeasured)

    async def deliver(poll: Poll) -> None:
        poll.decide()

    return transport.OwnedPartition(parts, consumer, TopicPartition(EVENTS, 0), deliver)


async def until_idle(consumer: Consumer) -> None:
    async with asyncio.timeout(10):
        while consumer.idle < SETTLED:  # noqa: ASYNC110 - the partition's own task counts
            await asyncio.sleep(0)


async def as_driver(stage: Stage, between: Callable[[], None] | None) -> None:
    """Own the partition as the driver does."""
    parts = Parts(AGENT_APPLICATION, stage.cluster, stage.clock, stage.fold(), lambda: 4000)
    owned = DrivenPartition(parts, 0)
    _advance(owned)
    if between is not None:
        between()
        _advance(owned)
    owned.forget()


def _advance(owned: DrivenPartition) -> None:
    while not owned.is_idle:
        owned.advance()
        owned.parts.cluster.transactions.settle()


def put_broker_under(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the broker in memory under the transport; an end of the process is a failure of the test."""
    for module in (transactions, ticking):
        monkeypatch.setattr(module, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", Consumer)

    def die(why: str, error: BaseException | None = None) -> None:
        raise AssertionError(why) from error

    monkeypatch.setattr(transport, "exit_now", die)
