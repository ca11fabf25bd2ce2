"""What replay and audit say of a run is counted: each difference, each fault, and that either could not be done."""

import pytest

from tests.chaos.check import replayed
from tests.chaos.check.compare import Findings
from tests.chaos.check.replayed import check_replayed, count_audit, count_replay

CHAINS = [{"decisions": 40}, {"decisions": 2}]


@pytest.mark.parametrize(
    ("code", "differences", "times"),
    [(0, [], 0), (1, [b"{}", b"{}"], 2), (1, [], 1), (2, [], 1), (-9, [], 1)],
)
def test_differences_are_counted(code: int, differences: list[bytes], times: int) -> None:
    """By their lines; what has none, or could not be replayed, counts as one."""
    findings = Findings()
    count_replay(findings, code, differences, "different: 1 dropped")
    assert findings.faults["replay_differs"] == times
    assert findings.clean == (not times)
    assert findings.compared["replays"] == (code != 2)


@pytest.mark.parametrize(("code", "faults", "times"), [(0, [], 0), (1, [{"text": "a"}, {"text": "b"}], 2), (2, [], 1)])
def test_faults_are_counted(code: int, faults: list[dict[str, str]], times: int) -> None:
    """And how many decisions were looked at."""
    findings = Findings()
    count_audit(findings, code, {"faults": faults, "chains": CHAINS}, "")
    assert findings.faults["audit_not_whole"] == times
    assert findings.compared["decisions_audited"] == 42


def test_nothing_said_is_a_fault() -> None:
    """An audit that was ended from outside has no verdict."""
    findings = Findings()
    count_audit(findings, -9, {}, "killed")
    assert findings.faults["audit_not_whole"] == 1
    assert "killed" in findings.examples[0]


def test_what_does_not_end_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time; the verdict on all else is given."""
    monkeypatch.setattr(replayed, "CLI", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(replayed, "SECONDS", 0.2)
    findings = Findings()
    check_replayed(findings, "127.0.0.1:9", None)
    assert findings.faults["replay_differs"] == findings.faults["audit_not_whole"] == 1
    assert "not at its end" in findings.examples[0]
