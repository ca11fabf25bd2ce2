"""`txpush policy`: what is checked, shown, asked and written, and how each command ends."""

from pathlib import Path

from schemas.policy import Policy
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate.differences import as_toml, spans
from tests.component.operate.double import MILD, SHIPPED, SIGNED, Kafka, data_of, typed

# -- policy check


def test_a_policy_is_checked_without_kafka(mild: str) -> None:
    """A good file is named with version and hash, and what it says otherwise than the shipped one."""
    done = typed("policy", "check", mild)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"{mild} is a policy: version mild, SHA-256 {MILD.sha256}",
        "as against the shipped policy:",
        '  version: "2026-11-1" -> "mild"',
        "  contact.cooldown_hours: 24 -> 48",
        "  contact.reminder_days: [1, 3, 7] -> [7]",
    ]


def test_a_policy_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """Every problem is told with file and key, and the exit code is 2."""
    file = tmp_path / "policy.toml"
    file.write_text("[contact]\ncooldown_hours = 0\ncolour = 1\n")
    done = typed("policy", "check", str(file))
    assert done.exit_code == 2
    assert "contact.cooldown_hours: must be a whole number of hours" in done.output
    assert "contact.colour: no such key" in done.output
    assert "mend the file" in done.output
    assert typed("policy", "check", str(tmp_path / "none.toml")).exit_code == 2


def test_a_policy_is_compared_with_what_is_in_force(kafka: Kafka, mild: str) -> None:
    """On request the differences to every policy in force are shown too."""
    kafka.holds(MILD)
    kafka.holds(SHIPPED, only=2)
    lines = typed("policy", "check", mild, "--in-force").output.splitlines()
    assert f"the same as the policy in force on {EVENTS} 0-1, {SIGNALS} 0-2" in lines
    assert f"as against the policy in force on {EVENTS} 2:" in lines


# -- policy show


def test_the_policy_in_force_is_shown_as_a_file(kafka: Kafka) -> None:
    """What is printed is a policy file, with hashes and places as comments."""
    kafka.holds(MILD)
    done = typed("policy", "show")
    assert done.exit_code == 0
    assert Policy.from_toml(done.output).sha256 == MILD.sha256
    assert f"# policy mild, SHA-256 {MILD.sha256}\n" in done.output
    assert f"# in force on {EVENTS} 0-2, {SIGNALS} 0-2\n# as of " in done.output


def test_what_waits_to_be_read_is_said(kafka: Kafka) -> None:
    """An activation that an agent has not come to yet is told with its offset."""
    kafka.holds(SHIPPED)
    kafka.holds(MILD, only=1, waits_at=17)
    done = typed("policy", "show")
    assert done.exit_code == 1
    assert f"# on {EVENTS} 1 from offset 17, which waits to be read\n" in done.output


def test_partitions_that_differ_are_told(kafka: Kafka) -> None:
    """The policy of most comes first, the others by their differences, and the exit code is 1."""
    kafka.holds(SHIPPED)
    kafka.holds(MILD, only=2)
    kafka.holds(None, only=0)
    done = typed("policy", "show")
    assert done.exit_code == 1
    assert Policy.from_toml(done.output).sha256 == SHIPPED.sha256
    assert f"# in force on {EVENTS} 2\n#   version: " in done.output
    assert "#   contact.cooldown_hours: 24 -> 48\n" in done.output
    assert f"# none yet on {EVENTS} 0\n" in done.output


def test_no_policy_yet(kafka: Kafka) -> None:
    """Before any agent has started there is none: exit 1, and what to do."""
    kafka.holds(None)
    done = typed("policy", "show")
    assert (done.exit_code, "run `txpush policy activate FILE`" in done.output) == (1, True)


# -- policy activate


def test_activating_says_what_changes_and_asks(kafka: Kafka, mild: str) -> None:
    """The changes are shown before the question; a no writes nothing."""
    kafka.holds(SHIPPED)
    done = typed("policy", "activate", mild, *SIGNED, answer="n\n")
    assert (done.exit_code, kafka.acts) == (1, [])
    assert f"on {EVENTS} 0-2, {SIGNALS} 0-2:\n" in done.output
    assert "contact.cooldown_hours: 24 -> 48" in done.output
    assert "put policy mild in force? [y/N]" in done.output


def test_activating_writes_to_both_logs(kafka: Kafka, mild: str) -> None:
    """Every partition of both logs gets it, and the offsets are told."""
    kafka.holds(SHIPPED)
    done = typed("policy", "activate", mild, "--yes", *SIGNED)
    assert done.exit_code == 0
    assert done.output.splitlines()[-2:] == [
        f"written to {EVENTS}: 0 at 5, 1 at 5, 2 at 5",
        f"written to {SIGNALS}: 0 at 5, 1 at 5, 2 at 5",
    ]
    data = data_of(kafka)
    assert (data.policy_sha256, data.who, data.why) == (MILD.sha256, "ann", "asked the customer")


def test_activating_again_changes_nothing(kafka: Kafka, mild: str) -> None:
    """Where it holds everywhere nothing is written; where a partition lacks it, it is written again."""
    kafka.holds(MILD)
    done = typed("policy", "activate", mild, "--yes", *SIGNED)
    assert (done.exit_code, kafka.acts) == (0, [])
    assert "is in force everywhere already" in done.output
    kafka.holds(None, only=1)
    assert typed("policy", "activate", mild, "--yes", *SIGNED).exit_code == 0
    assert len(kafka.acts) == 1


def test_another_policy_needs_another_version(kafka: Kafka, tmp_path: Path) -> None:
    """Commands name the version of the policy: two of one name would be one for their readers."""
    kafka.holds(SHIPPED)
    file = tmp_path / "policy.toml"
    file.write_text(as_toml(Policy(version=SHIPPED.version, fix_integrated=False)))
    done = typed("policy", "activate", str(file), "--yes", *SIGNED)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert "give the file a version of its own" in done.output


def test_numbers_are_written_as_spans() -> None:
    """Neighbours are joined."""
    assert (spans([0, 1, 2, 5, 8, 7]), spans([3]), spans([])) == ("0-2, 5, 7-8", "3", "")
