"""Every scenario of every rule, played on the real agents: all that is told must be expected, and in order."""

from pathlib import Path

import pytest

from tests.scenarios.compare import differences
from tests.scenarios.notation.files import read_scenarios
from tests.scenarios.notation.model import Scenario

HERE = Path(__file__).parent
SCENARIOS = [one for path in sorted((HERE / "rules").glob("*.txt")) for one in read_scenarios(path)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: f"{'-'.join(one.rules)}: {one.title}")
def test_scenario(scenario: Scenario) -> None:
    """A scenario comes out as it is written."""
    difference = differences(scenario)
    if difference:
        pytest.fail(difference, pytrace=False)
