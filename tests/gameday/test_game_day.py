"""A game day: faults are made in the running set, and a real Prometheus has to raise the right alerts and no others.

In real time, as the rules' windows are: `make game-day`, which plays the faults side by side, each on a set of its own.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.gameday.day import Day, day
from tests.gameday.faults import FAULTS, Fault
from tests.integration.observe.prometheus import PROGRAM

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(1800)]

CALM_SECONDS = 60.0
LOOK_SECONDS = 5.0


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_raises_its_alerts_and_no_others(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Nothing fires before it, what has to does, and nothing else until it is over and some time after."""
    assert PROGRAM, "prometheus is not here; on Debian and Ubuntu: apt-get install prometheus"
    fault = FAULTS[name]
    with EmbeddedKafka() as kafka:
        async with day(kafka, tmp_path) as played:
            await played.watched(CALM_SECONDS)
            assert not played.fired, f"before anything was done: {sorted(played.fired)}"
            took = await _play(fault, played)
    seconds = {alert: round(at - took[0]) for alert, at in sorted(played.fired.items(), key=lambda one: one[1])}
    record_property("fault", str(fault.kind))
    record_property("what", fault.what)
    record_property("ended_s", round(took[1] - took[0]))
    record_property("fired_s", seconds)
    assert set(seconds) == fault.alerts | fault.afterwards
    assert {alert for alert, at in played.fired.items() if at > took[1]} == fault.afterwards


async def _play(fault: Fault, played: Day) -> tuple[float, float]:
    """Make the fault until its alerts fire, end it, and look for some time more; gives when it began and ended."""
    began = time.monotonic()
    async with fault.make(played):
        while not fault.alerts <= set(played.fired) and time.monotonic() - began < fault.seconds:
            await played.watched(LOOK_SECONDS)
    ended = time.monotonic()
    await played.watched(fault.after_seconds)
    return began, ended
