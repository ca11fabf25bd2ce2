"""Every scenario of every rule, played on the real agents: all that is told must be expected, and in order."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.scenarios.compare import differences, differences_simulated
from tests.scenarios.notation.files import read_scenarios
from tests.scenarios.notation.model import Scenario

HERE = Path(__file__).parent
SCENARIOS = [one for path in sorted((HERE / "rules").glob("*.txt")) for one in read_scenarios(path)]


def _params(scenarios: Iterable[Scenario]) -> list[ParameterSet]:
    """Name each scenario; one that is known to differ has to fail."""
    return [
        pytest.param(
            one,
            id=f"{'-'.join(one.rules)}: {one.title}",
            marks=[pytest.mark.xfail(strict=True, reason=one.differs)] if one.differs else [],
        )
        for one in scenarios
    ]


@pytest.mark.parametrize("scenario", _params(SCENARIOS))
def test_scenario(scenario: Scenario) -> None:
    """A scenario comes out as it is written."""
    if difference := differences(scenario):
        pytest.fail(difference, pytrace=False)


@pytest.mark.parametrize("scenario", _params(one for one in SCENARIOS if not one.differs and not one.clocks_apart))
def test_scenario_simulated(scenario: Scenario) -> None:
    """A simulation tells the same, in the same order."""
    if difference := differences_simulated(scenario):
        pytest.fail(difference, pytrace=False)
