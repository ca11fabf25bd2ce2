"""A scenario as `txpush simulate` plays it: one clock for all customers, timers fired as it moves."""

from collections.abc import Iterable

from schemas.events import Event
from schemas.times import parse_rfc3339
from streams.simulate import Message, Simulation
from tests.scenarios.notation.model import Scenario, Step, Tick, Told
from tests.scenarios.script import CATALOGUE, Script, as_read, in_force


def simulated(scenario: Scenario) -> list[Told]:
    """Give all that is told, in order; a record that is set aside is told, too."""
    script, told = Script(CATALOGUE), list[Told]()
    simulation = Simulation(in_force(scenario.policy, CATALOGUE))
    for step in _steps(scenario):
        for message in _played(simulation, script, step):
            structured = message.structured()
            told.append(script.told(structured["data"], parse_rfc3339(structured["time"])))
    asides = [
        Told({"what": "dead-letter", "who": one.reason, "action": one.detail}) for one in simulation.take_asides()
    ]
    return told + asides


def _steps(scenario: Scenario) -> Iterable[Step]:
    return (step for line in scenario.lines for step in line.steps)


def _played(simulation: Simulation, script: Script, step: Step) -> Iterable[Message]:
    if isinstance(step, Tick):
        return simulation.advance(step.time)
    event: Event = as_read(script.event(step))
    return simulation.hear(event)
