"""What an operator decides about one customer (R16), and the challenge that a live call met (R7)."""

from typing import Any

import pytest

from schemas.events import Event, OverrideAction
from schemas.health import Otp
from streams.domain import Outcome, account_health
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    LOGIN,
    RULES,
    START,
    Story,
    challenged,
    deleted,
    looked,
    nightly,
    overridden,
)

BY_LOGIN: dict[str, Any] = {"institution_login_id": LOGIN}
BY_ACCOUNT: dict[str, Any] = {"account_id": ACCOUNT}
ELSEWHERE: list[dict[str, Any]] = [{"institution_login_id": "L9"}, {"account_id": "a9"}]


def closed(at: Any = START + HOUR, **scope: Any) -> Event:  # noqa: ANN401 - a time, and ids
    """Give an operator's closing of a case."""
    return overridden(OverrideAction.CLOSE_CASE, at, **(scope or BY_LOGIN))


@pytest.mark.parametrize("scope", [BY_LOGIN, BY_ACCOUNT])
def test_close_case(scope: dict[str, Any]) -> None:
    """An operator's closing withdraws every command of the case."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 1, "a2"))
    decision = story.hear(closed(START + 2 * DAY, **scope))
    assert (decision.outcome, decision.rules) == (Outcome.OVERRIDDEN, ("R16", "R5"))
    assert story.lines[2:] == ["L1 connect-fix withdraw operator 185", "L1 relink withdraw operator 949"]


def test_close_what_waits() -> None:
    """A command that has not gone out yet is dropped by it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 0, "a2"), closed())
    story.wait(START + 5 * DAY)
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix withdraw operator 185"]


@pytest.mark.parametrize(
    "event",
    [
        nightly(185, 0),
        looked(None, START + DAY, None),
        looked(102, START + DAY, START + DAY),
        looked(900, START + DAY, START + DAY),
        looked(777_777, START + DAY, START + DAY),
    ],
)
def test_stays_closed(event: Event) -> None:
    """What is no new attempt, or says nothing about the login, does not open a closed case again."""
    story = Story()
    story.hear(nightly(185, 0), closed(), event)
    assert story.lines[2:] == []


def test_opened_by_a_new_attempt() -> None:
    """A new attempt opens it again, as another episode from that attempt on."""
    story = Story()
    story.hear(nightly(185, 0), closed(), nightly(185, 1))
    assert story.lines[2:] == ["L1 connect-fix issue 185"]
    assert (story.episode().opened_at, story.episode().ordinal) == (START + DAY, 2)


@pytest.mark.parametrize("code", [102, 906, 777_777])
def test_opened_by_the_first_code_that_says_something(code: int) -> None:
    """Of one attempt's codes the first that says something about the login opens it, whatever came before."""
    story = Story()
    story.hear(nightly(185, 0), closed(), nightly(code, 1), nightly(185, 1), closed(START + 2 * DAY), nightly(103, 1))
    assert story.lines[2:] == ["L1 connect-fix issue 185", "L1 connect-fix withdraw operator 185"]


@pytest.mark.parametrize("code", [102, 906, 777_777])
def test_escalation_opened_by_the_first_code_that_says_something(code: int) -> None:
    """The same holds for an escalation that was closed."""
    story = Story()
    story.hear(nightly(931, 0), closed(), nightly(code, 1))
    assert story.lines[2:] == []
    story.hear(nightly(185, 1))
    assert story.lines[2:] == ["L1 otp-escalation issue 931"]


def test_only_the_account_that_failed_anew() -> None:
    """Of a closed case's accounts only the one with the new attempt needs something again."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), closed(), nightly(185, 1))
    assert story.episode().account_ids == (ACCOUNT,)


def test_closed_account_moves() -> None:
    """A closed account that moves without a new attempt opens nothing where it comes to."""
    story = Story()
    story.hear(nightly(185, 0), closed(), nightly(185, 0, login="L2"))
    assert story.lines[2:] == []


def test_close_a_marked_login() -> None:
    """The escalation is withdrawn and the mark stays: the next challenge opens another escalation, no command."""
    story = Story()
    story.hear(nightly(931, 0), closed())
    assert story.lines[1:] == ["L1 otp-escalation withdraw operator 931"]
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.CONFIRMED
    story.hear(nightly(0, 1))
    assert story.lines[2:] == []
    story.hear(nightly(185, 2))
    assert story.lines[2:] == ["L1 otp-escalation issue 931"]


@pytest.mark.parametrize("scope", ELSEWHERE)
@pytest.mark.parametrize("action", [OverrideAction.CLOSE_CASE, OverrideAction.UNMARK_OTP])
def test_unknown(scope: dict[str, Any], action: OverrideAction) -> None:
    """What names an unknown login or account says nothing."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(overridden(action, START + HOUR, **scope))
    assert (decision.messages, decision.changed) == ((), False)


def test_mark_an_unknown_account() -> None:
    """A mark by an account that is not known marks nothing."""
    story = Story()
    story.hear(nightly(185, 0))
    assert not story.hear(overridden(OverrideAction.MARK_OTP, START + HOUR, account_id="a9")).changed


def test_mark_before_its_accounts() -> None:
    """A login may be marked before any of its accounts is seen: their challenges then ask for no fix."""
    story = Story()
    story.hear(overridden(OverrideAction.MARK_OTP, START, **BY_LOGIN))
    assert story.lines == []
    story.hear(looked(185, START + HOUR, START + HOUR))
    assert story.lines == ["L1 otp-escalation issue 185"]


def test_account_without_login() -> None:
    """What an account waits for whose login is not known is closed by its account: an answer opens nothing."""
    story = Story()
    story.hear(nightly(185, 0, login=None), closed(account_id=ACCOUNT), looked(None, START + 2 * HOUR, None))
    assert story.lines == ["None locate a1"]
    story.hear(nightly(185, 1))
    assert story.lines[1:] == ["L1 connect-fix issue 185"]


@pytest.mark.parametrize("code", [0, 102])
def test_nothing_to_close(code: int) -> None:
    """An account that waits for nothing has nothing to close."""
    story = Story()
    story.hear(nightly(code, 0, login=None))
    assert not story.hear(closed(account_id=ACCOUNT)).changed


def test_healthy_accounts_are_not_closed() -> None:
    """Closing concerns what fails: an account that fails later opens the case."""
    story = Story()
    story.hear(nightly(0, 0), nightly(185, 0, "a2"), closed(), nightly(185, 1))
    assert story.lines[2:] == ["L1 connect-fix issue 185"]


def test_redelivered() -> None:
    """An override delivered twice counts once."""
    story = Story()
    event = closed()
    story.hear(nightly(185, 0), event, nightly(185, 1))
    assert story.hear(event).outcome is Outcome.DUPLICATE_EVENT
    assert story.login().episodes


# -- a live call's challenge


@pytest.mark.parametrize(("account", "login"), [(ACCOUNT, None), (None, LOGIN), ("a2", LOGIN)])
def test_challenged(account: str | None, login: str | None) -> None:
    """A challenge names its login, or an account of it; it is a suspicion and no more."""
    story = Story()
    story.hear(nightly(0, 0))
    decision = story.hear(challenged(START + DAY, account, login))
    assert (decision.outcome, decision.messages, decision.rules) == (Outcome.CHALLENGED, (), ("R7",))
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.SUSPECTED


@pytest.mark.parametrize(("account", "login"), [("a9", None), (None, "L9")])
def test_challenged_unknown(account: str | None, login: str | None) -> None:
    """A challenge of what is not known changes nothing."""
    story = Story()
    story.hear(nightly(0, 0))
    assert not story.hear(challenged(START + DAY, account, login)).changed


def test_challenged_without_accounts() -> None:
    """A challenge at a login whose accounts are all deleted changes nothing."""
    story = Story()
    story.hear(nightly(0, 0), deleted(START + HOUR))
    assert not story.hear(challenged(START + DAY)).changed


def test_challenged_when_marked() -> None:
    """A challenge at a marked login is no news."""
    story = Story()
    story.hear(nightly(931, 0))
    assert not story.hear(challenged(START + DAY)).changed


def test_suspicion_ends_with_the_mark() -> None:
    """Once a login was marked and released, an old challenge makes nobody suspicious."""
    story = Story()
    story.hear(nightly(0, 0), challenged(START + HOUR), nightly(931, 1))
    story.hear(overridden(OverrideAction.UNMARK_OTP, START + 2 * DAY, **BY_LOGIN))
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.NO


def test_another_cause_after_an_unmarked_931() -> None:
    """Another cause opens its command on a login whose account stood at 931 when an operator ended the mark (R3)."""
    story = Story()
    story.hear(nightly(931, 0), overridden(OverrideAction.UNMARK_OTP, START + HOUR, account_id=ACCOUNT))
    story.hear(nightly(103, 1))
    assert story.lines[2:] == ["L1 connect-fix issue 103"]
