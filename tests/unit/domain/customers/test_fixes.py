"""Which Data Connect events are fixes, which cases they are about, and what they count for (R5, R6)."""

from datetime import datetime, timedelta

import pytest

from schemas.events import ConnectEvent
from schemas.state import replace
from streams.domain import Outcome, account_health
from streams.domain.customers.fixes import FIRST_TIME, is_fix
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CUSTOMER,
    DAY,
    HOUR,
    LOGIN,
    MS,
    RULES,
    START,
    Story,
    connected,
    deleted,
    looked,
    nightly,
    silenced,
)

NOON = START + 9 * HOUR


@pytest.mark.parametrize(
    ("event_type", "code", "reason", "is_one"),
    [
        ("done", None, None, True),
        ("done", 0, "success", True),
        ("done", 200, "Complete", True),
        ("done", None, "completed", True),
        ("done", None, "done", True),
        ("done", None, "OK", True),
        ("done", 100, None, False),
        ("done", 201, "success", False),
        ("done", 200, "exit", False),
        ("done", None, "timeout", False),
        ("credentialsUpdated", 500, "error", True),
        ("added", None, None, True),
        ("started", None, None, False),
        ("invalidCredentials", None, None, False),
        ("unableToConnect", 103, None, False),
        ("accountsDeleted", None, None, False),
    ],
)
def test_is_fix(event_type: str, code: int | None, reason: str | None, is_one: bool) -> None:  # noqa: FBT001 - a case of the table
    """`done` without a bad code or reason, `credentialsUpdated` and `added` are fixes, and nothing else is."""
    event = ConnectEvent(customer_id=CUSTOMER, event_type=event_type, code=code, reason=reason)
    assert is_fix(event) is is_one


@pytest.mark.parametrize("event_type", ["done", "credentialsUpdated", "added"])
def test_closes_nothing(event_type: str) -> None:
    """A strong fix event is no repair: it says nothing, and the command stays open."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(connected(event_type, NOON, institution_login_ids=(LOGIN,)))
    assert (decision.outcome, decision.messages, decision.rules) == (Outcome.FIX_STRONG, (), ("R5", "R6"))
    assert (decision.logins, decision.accounts, decision.changed) == ((LOGIN,), (ACCOUNT,), True)
    assert story.episode().fixed_at == NOON


def test_other_events() -> None:
    """Other Data Connect events change nothing but the clock."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(connected("started", NOON, institution_login_ids=(LOGIN,)))
    assert (decision.outcome, decision.changed, decision.rules) == (Outcome.CONNECT, False, ())
    assert story.known.state.event_time == NOON


def test_named_by_open_command() -> None:
    """A fix event that carries the open command's id is strong."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(connected("done", NOON, command=story.episode().command_id))
    assert decision.outcome is Outcome.FIX_STRONG


def test_named_by_closed_command() -> None:
    """The id of a closed command still names its case."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1), nightly(185, 2))
    closed = story.commands[0].command_id
    story.hear(connected("done", NOON + 2 * DAY, command=closed))
    assert story.episode().fixed_at == NOON + 2 * DAY


@pytest.mark.parametrize(("later", "outcome"), [(16, Outcome.FIX_STRONG), (17, Outcome.FIX_WEAK)])
def test_named_by_one_of_many_closed_commands(later: int, outcome: Outcome) -> None:
    """The ids of as many closed commands are known as there can be while a link lives, at one a day."""
    story = Story()
    for night in range(later + 1):
        story.hear(nightly(103, 2 * night), nightly(109 if night == later else 0, 2 * night + 1))
    first = story.commands[0].command_id
    assert story.hear(connected("done", NOON + 90 * DAY, command=first)).outcome is outcome


def test_named_by_part_of_an_id() -> None:
    """The beginning of a closed command's id is not its id."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1), nightly(185, 2))
    part = story.commands[0].command_id[:7]
    assert story.hear(connected("done", NOON + 2 * DAY, command=part)).outcome is Outcome.FIX_WEAK


def test_named_by_unknown_command() -> None:
    """An id that no case knows makes no fix strong."""
    story = Story()
    story.hear(nightly(185, 0))
    assert story.hear(connected("done", NOON, command="0d0e5c3a")).outcome is Outcome.FIX_WEAK
    assert story.episode().fixed_at is None


def test_named_by_account() -> None:
    """A fix event is strong for the cases of the accounts in it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"), nightly(185, 0, "a3", "L3"))
    story.hear(connected("added", NOON, account_ids=("a2", "a3", "new")))
    assert [story.episode(login_id=login).fixed_at for login in ("L1", "L2", "L3")] == [None, NOON, NOON]


def test_account_without_a_login() -> None:
    """A fix of an account whose login is not known is of no case, not even of the only open one at its bank (R1)."""
    story = Story()
    story.hear(nightly(185, 0), looked(103, START, None, "a2", None))
    decision = story.hear(connected("done", NOON, account_ids=("a2",), institution_id=BANK))
    assert decision.outcome is Outcome.FIX_STRONG
    assert story.episode().fixed_at is None
    assert story.hear(looked(103, NOON + HOUR, None, "a2", None)).outcome is Outcome.OBSERVED


def test_account_without_a_login_is_suspected_anew() -> None:
    """Three challenges in a row without a fix are a suspicion: a fix of an account without a login is one (R7)."""
    story = Story()
    story.hear(*(nightly(185, night, login=None) for night in range(2)))
    story.hear(connected("done", START + 36 * HOUR, account_ids=(ACCOUNT,)), nightly(185, 2, login=None))
    assert account_health(story.known, ACCOUNT, RULES).otp == "no"
    story.hear(nightly(185, 3, login=None), nightly(185, 4, login=None))
    assert account_health(story.known, ACCOUNT, RULES).otp == "suspected"


def test_only_open_case_there() -> None:
    """Without a name the only open case at the institution is meant; cases that are not open do not count."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"), nightly(0, 1, "a2", "L2"))
    assert story.hear(connected("done", NOON + DAY, institution_id=BANK)).outcome is Outcome.FIX_STRONG
    assert story.episode().fixed_at == NOON + DAY


def test_name_before_institution() -> None:
    """A fix event that names a case is about that one, even if another is the only open one at the institution."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 0, "a2", "L2"))
    story.hear(connected("done", NOON, institution_login_ids=("L2",), institution_id=BANK))
    assert story.episode().fixed_at is None


def test_several_open_cases_there() -> None:
    """With two open cases at the institution a fix event without a name is evidence for neither."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"))
    decision = story.hear(connected("done", NOON, institution_id=BANK))
    assert (decision.outcome, decision.rules) == (Outcome.FIX_WEAK, ("R5",))
    assert [story.episode(login_id=login).fixed_at for login in (LOGIN, "L2")] == [None, None]


@pytest.mark.parametrize("bank", ["5", None])
def test_no_open_case_there(bank: str | None) -> None:
    """A fix event at another institution, or at none, is weak."""
    story = Story()
    story.hear(nightly(185, 0))
    assert story.hear(connected("done", NOON, institution_id=bank)).outcome is Outcome.FIX_WEAK


def test_unknown_customer() -> None:
    """A fix event of a customer not known yet is weak."""
    assert Story().hear(connected("done", NOON, institution_id=BANK)).outcome is Outcome.FIX_WEAK


def test_healthy_login() -> None:
    """A fix event that names a login without a case is strong, and opens none."""
    story = Story()
    story.hear(nightly(0, 0))
    assert story.hear(connected("done", NOON, institution_login_ids=(LOGIN,))).outcome is Outcome.FIX_STRONG
    assert story.known.logins == {}
    assert story.account().fix_heard


def test_closed_case() -> None:
    """A fix event for a case without an open episode leaves it as it is."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1))
    decision = story.hear(connected("done", NOON + DAY, institution_login_ids=(LOGIN,)))
    assert (decision.outcome, decision.logins) == (Outcome.FIX_STRONG, ())


def test_deleted_account() -> None:
    """A deleted account names no case any more, and a fix event of its login does not change it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), deleted(START + HOUR))
    assert story.hear(connected("done", NOON, account_ids=(ACCOUNT,))).outcome is Outcome.FIX_WEAK
    assert story.hear(connected("done", NOON, institution_login_ids=(LOGIN,))).accounts == ("a2",)


def test_command_before_login() -> None:
    """The id of a command says which case is meant, whatever logins and accounts the event names beside it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"))
    command = story.commands[0].command_id
    story.hear(connected("done", NOON, command=command, institution_login_ids=("L2",), account_ids=("a2",)))
    assert [story.episode(login_id=login).fixed_at for login in (LOGIN, "L2")] == [NOON, None]


def test_unknown_command_beside_a_login() -> None:
    """An id that no case knows does not stand in the way of a login that one does."""
    story = Story()
    story.hear(nightly(185, 0))
    story.hear(connected("done", NOON, command="0d0e5c3a", institution_login_ids=(LOGIN,)))
    assert story.episode().fixed_at == NOON


def test_marked_login_is_an_open_case() -> None:
    """A login that is marked OTP is an open case of its institution, too: the fix event is one of it, or of neither."""
    story = Story()
    story.hear(nightly(931, 0))
    assert story.hear(connected("done", NOON, institution_id=BANK)).outcome is Outcome.FIX_STRONG
    story.hear(nightly(185, 1, "a2", "L2"))
    assert story.hear(connected("done", NOON + DAY, institution_id=BANK)).outcome is Outcome.FIX_WEAK


def test_case_that_was_never_told() -> None:
    """An episode is open from its opening on, whether or not its command went out."""
    story = Story()
    story.hear(silenced(START), nightly(185, 0))
    assert story.hear(connected("done", NOON, institution_id=BANK)).outcome is Outcome.FIX_STRONG
    assert story.episode().fixed_at == NOON


@pytest.mark.parametrize(
    ("made", "fixed_at"),
    [
        (NOON - HOUR, NOON - HOUR),
        (NOON + DAY, NOON),
        (NOON + 365 * DAY, NOON),
        (FIRST_TIME - MS, NOON),
        (None, NOON),
    ],
)
def test_time(made: datetime | None, fixed_at: datetime) -> None:
    """A fix event's time is that in its id, never later than the event time, where sane; else the event time."""
    story = Story()
    story.hear(nightly(185, 0), connected("done", NOON, made=made, institution_login_ids=(LOGIN,)))
    assert story.episode().fixed_at == fixed_at


@pytest.mark.parametrize("event_id", ["abc", "1760086600-0123", "17600866001234-01", "1760086600123"])
def test_ids_without_a_time(event_id: str) -> None:
    """An id that does not start with milliseconds and a dash says no time."""
    story = Story()
    event = connected("done", NOON, institution_login_ids=(LOGIN,))
    event = replace(event, data=event.data.model_copy(update={"event_id": event_id}))  # type: ignore[union-attr]
    story.hear(nightly(185, 0), event)
    assert story.episode().fixed_at == NOON


@pytest.mark.parametrize(("offset", "is_counted"), [(timedelta(0), True), (-MS, False)])
def test_younger_episode(offset: timedelta, is_counted: bool) -> None:  # noqa: FBT001 - a case of the table
    """A fix event counts for the episodes that are not younger than it."""
    story = Story()
    story.hear(nightly(185, 0), connected("done", NOON, made=START + offset, institution_login_ids=(LOGIN,)))
    assert (story.episode().fixed_at is not None) is is_counted


def test_some_episodes() -> None:
    """Of a case's episodes only those not younger than the fix are fixed by it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 1, "a2"))
    story.hear(connected("done", START + 2 * DAY, made=NOON, institution_login_ids=(LOGIN,)))
    assert (story.episode().fixed_at, story.episode("relink").fixed_at) == (NOON, None)


@pytest.mark.parametrize(("offset", "outcome"), [(timedelta(0), Outcome.FIX_STRONG), (-MS, Outcome.FIX_OUTDATED)])
def test_older_than_a_success(offset: timedelta, outcome: Outcome) -> None:
    """A fix event older than the latest success of any account of the login changes nothing."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1, "a2"))
    made = START + DAY + offset
    decision = story.hear(connected("done", NOON + DAY, made=made, institution_login_ids=(LOGIN,)))
    assert (decision.outcome, decision.changed) == (outcome, outcome is Outcome.FIX_STRONG)


def test_outdated_for_one_case() -> None:
    """A fix event of two cases counts for the one where it is not outdated."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"), nightly(0, 1, "a3", "L2"))
    decision = story.hear(connected("done", NOON + DAY, made=NOON, account_ids=(ACCOUNT, "a2")))
    assert decision.outcome is Outcome.FIX_STRONG
    assert [story.episode(login_id=login).fixed_at for login in (LOGIN, "L2")] == [NOON, None]


def test_success_elsewhere() -> None:
    """A later success on another login, or of an account no longer at this one, makes no fix outdated."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1, "a2", "L2"))
    story.hear(connected("done", NOON + DAY, made=NOON, institution_login_ids=(LOGIN,)))
    assert story.episode().fixed_at == NOON


def test_latest_fix_counts() -> None:
    """Of several fix events the latest is kept, in whatever order they come."""
    story = Story()
    for made in (NOON, NOON + HOUR, NOON - HOUR):
        story.hear(connected("done", NOON + 2 * HOUR, made=made, institution_login_ids=(LOGIN,)), nightly(185, 0))
    assert story.login().episodes["connect-fix"].fixed_at == NOON + HOUR


def test_fix_before_the_failure_is_heard() -> None:
    """A fix event heard before the episode opened is not held against it."""
    story = Story()
    story.hear(looked(0, START - DAY, START - DAY))
    story.hear(connected("done", NOON, institution_login_ids=(LOGIN,)), looked(185, NOON + HOUR, START))
    story.hear(nightly(0, 1))
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix withdraw healed 185"]
