"""What `txpush override` and `txpush forget` answer: what was decided, where it is, what comes of it, and of whom."""

import sys
from datetime import datetime, timedelta

import pytest

from streams.clock import WallClock
from streams.kafka.topics import EVENTS
from streams.operate import override, telling
from streams.operate.overrides.known import Knowledge
from tests.component.operate.double import NOW, SIGNED, Kafka, typed

LOGIN = ["--customer", "7", "--login", "71"]

ANSWERS = [
    (["silence", "--all"], "contact with every customer is held until you end it with --until now"),
    (["silence", "--customer", "7", "--until", "12h"], "contact with customer 7 is held until 2026-11-01T15:00:00Z"),
    (
        ["silence", "--institution", "102105", "--until", "now"],
        (
            "contact with every customer of institution 102105 is no longer held; "
            "what still waits goes out if it is needed"
        ),
    ),
    (
        ["silence", "--customer", "7", "--login", "71", "--account", "5"],
        "contact with account 5 of customer 7 is held until you end it with --until now",
    ),
    (
        ["mark-otp", *LOGIN],
        "the login 71 of customer 7 counts as one that asks for a passcode at every connection",
    ),
    (
        ["unmark-otp", *LOGIN, "--account", "5"],
        "the login 71 of customer 7 counts no longer as one that asks for a passcode at every connection",
    ),
    (
        ["close-case", "--customer", "7", "--account", "5"],
        "what is open for the account 5 of customer 7 is withdrawn; only a new attempt opens it again",
    ),
    (
        ["release-baseline", "--all", "--rate-per-hour", "5000"],
        (
            "cases of every customer that a first sweep kept without contact are let out, "
            "at most 5,000 an hour and partition"
        ),
    ),
    (
        ["release-baseline", "--customer", "7"],
        "cases of customer 7 that a first sweep kept without contact are let out",
    ),
]


@pytest.mark.usefixtures("kafka")
@pytest.mark.parametrize(("words", "decided"), ANSWERS, ids=[" ".join(words) for words, _ in ANSWERS])
def test_an_override_answers_in_words(words: list[str], decided: str) -> None:
    """First what it comes to, then where it is written, then what happens next and where to see that."""
    done = typed("override", *words, "--yes", *SIGNED)
    first, second, third = done.output.splitlines()
    assert first == decided
    assert second.startswith(f"written to {EVENTS}: ")
    assert third.startswith("the agent goes by it as soon as it reads it: see `txpush override show")


@pytest.mark.usefixtures("kafka")
def test_the_next_command_is_named_whole() -> None:
    """What can be typed next shows what holds for the very same login."""
    done = typed("override", "mark-otp", *LOGIN, *SIGNED)
    assert done.output.endswith("see `txpush override show --customer 7 --login 71`\n")


def test_an_override_of_a_stranger_is_asked_about(kafka: Kafka) -> None:
    """An id that nothing is known of is a slip of the pen, unless somebody says that it is a customer to come."""
    kafka.knowledge["login 71 of customer 7"] = Knowledge.UNKNOWN
    warning = "nothing is known of login 71 of customer 7 yet: see that the id is right\n"
    alone = typed("override", "mark-otp", *LOGIN, *SIGNED)
    assert (alone.exit_code, kafka.acts) == (1, [])
    assert alone.stderr.startswith(f"{warning}decide on login 71 of customer 7 all the same? [y/N]")
    assert alone.stderr.endswith("use --yes in scripts\nnothing was written\n")
    assert typed("override", "mark-otp", *LOGIN, *SIGNED, answer="n\n").exit_code == 1
    assert kafka.acts == []
    done = typed("override", "mark-otp", *LOGIN, "--yes", *SIGNED)
    assert (done.exit_code, done.stderr, len(kafka.acts)) == (0, warning, 1)


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (
            ["silence", "--all"],
            "contact with every customer is held until you end it with --until now: is that what you",
        ),
        (
            ["silence", "--all", "--until", "now"],
            "contact with every customer is no longer held; what still waits goes",
        ),
        (
            ["release-baseline", "--all"],
            "cases of every customer that a first sweep kept without contact are let out: is",
        ),
    ],
)
def test_what_is_about_everybody_is_asked_about(kafka: Kafka, words: list[str], question: str) -> None:
    """As a forgetting is: the question says what it comes to, and a no writes nothing."""
    done = typed("override", *words, *SIGNED, answer="n\n")
    assert (done.exit_code, kafka.acts) == (1, [])
    assert question in done.stderr
    assert typed("override", *words, *SIGNED, answer="y\n").exit_code == 0
    assert len(kafka.acts) == 1


def test_an_override_is_of_when_it_was_agreed_to(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may stand for long: meanwhile others decide, and what was decided is told as of then."""
    passed = timedelta()

    def agreed(_question: str, *, yes: bool) -> None:
        nonlocal passed
        passed = timedelta(minutes=7 if not yes else 0)

    def now(_clock: WallClock) -> datetime:
        return NOW + passed

    monkeypatch.setattr(override, "agreed", agreed)
    monkeypatch.setattr(WallClock, "now", now)
    assert typed("override", "silence", "--all", *SIGNED).exit_code == 0
    assert kafka.acts[0].event.time == NOW + timedelta(minutes=7)


def test_nobody_answers_where_standard_input_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python has no stream for it then: that is a no, in words, as from one that is empty."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SystemExit) as end:
        telling.agreed("all of it?", yes=False)
    assert end.value.code == 1
    assert capsys.readouterr().err.endswith("\nnobody answered: use --yes in scripts\nnothing was written\n")


def test_what_is_about_some_is_not_asked_about(kafka: Kafka) -> None:
    """One customer, or an institution that is known."""
    for scope in (["--customer", "7"], ["--institution", "102105"]):
        assert typed("override", "silence", *scope, *SIGNED).exit_code == 0
    assert len(kafka.acts) == 2


def test_nothing_is_promised_where_nothing_was_written(kafka: Kafka) -> None:
    """Without a broker no line says what was decided."""
    kafka.error = TimeoutError()
    done = typed("override", "silence", "--all", "--yes", *SIGNED)
    assert (done.exit_code, done.stdout) == (2, "")


def test_forgetting_answers_in_words(kafka: Kafka) -> None:
    """What was decided, where it is, and what happens next; nothing more of a customer who is known."""
    done = typed("forget", "7", "--yes", *SIGNED)
    assert done.stdout.splitlines() == [
        "customer 7 is to be forgotten",
        f"written to {EVENTS}: 1 at 5",
        "as soon as the agent reads it, it withdraws what is open and drops what it keeps of the customer",
        "exports of before have the customer still, and so have snapshots until their next run: see to copies",
    ]
    assert (done.stderr, len(kafka.acts)) == ("", 1)


def test_forgetting_a_stranger_is_warned_of_before_the_question(kafka: Kafka) -> None:
    """There is no way back, so the slip is named while a no still helps; a script goes on."""
    kafka.knowledge["customer 8"] = Knowledge.UNKNOWN
    asked = typed("forget", "8", *SIGNED, answer="n\n")
    assert asked.stderr.startswith(
        "nothing is known of customer 8 yet: see that the id is right\nforget customer 8 for"
    )
    assert (asked.exit_code, kafka.acts) == (1, [])
    assert typed("forget", "8", "--yes", *SIGNED).exit_code == 0
    assert len(kafka.acts) == 1


@pytest.mark.parametrize("words", [["forget", "7", "--yes"], ["override", "silence", "--customer", "7"]])
def test_an_id_that_nobody_could_look_up_is_not_taken_for_known(kafka: Kafka, words: list[str]) -> None:
    """Silence would say that the id is right; the decision is written all the same."""
    kafka.knowledge["customer 7"] = Knowledge.NOT_FOUND_OUT
    done = typed(*words, *SIGNED)
    assert done.stderr == "whether customer 7 is known could not be found out: see that the id is right\n"
    assert len(kafka.acts) == 1
