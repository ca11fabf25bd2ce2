"""`txpush override show`: a table on a terminal, JSON lines elsewhere, and words for what neither says."""

import io
import json

import click
import pytest
from rich.console import Console

from schemas.state import AccountState, CustomerState, Silence, Surroundings
from streams.operate.overrides import show
from streams.operate.overrides.snapshot import Snapshot
from streams.operate.writing import OperateError
from tests.component.operate.double import NOW, Kafka, typed
from tests.component.operate.overrides.test_holding import LATER, decided, snapshot

SILENT = {"": Silence(LATER)}


def test_one_object_a_line(kafka: Kafka) -> None:
    """Where no terminal is, each override is one JSON object, and nothing else is in the output."""
    kafka.snapshot = snapshot(decided(action="silence", customer_id="7"), silences=SILENT)
    done = typed("override", "show", "--customer", "7")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "action": "silence",
        "customer_id": "7",
        "institution_login_id": None,
        "account_id": None,
        "institution_id": None,
        "until": "2026-11-01T04:00:00Z",
        "decided_at": "2026-11-01T02:00:00Z",
        "who": "ann",
        "why": "asked",
        "waits_at": None,
        "partitions": [1],
    }


def test_a_table_on_a_terminal(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads columns: what, about whom, until when, who and why, and whether the agent goes by it."""
    screen = io.StringIO()
    monkeypatch.setattr(show, "Console", lambda: Console(file=screen, force_terminal=True, width=200, no_color=True))
    kafka.snapshot = Snapshot(
        range(3),
        around={0: Surroundings(silences={"/": Silence()})},
        waiting=[decided(17, action="silence", institution_id="102105", until=LATER)],
    )
    assert typed("override", "show").exit_code == 0
    lines = [" ".join(click.unstyle(line).split()) for line in screen.getvalue().splitlines()]
    assert "override about until decided by reason taken" in lines
    assert "silence every customer not found in the log on partitions 0 only" in lines
    waits = "2026-11-01T04:00:00Z 2026-11-01T02:00:00Z ann asked waits to be read at offset 17"
    assert f"silence every customer of institution 102105 {waits}" in lines


def test_none_is_said_in_words(kafka: Kafka) -> None:
    """A customer who is known and of whom nobody decided anything: words, no output, exit 0."""
    kafka.snapshot = snapshot()
    done = typed("override", "show", "--customer", "7")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "no override is in force for customer 7\n"


STRANGERS = [
    ([], Snapshot([1]), "the agent knows nothing of customer 7: see that the id is right\n"),
    (["--account", "9"], snapshot(), "the agent knows no account 9 of the customer, only 5, 6\n"),
    (["--login", "79"], snapshot(), "the agent knows no login 79 of the customer, only 71, 72\n"),
    (["--login", "79"], Snapshot([1], CustomerState(event_time=NOW)), "no login 79 of the customer, only none\n"),
]


@pytest.mark.parametrize(("words", "known", "told"), STRANGERS)
def test_an_unknown_id_is_told(kafka: Kafka, words: list[str], known: Snapshot, told: str) -> None:
    """None in force, for an id that nothing is known of, is no good news: the words say which id."""
    kafka.snapshot = known
    done = typed("override", "show", "--customer", "7", *words)
    assert (done.exit_code, done.stderr.endswith(told)) == (0, True), done.stderr


def test_everybody_is_not_each(kafka: Kafka) -> None:
    """Without a customer only what holds for many is shown, and the words say so."""
    kafka.snapshot = Snapshot(range(3))
    assert typed("override", "show").stderr.splitlines() == [
        "no override is in force for every customer",
        "those of single customers: name one with --customer",
    ]


def test_who_decided_may_be_too_far_back(kafka: Kafka) -> None:
    """A log that could not be read back so far is no log without a decision."""
    kafka.snapshot = snapshot(silences=SILENT, whole=False)
    done = typed("override", "show", "--customer", "7")
    assert json.loads(done.stdout)["who"] is None
    assert done.stderr == "who decided was not found in the part of the log that could be read back in time\n"


def test_ids_of_a_customer_need_the_customer(kafka: Kafka) -> None:
    """An account alone is nobody's."""
    done = typed("override", "show", "--account", "5")
    assert (done.exit_code, "need --customer" in done.stderr) == (2, True)
    kafka.error = OperateError("the overrides in force could not be read")
    assert typed("override", "show").exit_code == 2


def test_help_has_examples() -> None:
    """Help shows what can be typed."""
    assert "  txpush override show --customer" in typed("override", "show", "--help").output.partition("Examples:")[2]


def test_an_account_is_known_by_its_state() -> None:
    """The words name the logins of accounts that never had a case."""
    known = Snapshot([1], CustomerState(event_time=NOW), {"5": AccountState(heard_at=NOW, login_id="71")})
    assert show._logins(known) == {"71"}
