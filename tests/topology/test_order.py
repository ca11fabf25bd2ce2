"""The driver takes the steps of the transport in its order: both run on one recording broker, and ask it the same."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.policy import Contact, Policy
from streams.fold import logfold
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
from streams.transport.settings import FoldSettings
from streams.transport.state import restore as restoring
from streams.transport.ticks import Ticks
from tests.topology.inputs import catalogue, policies
from tests.topology.on_broker import Consumer, Producer, TracedCluster
from tests.unit.fold.build import activated
from tests.waiting import until

Story = Callable[["Stage"], Awaitable[None]]
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
    owned = _owned(stage, consumer, turn_seconds)
    await _until_idle(consumer)
    if between is not None:
        between()
        consumer.idle = 0
        await _until_idle(consumer)
    await owned.close()


def _owned(stage: Stage, consumer: Consumer, turn_seconds: float = inf) -> transport.OwnedPartition:
    settings = FoldSettings("nowhere", AGENT, EVENTS, 1, stage.clock, turn_seconds=turn_seconds)
    unmeasured: Any = Unmeasured()
    parts = FoldParts(settings, stage.fold(), Ticks(settings, Source.AGENT, lambda: None), unmeasured)

    async def deliver(poll: transport.Poll) -> None:
        poll.decide()

    return transport.OwnedPartition(parts, consumer, TopicPartition(EVENTS, 0), deliver)


async def _until_idle(consumer: Consumer) -> None:
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


@pytest.fixture(autouse=True)
def on_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the broker in memory under the transport."""
    for module in (transactions, ticking):
        monkeypatch.setattr(module, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", Consumer)

    def die(why: str, error: BaseException | None = None) -> None:
        raise AssertionError(why) from error

    monkeypatch.setattr(transport, "exit_now", die)


async def played(
    own: Callable[[Stage, Callable[[], None] | None], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Play one story and give what the broker and the fold were asked, in order."""
    stage = Stage()
    monkeypatch.setattr(Producer, "cluster", stage.cluster, raising=False)
    monkeypatch.setattr(Consumer, "cluster", stage.cluster, raising=False)

    def passes() -> None:
        stage.clock.move_to(START + timedelta(days=3))

    stage.hear(185)
    stage.hear(103)
    await own(stage, lambda: stage.hear(0))
    stage.hear(949)
    await own(stage, passes)
    return stage.cluster.trace


async def test_the_driver_asks_what_the_transport_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fence, offset, restore, open, announce, fold, begin, send, offsets, commit, apply, tick: all in one order."""
    produced = await played(as_transport, monkeypatch)
    driven = await played(as_driver, monkeypatch)
    assert driven == produced
    for step in ("fence", "committed", "READ_COMMITTED", "opened", "write policy:", "write tick:", "begin", "stands"):
        assert any(line.startswith(step) for line in produced), f"the story does not reach {step}"


async def test_a_poll_that_takes_long_is_committed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So heartbeats and other partitions have theirs, however dear the decisions on one customer are."""
    sent = {}
    for seconds in (inf, 0.0):
        stage = Stage()
        monkeypatch.setattr(Producer, "cluster", stage.cluster, raising=False)
        monkeypatch.setattr(Consumer, "cluster", stage.cluster, raising=False)
        for code in (185, 103, 0):
            stage.hear(code)
        await as_transport(stage, None, seconds)
        steps = [line for line in stage.cluster.trace if line.startswith(("fold", "offset", "commit", "stands"))][1:]
        sent[seconds] = [line for line in stage.cluster.trace if line.startswith("send") and "remediation" in line]
    offset = f"of {AGENT} in {EVENTS}/0"
    assert [line.removesuffix(f" {offset}") for line in steps if line.startswith(("fold", "offset"))] == [
        "fold [0, 1, 2, 3]",
        "offset 1",
        "fold [1, 2, 3]",
        "offset 2",
        "fold [2, 3]",
        "offset 3",
        "fold [3]",
        "offset 4",
    ]
    assert steps.count("commit") == steps.count("stands") == 4
    assert sent[inf] == ["send 3 to remediation.connect-fix/0"]
    assert sent[0.0] == ["send 1 to remediation.connect-fix/0"] * 3


@pytest.mark.parametrize("own", [as_transport, as_driver])
async def test_a_group_that_was_forgotten_decides_nothing_twice(
    own: Callable[[Stage, None], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state says where the log goes on: a broker drops a group's offsets after a week in which nobody was in it."""
    stage = Stage()
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", stage.cluster, raising=False)
    stage.hear(185)
    await own(stage, None)
    stage.cluster.transactions.offsets.clear()
    stage.cluster.trace.clear()
    stage.hear(0)
    await own(stage, None)
    folded = [line for line in stage.cluster.trace if line.startswith("fold")]
    assert folded == ["fold [2]"]


async def test_new_rules_are_taken_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for the next timer before all were looked at, slice by slice: to ask would look at them in one go."""
    asked: list[bool] = []

    def next_due(fold: LogFold, partition: int) -> datetime | None:
        asked.append(fold.prepare(partition))
        return None

    stage = Stage()
    monkeypatch.setattr(LogFold, "next_due", next_due)
    monkeypatch.setattr(logfold, "SLICE_KEYS", 1)
    monkeypatch.setattr(f"{__name__}.SETTLED", 10)  # it is not idle while it looks
    monkeypatch.setattr(Producer, "cluster", stage.cluster, raising=False)
    monkeypatch.setattr(Consumer, "cluster", stage.cluster, raising=False)
    for customer_id in ("70", "71", "72"):
        stage.hear(185, customer_id)

    def activate() -> None:
        asked.clear()
        event = activated(stage.clock.now(), Policy(contact=Contact(reminder_days=(2,))))
        stage.cluster.append(EVENTS, 0, as_record(event, None))

    await as_transport(stage, activate)
    assert asked
    assert all(asked)


class Unknown(Consumer):
    """A consumer that has looked for the group's offset in the background, and had none to find."""

    told = False

    async def getmany(self, *places: TopicPartition, **limits: Any) -> Any:  # noqa: ANN401 - as of the library
        """Tell of it at the first poll."""
        if not self.told:
            self.told = True
            raise NoOffsetForPartitionError(places[0])
        return await super().getmany(*places, **limits)


async def test_a_new_group_begins_where_its_partition_went(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the group has no offset is known, and ends nothing."""
    stage = Stage()
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", stage.cluster, raising=False)
    stage.hear(185)
    consumer = Unknown(group=AGENT)
    owned = _owned(stage, consumer)
    await _until_idle(consumer)
    await owned.close()
    assert consumer.told
    assert "fold [0, 1]" in stage.cluster.trace


class Cancelling(Consumer):
    """A consumer that lets a cancellation of its own work out."""

    async def getmany(self, *_places: TopicPartition, **_limits: Any) -> Any:  # noqa: ANN401 - as of the library
        """Raise it."""
        raise asyncio.CancelledError


async def test_a_cancellation_from_below_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the partition would stand still, and nobody would know."""
    stage, ends = Stage(), list[str]()
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", stage.cluster, raising=False)
    monkeypatch.setattr(transport, "exit_now", lambda why, _error: ends.append(why))
    owned = _owned(stage, Cancelling(group=AGENT))
    await until(lambda: ends, 10)
    assert ends == ["partition 0: cancelled from below"]
    await owned.close()
    assert len(ends) == 1
