"""`txpush policy check`: it refuses what `activate` would refuse, and says what it has not looked at."""

from pathlib import Path

import pytest

from schemas.policy import Policy
from streams.kafka import present
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate.differences import as_toml
from tests.component.operate.double import MILD, SHIPPED, SIGNED, Kafka, typed


@pytest.fixture
def changed(tmp_path: Path) -> str:
    """A copy of the shipped policy that says something else under its version."""
    file = tmp_path / "policy.toml"
    file.write_text(as_toml(Policy(version=SHIPPED.version, fix_integrated=False)))
    return str(file)


def test_the_version_of_the_shipped_policy_is_taken(kafka: Kafka, changed: str) -> None:
    """Whoever changed a copy of it and forgot its version is told before anything runs, by both, whatever is in force.

    Commands name the version only, and the shipped policy comes into force wherever there is none.
    """
    for rules in (None, MILD, SHIPPED):
        kafka.holds(rules)
        for done in (
            typed("policy", "check", changed),
            typed("policy", "check", changed, "--in-force"),
            typed("policy", "activate", changed, "--yes", *SIGNED),
        ):
            assert (done.exit_code, kafka.acts) == (2, [])
            assert "give the file a version of its own" in done.stderr
    assert "  fix_integrated: true -> false\n" in typed("policy", "check", changed).stdout


def test_what_is_in_force_already_may_keep_the_version(kafka: Kafka, changed: str) -> None:
    """A release may ship a policy under the name that an older one of an operator's has: that is not undone."""
    kafka.holds(Policy.load(Path(changed)))
    assert "`txpush policy activate` would write nothing" in typed("policy", "check", changed, "--in-force").stdout
    assert "is in force everywhere already" in typed("policy", "activate", changed, *SIGNED).stdout


def test_another_policy_of_the_version_in_force_is_refused(kafka: Kafka, mild: str) -> None:
    """With --in-force check says what activate would: not with an exit code of 0."""
    kafka.holds(Policy(version=MILD.version, fix_integrated=False))
    for command in (["check", mild, "--in-force"], ["activate", mild, "--yes", *SIGNED]):
        done = typed("policy", *command)
        assert (done.exit_code, kafka.acts) == (2, [])
        assert f"another policy of version {MILD.version} is in force" in done.stderr


def test_a_clock_that_the_cluster_does_not_allow_is_told(
    kafka: Kafka, mild: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an activation would be of another clock: activate refuses that, and so check says it."""

    async def identity(*_: object) -> str:
        return "of-somebody-else/topic"

    monkeypatch.setattr(present, "log_identity", identity)
    monkeypatch.setenv("TXPUSH_CLOCK", "2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,60")
    kafka.holds(SHIPPED)
    for command in (["check", mild, "--in-force"], ["activate", mild, "--yes", *SIGNED]):
        done = typed("policy", *command)
        assert (done.exit_code, kafka.acts) == (2, [])
        assert "TXPUSH_CLOCK is for clusters of `txpush kafka` only" in done.stderr


def test_what_was_not_looked_at_is_said(kafka: Kafka, mild: str) -> None:
    """Without Kafka that nothing is known of what is in force; with it where there is none, and what would follow."""
    assert "not looked at: what is in force; --in-force compares" in typed("policy", "check", mild).stderr
    kafka.holds(SHIPPED)
    kafka.holds(None, only=1)
    done = typed("policy", "check", mild, "--in-force")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert f"as against the policy in force on {EVENTS} 0, 2, {SIGNALS} 0-2:" in lines
    assert f"no policy is in force yet on {EVENTS} 1" in lines
    assert lines[-1] == "`txpush policy activate` would put it in force from the next record of every partition on"


@pytest.mark.parametrize(
    ("option", "value"), [("--by", ""), ("--by", "a" * 201), ("--reason", ""), ("--reason", "a" * 501)]
)
def test_a_name_or_a_reason_that_no_record_takes(kafka: Kafka, mild: str, option: str, value: str) -> None:
    """It is refused in words, before anything is read or asked."""
    kafka.holds(SHIPPED)
    done = typed("policy", "activate", mild, "--by", "ann", "--reason", "why", option, value)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert done.output.startswith(f"{option}: ")
    assert "nothing was written" in done.output


def test_the_shipped_policy_may_have_its_name(tmp_path: Path) -> None:
    """A copy that says the same is the same policy, and a changed one of another name is in order."""
    file = tmp_path / "policy.toml"
    for policy in (SHIPPED, Policy(version="mine", fix_integrated=False)):
        file.write_text(as_toml(policy))
        assert typed("policy", "check", str(file)).exit_code == 0
