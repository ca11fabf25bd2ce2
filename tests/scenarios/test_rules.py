"""Every scenario of every rule, played on the real agents: all that is told must be expected, and in order."""

from pathlib import Path

import pytest

from tests.scenarios.compare import differences, differences_simulated
from tests.scenarios.notation.files import read_scenarios
from tests.scenarios.notation.model import Scenario

HERE = Path(__file__).parent
SCENARIOS = [one for path in sorted((HERE / "rules").glob("*.txt")) for one in read_scenarios(path)]


SIMULATED = [one for one in SCENARIOS if not one.clocks_apart]


def _name(scenario: Scenario) -> str:
    return f"{'-'.join(scenario.rules)}: {scenario.title}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=_name)
def test_scenario(scenario: Scenario) -> None:
    """A scenario comes out as it is written."""
    if difference := differences(scenario):
        pytest.fail(difference, pytrace=False)


@pytest.mark.parametrize("scenario", SIMULATED, ids=_name)
def test_scenario_simulated(scenario: Scenario) -> None:
    """A simulation tells the same, in the same order."""
    if difference := differences_simulated(scenario):
        pytest.fail(difference, pytrace=False)
