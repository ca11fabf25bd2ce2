"""A run that met nothing is no clean one."""

import pytest

from tests.chaos.check.compare import Findings
from tests.chaos.check.hardness import check_hardness
from tests.chaos.faults.plan import Done, Kind
from tests.chaos.faults.profiles import Least


@pytest.mark.parametrize(
    ("inside", "fences", "had_effect", "times"),
    [(4, 2, True, 0), (3, 2, True, 1), (4, 1, True, 1), (4, 2, False, 1), (0, 0, False, 3)],
)
def test_a_mild_run_is_told(inside: int, fences: int, had_effect: bool, times: int) -> None:  # noqa: FBT001 - a column
    """Too few transactions cut off, too few workers fenced, and each disturbance that came to nothing."""
    findings = Findings()
    figures = {"inside_a_transaction": inside, "could_cut_a_transaction": 12, "fences": fences}
    done = [Done(Kind.LEADERS, "all brokers", "", 1.0, had_effect=had_effect), Done(Kind.KILL, "agent-0", "", 2.0)]
    check_hardness(findings, Least(inside=1 / 3, fences=2), figures, done)
    assert +findings.faults == ({"too_mild": times} if times else {})
