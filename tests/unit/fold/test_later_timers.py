"""Timers of a restored state: looked at between polls, all before a tick, and never over what a poll has set."""

from datetime import timedelta

import pytest

from schemas.signals import SignalType
from streams.fold import logfold, timers
from streams.fold.effects import PartitionPaused
from streams.kafka.topics import DEAD_LETTER
from streams.transport.state.values import PartitionValues
from tests.unit.fold.build import (
    AGENT_TABLES,
    CUSTOMERS,
    DAY,
    PARTITION,
    POLICY,
    START,
    World,
    activated,
    agent_world,
    deleted,
    ids_of,
    institution_world,
    looked,
    record,
    signal,
    tick,
)

ONE, TWO, *_ = CUSTOMERS
MANY = ids_of(PARTITION, 10)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> World:
    """An agent that has restored ten customers, each with a timer, and looks at three of them at a time."""
    for module in (logfold, timers):
        monkeypatch.setattr(module, "SLICE_KEYS", 3)
    world = agent_world()
    world.hear(*(looked(one, 0, START + n * DAY) for n, one in enumerate(MANY)))
    world.hear(*(deleted(one, START + n * DAY) for n, one in enumerate(MANY)))
    world.restart()
    return world


def test_they_are_looked_at_in_slices(agent: World) -> None:
    """Between two polls a few are looked at, and it is said when there are no more."""
    assert [agent.fold.prepare(PARTITION) for _ in range(5)] == [False, False, False, True, True]
    assert agent.fold.next_due(PARTITION) == START + 30 * DAY


def test_a_tick_looks_at_all_of_them(agent: World) -> None:
    """Whatever has been looked at, a tick fires all that is due."""
    agent.fold.prepare(PARTITION)
    agent.hear(tick(START + 60 * DAY))
    assert agent.state()["accounts"] == {}


def test_a_turn_ends_before_a_tick_that_would_take_too_long(agent: World) -> None:
    """What a turn has no time for the next ones go on with: the worker's heartbeats come in between."""
    records = [record(90, looked(ONE, 0, START + 40 * DAY)), record(91, tick(START + 60 * DAY))]
    assert agent.fold.fold(PARTITION, records, 0.0).left == 1
    assert [agent.fold.fold(PARTITION, records[1:], 0.0).left for _ in range(4)] == [1, 1, 1, 0]
    agent.poll(records[1:])
    assert agent.state()["accounts"] == {}


def test_a_turn_ends_with_new_rules(agent: World) -> None:
    """They have every timer looked at anew: what comes behind them waits for that turn by turn."""
    records = [record(90, activated(START + 40 * DAY, POLICY)), record(91, tick(START + 60 * DAY))]
    assert agent.fold.fold(PARTITION, records, 60.0).left == 1
    agent.poll(records[:1])
    assert [agent.fold.fold(PARTITION, records[1:], 0.0).left for _ in range(5)] == [1, 1, 1, 0, 0]
    agent.poll(records[1:])
    assert agent.state()["accounts"] == {}


@pytest.mark.parametrize("slices", range(5))
def test_what_a_poll_has_set_stands(agent: World, slices: int) -> None:
    """A customer that was decided on meanwhile keeps the timer of that decision, however much was looked at before."""
    for _ in range(slices):
        agent.fold.prepare(PARTITION)
    last = START + timedelta(days=20)
    agent.hear(*(looked(one, 0, last + DAY, aggregation_attempt_date=last) for one in MANY[:9]))
    agent.hear(*(deleted(one, last + 2 * DAY) for one in MANY[:9]))
    assert agent.fold.next_due(PARTITION) == START + 39 * DAY
    agent.hear(tick(START + 40 * DAY))
    assert len(agent.state()["accounts"]) == 9


@pytest.mark.parametrize("slices", range(8))
def test_tables_may_change_meanwhile(monkeypatch: pytest.MonkeyPatch, slices: int) -> None:
    """What comes and goes before it is looked at leaves the timers as if they were looked at now, of tickets too."""
    monkeypatch.setattr(logfold, "SLICE_KEYS", 1)
    world = institution_world()
    world.hear(*(signal(SignalType.FAILING, f"L{n}", START + n * DAY, code=148 + n) for n in range(4)))
    world.restart()
    for _ in range(slices):
        world.fold.prepare(PARTITION)
    world.hear(tick(START + 9 * DAY), signal(SignalType.FAILING, "L9", START + 10 * DAY, code=900))
    while not world.fold.prepare(PARTITION):
        pass
    met = world.fold.next_due(PARTITION)
    world.restart()
    assert met is not None
    assert world.fold.next_due(PARTITION) == met


def test_state_that_cannot_be_read_pauses_the_partition(agent: World) -> None:
    """A restored value of another shape stops the work when it is needed; its customer's event is no dead letter."""
    restored: dict[str, bytes] = dict(agent.state()["customers"])
    restored[ONE] = b'{"event_time": 5}'
    AGENT_TABLES.customers.take(PARTITION, PartitionValues(restored, AGENT_TABLES.customers.decode))
    agent.fold.opened(PARTITION)
    agent.hear(looked(TWO, 0, START + 40 * DAY))
    with pytest.raises(PartitionPaused, match="a record of the table customers is no state of version"):
        agent.hear(looked(ONE, 0, START + 40 * DAY))
    with pytest.raises(PartitionPaused, match="a later release has worked here"):
        agent.hear(tick(START + 60 * DAY))
    assert agent.sent(DEAD_LETTER) == []
