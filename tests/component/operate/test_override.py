"""`txpush override` and `txpush forget`: refusals before anything is written, questions, and how each command ends."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError

from schemas.events import CustomerForgotten, Override, OverrideAction
from streams.clock import ScaledClock
from streams.kafka.applied import TopicsError
from streams.kafka.topics import EVENTS
from streams.operate import telling
from streams.operate.writing import Failure, OperateError
from streams.settings import Settings, SettingsError
from streams.subscriptions.held import Account
from streams.subscriptions.run import Done, Report
from tests.component.operate.double import NOW, SIGNED, Kafka, data_of, typed

LOGIN = ["--customer", "7", "--login", "71"]

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
    done = typed("override", *words, "--yes", *SIGNED)
    assert done.exit_code == 0, done.output
    assert data_of(kafka) == Override(**said, who="ann", why="asked the customer")
    assert kafka.acts[0].event.time == NOW
    assert done.output.splitlines()[1].startswith(f"written to {EVENTS}: ")


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


def test_forgetting_ends_subscriptions(kafka: Kafka) -> None:
    """What the vendor still tells of is ended, after the record is written; nothing is said where there was none."""
    assert "subscriptions" not in typed("forget", "7", "--yes", *SIGNED).output
    kafka.subscriptions = Report({Done.DONE: 2, Done.ALREADY: 0, Done.GONE: 1})
    done = typed("forget", "7", "--yes", *SIGNED)
    assert (done.exit_code, kafka.unsubscribed) == (0, ["7", "7"])
    assert done.output.splitlines()[-1] == "2 subscriptions ended, 1 gone at the vendor"


@pytest.mark.parametrize(
    ("subscriptions", "words"),
    [
        (Report(failed=[(Account("7", "5"), "the vendor is away")]), "account 5: the vendor is away"),
        (Report(stopped="the vendor refused our credentials"), "stopped before the rest"),
        (SettingsError("TXPUSH_APP_KEY: needed to call the vendor"), "TXPUSH_APP_KEY"),
        (TimeoutError("txpush.subscriptions: not read"), "txpush.subscriptions"),
    ],
)
def test_subscriptions_that_are_left(kafka: Kafka, subscriptions: Report | Exception, words: str) -> None:
    """The customer is forgotten all the same; exit 1 says that the same has to be run again."""
    kafka.subscriptions = subscriptions
    done = typed("forget", "7", "--yes", *SIGNED)
    assert (done.exit_code, len(kafka.acts)) == (1, 1)
    assert words in done.output
    assert "run the same again" in done.output


def test_nothing_is_ended_where_nothing_was_written(kafka: Kafka) -> None:
    """Without the record there is no forgetting, so the subscriptions stay."""
    kafka.error = TimeoutError()
    assert typed("forget", "7", "--yes", *SIGNED).exit_code == 2
    assert kafka.unsubscribed == []


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
    done = typed("override", "silence", "--all", "--yes", *SIGNED)
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "contact with every customer is held until you end it with --until now",
        f"written to {EVENTS}: 0 at 5",
        f"not known to be in {EVENTS} 1: not acknowledged within 20 s",
        f"not known to be in {EVENTS} 2: refused",
        f"all but {EVENTS} 1-2 have it: run the same again when Kafka is well; where it is already, twice is as once",
    ]


def test_nothing_written_ends_with_2(kafka: Kafka) -> None:
    """Where no partition acknowledged, the words say that too."""
    kafka.failed = [Failure(EVENTS, number, "refused") for number in range(3)]
    done = typed("override", "silence", "--all", "--yes", *SIGNED)
    assert done.exit_code == 2
    assert "no partition is known to have it" in done.output


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KafkaConnectionError("nobody there"), "no broker answers at 127.0.0.1:9092: "),
        (TimeoutError(), "set TXPUSH_BOOTSTRAP, or start one: txpush kafka --port 9092 --data FOLDER"),
        (
            OperateError(f"topic {EVENTS} is missing: run `txpush topics apply`"),
            "run `txpush topics apply`",
        ),
    ],
)
def test_without_kafka_it_says_where_it_looked(kafka: Kafka, error: Exception, told: str) -> None:
    """No broker, or none that fits, ends with 2 and what to do next, and whether anything was to be written."""
    kafka.error = error
    for words in (["override", "silence", "--all", "--yes", *SIGNED], ["policy", "show"]):
        done = typed(*words)
        assert done.exit_code == 2
        assert told in done.output
        assert ("nothing was written" in done.output) == (words[0] == "override")


def test_a_right_that_is_missing_is_no_broker_away(kafka: Kafka) -> None:
    """A broker that refuses has answered: what helps is a right, and no other address."""
    kafka.error = GroupAuthorizationFailedError("txpush-agent")
    done = typed("policy", "show")
    assert done.exit_code == 2
    assert "has no right to do this (" in done.stderr
    assert done.stderr.endswith("see `txpush topics acls`\n")
    assert "no broker answers" not in done.stderr


# -- words


@pytest.mark.parametrize(
    "words",
    [
        ["policy", "show"],
        ["policy", "check"],
        ["policy", "activate"],
        *(
            ["override", name]
            for name in ("silence", "mark-otp", "unmark-otp", "close-case", "release-baseline", "resume")
        ),
        ["forget"],
    ],
)
def test_every_command_has_examples(words: list[str]) -> None:
    """Help of each command shows what can be typed."""
    done = typed(*words, "--help")
    assert done.exit_code == 0
    assert f"  txpush {' '.join(words)}" in done.output.partition("Examples:")[2]


# -- a clock of its own


@pytest.mark.parametrize(
    "words", [["override", "silence", "--all", "--yes"], ["forget", "7", "--yes"]], ids=["override", "forget"]
)
def test_a_faster_clock_is_the_clock_of_the_record(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Where all processes have another time, an operator's word has it too, and so has a span from now."""
    faster = ScaledClock(NOW - timedelta(days=60), NOW - timedelta(seconds=2), 43_200)
    monkeypatch.setenv("TXPUSH_CLOCK", str(faster))
    monkeypatch.setattr(telling, "require_clock", allowed)
    done = typed(*words, *SIGNED)
    assert done.exit_code == 0, done.output
    assert kafka.acts[0].event.time == NOW - timedelta(days=59)


def test_a_span_is_one_of_the_faster_clock(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """12h are twelve hours of everybody's."""
    monkeypatch.setenv("TXPUSH_CLOCK", str(ScaledClock(NOW - timedelta(days=60), NOW, 43_200)))
    monkeypatch.setattr(telling, "require_clock", allowed)
    assert typed("override", "silence", "--all", "--until", "12h", "--yes", *SIGNED).exit_code == 0
    assert data_of(kafka).until == NOW - timedelta(days=60, hours=-12)


def test_a_cluster_that_allows_no_other_time_gets_no_record(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with 2 and the reason; the log would keep the wrong time."""
    monkeypatch.setenv("TXPUSH_CLOCK", str(ScaledClock(NOW, NOW, 43_200)))
    monkeypatch.setattr(telling, "require_clock", refused)
    done = typed("override", "silence", "--all", "--yes", *SIGNED)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert "TXPUSH_CLOCK is for clusters of `txpush kafka` only; nothing was written" in done.output


async def allowed(_settings: Settings) -> None:
    """Be a cluster of `txpush kafka`."""


async def refused(_settings: Settings) -> None:
    """Be none."""
    raise TopicsError("TXPUSH_CLOCK is for clusters of `txpush kafka` only")
