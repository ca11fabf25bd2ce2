"""The profiles that `make test` has no time for: brokers, and everything at once, in several sizes."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.faults.profiles import EVERYTHING, ON_BROKERS
from tests.chaos.options import Options
from tests.chaos.run import execute

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(1800)]

RUNS = {
    "brokers": Options(ON_BROKERS, seed=1),
    "everything": Options(EVERYTHING, seed=11),
    "everything, state on disk": Options(EVERYTHING, seed=12, local_state=True),
    "everything, one broker, three agents": Options(EVERYTHING.sized(agents=3, bridges=1, brokers=1), seed=13),
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_nothing_is_lost_doubled_or_wrong(options: Options, tmp_path: Path) -> None:
    """As in the kill test, whatever is done to brokers, disks, clocks and vendor besides; its logs are kept."""
    outcome = execute(replace(options, keep=tmp_path))
    assert outcome.findings.clean, outcome.as_json()
