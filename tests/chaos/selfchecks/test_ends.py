"""Every end of a process has its cause: a code without one is found."""

import pytest

from tests.chaos.actors.workers import UNWILLING, End
from tests.chaos.check.compare import Findings
from tests.chaos.check.ends import AFTER_SECONDS, check_ends
from tests.chaos.faults.plan import Done, Kind

AT = 1_000.0


@pytest.mark.parametrize(
    ("code", "kind", "victim", "explained"),
    [
        (-9, Kind.KILL, "agent-0", True),
        (-9, Kind.KILL, "agent-1", False),
        (-9, Kind.TERM, "agent-0", False),
        (0, Kind.TERM, "agent-0", True),
        (0, Kind.DEPLOY, "agent-0", True),
        (0, Kind.KILL, "agent-0", False),
        (70, Kind.STOP, "agent-0", True),
        (70, Kind.STOP, "agent-1", False),
        (70, Kind.BROKER_KILL, "broker-1", True),
        (70, Kind.TERM, "agent-0", False),
        (1, Kind.OUTAGE, "all brokers", False),
        (UNWILLING, Kind.KILL, "agent-0", False),
    ],
)
def test_an_end_needs_a_cause(code: int, kind: Kind, victim: str, explained: bool) -> None:  # noqa: FBT001 - a column
    """The code says what may have caused it."""
    findings = Findings()
    check_ends(findings, [End("agent-0", code, AT)], [Done(kind, victim, "", AT - 1)])
    assert findings.faults["ends_unexplained"] == (not explained)


@pytest.mark.parametrize(("until", "explained"), [(AT - AFTER_SECONDS + 1, True), (AT - AFTER_SECONDS - 1, False)])
def test_a_cause_explains_for_a_while(until: float, explained: bool) -> None:  # noqa: FBT001 - a column
    """What is long over explains nothing."""
    findings = Findings()
    check_ends(findings, [End("agent-0", 70, AT)], [Done(Kind.BROKER_KILL, "broker-1", "", AT - 500, until)])
    assert findings.faults["ends_unexplained"] == (not explained)
