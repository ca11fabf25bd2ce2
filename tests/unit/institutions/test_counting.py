"""What the institution agent counts for the metrics: the tickets and incidents that are open."""

from datetime import timedelta

import pytest

from schemas.events import Source
from schemas.signals import SignalType
from streams.observe.labels import IncidentChange
from streams.observe.parts.business import AGENT_INCIDENTS
from tests.unit.fold.build import DAY, START, World, institution_world, signal, tick
from tests.unit.fold.standing import standing


@pytest.fixture
def world() -> World:
    return institution_world()


def counted(world: World, change: IncidentChange) -> int:
    """Count the changes of incidents."""
    return sum(tally.counts[AGENT_INCIDENTS, change] for tally in world.tallies)


def test_tickets(world: World) -> None:
    """One that is complete is kept for its logins, and not counted."""
    world.hear(signal(SignalType.FAILING, "L1", START))
    assert standing(world, "tickets_open", "support") == 1
    world.hear(signal(SignalType.LEFT, "L1", START), tick(START + 8 * DAY, Source.INSTITUTIONS))
    assert standing(world, "tickets_open", "support") == 0


def test_incidents(world: World) -> None:
    """An open one is counted, with its ticket, by the next owner too, until it is over."""
    minutes = [START + timedelta(minutes=number) for number in range(20)]
    world.hear(*(signal(SignalType.FAILING, f"L{n}", at, code=102) for n, at in enumerate(minutes)))
    world.restart()
    assert (standing(world, "incidents_open"), standing(world, "tickets_open", "incident")) == (1, 1)
    world.hear(tick(START + DAY, Source.INSTITUTIONS))
    assert (standing(world, "incidents_open"), standing(world, "tickets_open", "incident")) == (0, 0)
    assert [counted(world, change) for change in IncidentChange] == [1, 1]
