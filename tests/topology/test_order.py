"""The driver takes the steps of the transport in its order: both run on one recording broker, and ask it the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from schemas.policy import Contact, Policy
from streams.fold import logfold
from streams.fold.effects import Effects, SourceRecord
from streams.fold.logfold import LogFold
from streams.kafka.topics import AGENT, EVENTS
from streams.testing.topology import START
from streams.testing.workers import as_record
from streams.transport import partition as transport
from tests.topology import stage as stage_module
from tests.topology.on_broker import Consumer, Producer
from tests.topology.stage import Stage, as_driver, as_transport, owned, put_broker_under, until_idle
from tests.unit.fold.build import activated
from tests.waiting import until


@pytest.fixture(autouse=True)
def on_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the broker in memory under the transport."""
    put_broker_under(monkeypatch)


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


async def test_a_turn_that_takes_no_record_commits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a large state's timers take all of it before a tick: the same records have the next turn."""
    stage, fold, spent = Stage(), LogFold.fold, [True] * 3

    def slow(log_fold: LogFold, partition: int, records: Sequence[SourceRecord], seconds: float = inf) -> Effects:
        if spent:
            spent.pop()
            return Effects(left=len(records))
        return fold(log_fold, partition, records, seconds)

    monkeypatch.setattr(LogFold, "fold", slow)
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", stage.cluster, raising=False)
    stage.hear(185)
    await as_transport(stage, None)
    steps = [line for line in stage.cluster.trace if line.startswith("fold") or line == "commit"]
    assert steps == ["fold [0, 1]"] * 4 + ["commit"]


async def test_new_rules_are_taken_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for the next timer before all were looked at, slice by slice: to ask would look at them in one go."""
    asked: list[bool] = []

    def next_due(fold: LogFold, partition: int) -> datetime | None:
        asked.append(fold.prepare(partition))
        return None

    stage = Stage()
    monkeypatch.setattr(LogFold, "next_due", next_due)
    monkeypatch.setattr(logfold, "SLICE_KEYS", 1)
    monkeypatch.setattr(stage_module, "SETTLED", 10)  # it is not idle while it looks
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
    partition = owned(stage, consumer)
    await until_idle(consumer)
    await partition.close()
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
    partition = owned(stage, Cancelling(group=AGENT))
    await until(lambda: ends, 10)
    assert ends == ["partition 0: cancelled from below"]
    await partition.close()
    assert len(ends) == 1
