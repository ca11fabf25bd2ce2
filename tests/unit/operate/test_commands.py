"""What operators type: refusals in words before anything is written, questions, and how each command ends."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from click.testing import CliRunner, Result

from schemas.catalogue import Catalogue
from schemas.events import CustomerForgotten, Override, OverrideAction, PolicyActivated
from schemas.policy import Contact, Policy
from streams.cli import txpush
from streams.clock import WallClock
from streams.fold.inforce import InForce
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate import policy as policy_command
from streams.operate import telling
from streams.operate.acts import Act, activation
from streams.operate.differences import as_toml, spans
from streams.operate.inforce import Place, Standing
from streams.operate.writing import Failure, OperateError, Outcome, Receipt

SIGNED = ["--by", "ann", "--reason", "asked the customer"]
LOGIN = ["--customer", "7", "--login", "71"]
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
SHIPPED, MILD = Policy.load(), Policy(version="mild", contact=Contact(reminder_days=(7,), cooldown_hours=48))


class Kafka:
    """Stands where Kafka would: keeps what is written, and answers as it is told."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.failed: list[Failure] = []
        self.error: Exception | None = None
        self.rules: dict[Place, Standing | None] = {}

    async def write(self, act: Act, _bootstrap: str, partitions: int) -> Outcome:
        if self.error is not None:
            raise self.error
        self.acts.append(act)
        lacking = {(one.topic, one.partition) for one in self.failed}
        placed = act.placed(dict.fromkeys(act.topics, partitions))
        places = [(one.topic, 1 if one.partition is None else one.partition) for one in placed]
        return Outcome([Receipt(*place, 5) for place in places if place not in lacking], self.failed)

    async def standings(self, _bootstrap: str, _partitions: int) -> Mapping[Place, Standing | None]:
        if self.error is not None:
            raise self.error
        return self.rules

    def holds(self, policy: Policy | None, *, only: int | None = None, waits_at: int | None = None) -> None:
        """Put a policy in force, in one partition of the inbound log or in all of both logs."""
        for place in [Place(topic, number) for topic in (EVENTS, SIGNALS) for number in range(3)]:
            if only is None or place == (EVENTS, only):
                self.rules[place] = None if policy is None else standing(policy, waits_at)


def standing(policy: Policy, waits_at: int | None = None) -> Standing:
    """Give a policy as a partition would have it."""
    data = activation(InForce.of(policy, Catalogue.load()), "ann", "because", NOW).event.data
    assert isinstance(data, PolicyActivated)
    return Standing(data, waits_at)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    double = Kafka()
    monkeypatch.setattr(telling, "write", double.write)
    monkeypatch.setattr(policy_command, "standings", double.standings)
    monkeypatch.setattr(WallClock, "now", lambda _self: NOW)
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")
    return double


@pytest.fixture
def mild(tmp_path: Path) -> str:
    file = tmp_path / "mild.toml"
    file.write_text(as_toml(MILD))
    return str(file)


def typed(*words: str, answer: str | None = None) -> Result:
    """Run a command line."""
    return CliRunner().invoke(txpush, list(words), input=answer)


def data_of(kafka: Kafka) -> Any:  # noqa: ANN401 - any event's
    """Give the data of the only decision that was written."""
    (act,) = kafka.acts
    return act.event.data


# -- override

OVERRIDES: list[tuple[list[str], dict[str, Any]]] = [
    (["mark-otp", *LOGIN], {"action": OverrideAction.MARK_OTP, "customer_id": "7", "institution_login_id": "71"}),
    (["unmark-otp", *LOGIN], {"action": OverrideAction.UNMARK_OTP, "customer_id": "7", "institution_login_id": "71"}),
    (
        ["close-case", "--customer", "7", "--account", "5"],
        {"action": OverrideAction.CLOSE_CASE, "customer_id": "7", "account_id": "5"},
    ),
    (["silence", "--customer", "7"], {"action": OverrideAction.SILENCE, "customer_id": "7"}),
    (["silence", "--all"], {"action": OverrideAction.SILENCE, "all": True}),
    (
        ["silence", "--institution", "102105", "--until", "12h"],
        {"action": OverrideAction.SILENCE, "institution_id": "102105", "until": NOW + timedelta(hours=12)},
    ),
    (
        ["silence", "--all", "--until", "2026-11-02T05:00:00+02:00"],
        {"action": OverrideAction.SILENCE, "all": True, "until": NOW + timedelta(days=1)},
    ),
    (["silence", "--all", "--until", "now"], {"action": OverrideAction.SILENCE, "all": True, "until": NOW}),
    (
        ["release-baseline", "--all", "--rate-per-hour", "50"],
        {"action": OverrideAction.RELEASE_BASELINE, "all": True, "rate_per_hour": 50},
    ),
]


@pytest.mark.parametrize(("words", "said"), OVERRIDES)
def test_an_override_is_written(kafka: Kafka, words: list[str], said: dict[str, Any]) -> None:
    """What is typed is what the record says, with who and why, and the event time is now."""
    done = typed("override", *words, *SIGNED)
    assert done.exit_code == 0, done.output
    assert data_of(kafka) == Override(**said, who="ann", why="asked the customer")
    assert kafka.acts[0].event.time == NOW
    assert done.output.startswith(f"written to {EVENTS}: ")


REFUSED: list[tuple[list[str], str]] = [
    (["mark-otp", "--customer", "7", *SIGNED], "mark_otp needs --customer with --login or --account"),
    (["close-case", "--login", "71", *SIGNED], "--customer is needed"),
    (["silence", *SIGNED], "--customer is needed, or --institution or all alone"),
    (["silence", "--all", "--customer", "7", *SIGNED], "--customer goes with neither --institution nor all"),
    (["silence", "--all", "--until", "soon", *SIGNED], "'soon' is no time: write 2026-11-01T03:00:00Z, 90m, 12h, 3d"),
    (["silence", "--all", "--until", "2026-10-01T00:00:00Z", *SIGNED], "is past: write a later time, or now"),
    (["silence", "--all", "--reason", "x"], "Missing option '--by'"),
    (["silence", "--all", "--by", "ann"], "Missing option '--reason'"),
    (["silence", "--all", "--by", "", "--reason", "x"], "--by: "),
    (["silence", "--customer", "7/8", *SIGNED], "--customer: an id has neither spaces nor slashes"),
    (["silence", "--all", "--rate-per-hour", "5", *SIGNED], "No such option"),
    (["release-baseline", "--all", "--rate-per-hour", "0", *SIGNED], "0 is not in the range"),
    (["mark-otp", "--all", *SIGNED], "No such option"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_an_override_that_makes_no_sense_is_refused(kafka: Kafka, words: list[str], told: str) -> None:
    """It ends with 2 and says which option is wrong; nothing is written."""
    done = typed("override", *words)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert told in done.output


# -- forget


def test_forgetting_asks(kafka: Kafka) -> None:
    """The question names the customer; a no writes nothing and ends with 1."""
    done = typed("forget", "7000000042", *SIGNED, answer="n\n")
    assert (done.exit_code, kafka.acts) == (1, [])
    assert "forget customer 7000000042 for good? [y/N]" in done.output
    assert done.output.endswith("nothing was written\n")
    assert typed("forget", "7000000042", *SIGNED, answer="y\n").exit_code == 0
    assert data_of(kafka) == CustomerForgotten(customer_id="7000000042", who="ann", why="asked the customer")


def test_forgetting_in_a_script(kafka: Kafka) -> None:
    """Without an answer nothing is written and --yes is named; with it nobody is asked."""
    alone = typed("forget", "7", *SIGNED)
    assert (alone.exit_code, kafka.acts) == (1, [])
    assert "use --yes in scripts" in alone.output
    assert typed("forget", "7", "--yes", *SIGNED).exit_code == 0
    assert len(kafka.acts) == 1


def test_a_customer_that_can_be_none_is_refused(kafka: Kafka) -> None:
    """An id that no record could have is a slip of the pen."""
    done = typed("forget", "7 8", "--yes", *SIGNED)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert done.output.startswith("CUSTOMER: ")


# -- how writing ends


def test_a_part_says_exactly_which(kafka: Kafka) -> None:
    """Partitions that have it and those that may not are named, with what to do; the exit code is 1."""
    kafka.failed = [Failure(EVENTS, 1, "not acknowledged within 20 s"), Failure(EVENTS, 2, "refused")]
    done = typed("override", "silence", "--all", *SIGNED)
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"written to {EVENTS}: 0 at 5",
        f"not known to be in {EVENTS} 1: not acknowledged within 20 s",
        f"not known to be in {EVENTS} 2: refused",
        f"all but {EVENTS} 1-2 have it: run the same again when Kafka is well; where it is already, twice is as once",
    ]


def test_nothing_written_ends_with_2(kafka: Kafka) -> None:
    """Where no partition acknowledged, the words say that too."""
    kafka.failed = [Failure(EVENTS, number, "refused") for number in range(3)]
    done = typed("override", "silence", "--all", *SIGNED)
    assert done.exit_code == 2
    assert "no partition is known to have it" in done.output


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KafkaConnectionError("nobody there"), "no broker answers at 127.0.0.1:9092: "),
        (TimeoutError(), "set TXPUSH_BOOTSTRAP, or start one: txpush kafka"),
        (
            OperateError(f"topic {EVENTS} is missing: run `txpush topics apply`"),
            "run `txpush topics apply`; nothing was",
        ),
    ],
)
def test_without_kafka_it_says_where_it_looked(kafka: Kafka, error: Exception, told: str) -> None:
    """No broker, or none that fits, ends with 2 and what to do next."""
    kafka.error = error
    for words in (["override", "silence", "--all", *SIGNED], ["policy", "show"]):
        done = typed(*words)
        assert done.exit_code == 2
        assert told in done.output


# -- policy check


def test_a_policy_is_checked_without_kafka(mild: str) -> None:
    """A good file is named with version and hash, and what it says otherwise than the shipped one."""
    done = typed("policy", "check", mild)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
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
    assert f"# in force on {EVENTS} 0-2, {SIGNALS} 0-2\n" in done.output


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


# -- words


@pytest.mark.parametrize(
    "words",
    [
        ["policy", "show"],
        ["policy", "check"],
        ["policy", "activate"],
        *(["override", name] for name in ("silence", "mark-otp", "unmark-otp", "close-case", "release-baseline")),
        ["forget"],
    ],
)
def test_every_command_has_examples(words: list[str]) -> None:
    """Help of each command shows what can be typed."""
    done = typed(*words, "--help")
    assert done.exit_code == 0
    assert f"  txpush {' '.join(words)}" in done.output.partition("Examples:")[2]


def test_numbers_are_written_as_spans() -> None:
    """Neighbours are joined."""
    assert (spans([0, 1, 2, 5, 8, 7]), spans([3]), spans([])) == ("0-2, 5, 7-8", "3", "")
