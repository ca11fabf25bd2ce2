"""What one record leads to has a limit: the rest is due, and the next tick takes it."""

import pytest

from schemas.events import OverrideAction
from streams.agent import turn
from tests.unit.agent.test_turn import issued, said
from tests.unit.fold.build import (
    CUSTOMERS,
    HOUR,
    MINUTE,
    PARTITION,
    START,
    World,
    agent_world,
    incident,
    looked,
    overridden,
    tick,
)

ONE, TWO, THREE, _ = CUSTOMERS


@pytest.fixture
def agent() -> World:
    return agent_world()


def test_a_tick_for_more_than_it_takes(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick fires the earliest due customers; the rest stays due, and a tick of the same time fires them."""
    agent.hear(*(looked(one, 185, START + n * MINUTE) for n, one in enumerate((THREE, TWO, ONE))))
    monkeypatch.setattr(turn, "DECIDED_AT_ONCE", 2)
    late = START + 30 * HOUR
    for seen in ([THREE, TWO], [THREE, TWO, ONE]):
        assert (agent.fold.next_due(PARTITION) or late) < late
        agent.hear(tick(late))
        assert [one for one, _ in issued(agent)[3:]] == seen
    assert (agent.fold.next_due(PARTITION) or late) > late


def test_within_a_poll_more_than_a_tick_takes(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same where both ticks come in one poll, with the events that set the timers."""
    monkeypatch.setattr(turn, "DECIDED_AT_ONCE", 2)
    late = START + 30 * HOUR
    agent.hear(
        *(looked(one, 185, START + n * MINUTE) for n, one in enumerate((THREE, TWO, ONE))), tick(late), tick(late)
    )
    assert [one for one, _ in issued(agent)[3:]] == [THREE, TWO, ONE]


@pytest.mark.parametrize("is_one_poll", [True, False], ids=["one poll", "a poll each"])
def test_news_for_more_than_are_looked_at(agent: World, monkeypatch: pytest.MonkeyPatch, *, is_one_poll: bool) -> None:
    """The end of an incident frees the first; the others are due at once, so that the next tick frees them."""
    monkeypatch.setattr(turn, "DECIDED_AT_ONCE", 1)
    ended = START + 2 * HOUR
    agent.hear(incident(START, 185, 1, is_open=True), *(looked(one, 185, START + HOUR) for one in (ONE, TWO, THREE)))
    news = [incident(ended, 185, 2, is_open=False), tick(ended + MINUTE), tick(ended + 2 * MINUTE)]
    for together in [news] if is_one_poll else [[one] for one in news]:
        agent.hear(*together)
    assert issued(agent) == [(one, said(ended)) for one in sorted((ONE, TWO, THREE))]


def test_the_end_of_a_silence_for_more_than_are_looked_at(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does an operator who lifts a silence of all; nobody is told anything as of a time before."""
    monkeypatch.setattr(turn, "DECIDED_AT_ONCE", 1)
    lifted = START + 2 * HOUR
    agent.hear(overridden(OverrideAction.SILENCE, START, all=True))
    agent.hear(*(looked(one, 185, START + HOUR) for one in (ONE, TWO)))
    agent.hear(overridden(OverrideAction.SILENCE, lifted, all=True, until=lifted), tick(lifted + MINUTE))
    assert issued(agent) == [(one, said(lifted)) for one in sorted((ONE, TWO))]


def test_news_outlast_a_restart(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not looked at is due for a new owner as well."""
    monkeypatch.setattr(turn, "DECIDED_AT_ONCE", 1)
    ended = START + 2 * HOUR
    agent.hear(incident(START, 185, 1, is_open=True), *(looked(one, 185, START + HOUR) for one in (ONE, TWO)))
    agent.hear(incident(ended, 185, 2, is_open=False))
    first = agent.fold.next_due(PARTITION)
    agent.restart()
    assert agent.fold.next_due(PARTITION) == first
    assert (first or START) <= ended
