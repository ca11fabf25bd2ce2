"""Ticks of a log: which timers they fire, in which order, and the clock that they move."""

import orjson

from schemas.events import EventType
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import CUSTOMERS, DAY, HOUR, PARTITION, START, World, deleted, looked, tick
from tests.unit.fold.logfold.build import audited

ONE, TWO, THREE, _ = CUSTOMERS


def test_ticks_fire_in_the_order_of_due_and_customer(agent: World) -> None:
    """What was due earlier fires first; at the same time the smaller customer does."""
    agent.hear(*(looked(one, 0, START) for one in (ONE, TWO, THREE)))
    agent.hear(deleted(THREE, START + HOUR), deleted(TWO, START + HOUR), deleted(ONE, START + 2 * HOUR))
    agent.hear(tick(START + 40 * DAY))
    assert audited(agent)[-3:] == [(6, TWO), (6, THREE), (6, ONE)]
    assert agent.state()["accounts"] == {}


def test_a_tick_fires_what_changed_in_its_own_poll(agent: World) -> None:
    """A timer set in a poll fires at a tick of the same poll."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START), tick(START + 30 * DAY))
    assert agent.state()["accounts"] == {}
    assert agent.fold.next_due(PARTITION) is None


def test_a_tick_before_its_time_fires_nothing(agent: World) -> None:
    """A tick moves the partition's clock and nothing else."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START), tick(START + 29 * DAY))
    assert list(agent.state()["accounts"]) == [f"{ONE}/a1"]
    assert orjson.loads(agent.state()["control"][str(PARTITION)])["ticked_at"] == "2026-11-30T03:00:00Z"


def test_an_older_tick_does_not_turn_the_clock_back(agent: World) -> None:
    """The clock of a partition is the latest of its ticks."""
    agent.hear(tick(START + DAY), tick(START))
    assert orjson.loads(agent.state()["control"][str(PARTITION)])["ticked_at"] == "2026-11-02T03:00:00Z"


def test_ticks_are_counted_once(agent: World) -> None:
    """A tick is one event, however many customers it is for."""
    agent.hear(*(deleted(one, START) for one in (ONE, TWO)))
    agent.hear(tick(START + 40 * DAY))
    assert agent.tallies[-1].counts[AGENT_EVENTS, EventType.CLOCK_TICK, "tick"] == 1
