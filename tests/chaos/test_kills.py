"""The kill test: nothing lost, doubled or wrong, whatever is killed or put to sleep and when."""

from pathlib import Path

import pytest

from tests.chaos.faults.profiles import WORKERS, Profile
from tests.chaos.options import Options
from tests.chaos.report.figures import Outcome
from tests.chaos.run import execute

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

STEPS = 11
"""9 SIGKILLs and 2 SIGSTOPs of agents and institution agent."""

COMPARED = {
    "events_behind_200": 9_000,
    "remediation.connect-fix": 900,
    "remediation.relink": 12,
    "remediation.remove-duplicate": 12,
    "remediation.support-ticket": 12,
    "institution.signals": 2_000,
    "audit_records": 4_500,
    "account.health": 900,
    "txpush-agent-customers-changelog": 450,
    "txpush-institutions-standings-changelog": 100,
    "dead_letters": 50,
    "ticks": 3,
}


@pytest.fixture(scope="module")
def killed() -> Outcome:
    """The short form: 9,000 notifications, three brokers, two agents and the institution agent."""
    return execute(Options(WORKERS, seed=7, is_replayed=False))  # `make test` has ten minutes; test_disturbances does


def test_nothing_is_lost_doubled_or_wrong(killed: Outcome) -> None:
    """Every 200 is in the log; messages, tables, health and audit chain equal the plain fold of the log."""
    assert killed.findings.clean, killed.as_json()
    assert killed.figures["sigkills"] == 10
    assert killed.figures["sigstops"] == 2


@pytest.mark.parametrize(("what", "least"), COMPARED.items())
def test_much_was_compared(killed: Outcome, what: str, least: int) -> None:
    """A check that compares little finds little: each kind of record was there in numbers."""
    assert killed.findings.compared[what] >= least, killed.findings.compared


def test_kills_fell_inside_transactions(killed: Outcome) -> None:
    """At least a third of the disturbances cut a transaction off, as the brokers' abort markers tell."""
    assert killed.figures["inside_a_transaction"] >= STEPS / 3, killed.as_json()


def test_a_sleeper_was_fenced(killed: Outcome) -> None:
    """At least one worker that woke up past its session was refused by the broker, and ended."""
    assert killed.figures["fences"] >= 1, killed.as_json()


def test_a_planted_bug_is_caught(tmp_path: Path) -> None:
    """State written before the transaction: two deaths between, and the check is not clean; what tells why is kept."""
    quiet = Profile({}, notifications=600, agents=1, brokers=1)
    outcome = execute(Options(quiet, agent_module="tests.chaos.actors.planted", is_replayed=False, keep=tmp_path))
    assert outcome.figures["exits"]["agent-0"] == {-9: 2}, outcome.as_json()
    assert outcome.findings.faults["lost"] > 0, outcome.as_json()
    assert outcome.findings.faults["audit_wrong"] > 0, outcome.as_json()
    assert list((tmp_path / "brokers").rglob("remediation.connect-fix-0/*.log"))
    assert list(tmp_path.glob("agent-0*.log"))
