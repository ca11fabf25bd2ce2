"""How the mark of a login that asks for a one-time passcode ends, and what outlasts it (R7, R16)."""

from datetime import timedelta

import pytest

from schemas.events import Event, OverrideAction
from streams.domain import next_due
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    LOGIN,
    MS,
    RULES,
    START,
    Story,
    deleted,
    fixed,
    incident,
    looked,
    overridden,
)

RELEASED = "L1 otp-escalation withdraw released 931"
QUIET = 90 * DAY


def seen(code: int, at: object, account: str = ACCOUNT, login: str = LOGIN) -> Event:
    """Give a snapshot whose attempt is at its event time."""
    return looked(code, at, at, account, login)  # type: ignore[arg-type]


def marked(*more: Event) -> Story:
    """Give a login that 931 has marked on the day before, and what came after."""
    story = Story()
    story.hear(seen(931, START - DAY), *more)
    return story


def successes(count: int, account: str = ACCOUNT, first: int = 0) -> list[Event]:
    """Give successful attempts, an hour apart."""
    return [seen(0, START + (first + n) * HOUR, account) for n in range(count)]


def is_marked(story: Story, login: str = LOGIN) -> bool:
    """Whether a login is marked."""
    return story.known.case(login).otp is not None


# -- five successes in a row


def test_released() -> None:
    """Five successful attempts in a row on an account end the mark."""
    story = marked(*successes(4))
    assert story.lines == ["L1 otp-escalation issue 931"]
    story.hear(seen(0, START + 4 * HOUR))
    assert story.lines[1:] == [RELEASED]
    assert not is_marked(story)
    assert story.commands[-1].evidence.rules == ("R7",)


def test_distinct_attempts() -> None:
    """One success told twice is one."""
    story = marked(*successes(4), looked(0, START + 5 * HOUR, START + 3 * HOUR))
    assert is_marked(story)


def test_distinct_attempts_without_dates() -> None:
    """A success that comes again at the same event time, behind another code, is one; the row stays as it is."""
    at = START + 4 * HOUR
    story = marked(*successes(3), seen(0, at), seen(102, at), looked(0, at, None))
    assert is_marked(story)
    story.hear(seen(0, START + 5 * HOUR))
    assert not is_marked(story)


def test_success_behind_a_challenge_in_an_incident() -> None:
    """A challenge that does not count leaves the row as it is, though the success before it is told again."""
    at = START + 3 * HOUR
    story = marked(*successes(3))
    story.surround(incident(at, 185))
    story.hear(seen(0, at), seen(185, at), looked(0, at, None))
    assert is_marked(story)
    story.hear(seen(0, at + HOUR))
    assert not is_marked(story)


def test_success_behind_a_challenge_of_its_attempt() -> None:
    """A success that a challenge has struck from the row counts when its attempt comes to it again."""
    story = marked(seen(0, START), seen(185, START), looked(0, START, None), *successes(4, first=1))
    assert not is_marked(story)


def test_on_one_account() -> None:
    """The five have to be of one account."""
    story = marked(*successes(4), *successes(4, "a2"))
    assert is_marked(story)


def test_row_starts_with_the_mark() -> None:
    """Successes before the login was marked do not count."""
    story = Story()
    story.hear(*successes(4), seen(931, START + DAY, "a2"), *successes(4, first=30))
    assert is_marked(story)
    story.hear(*successes(1, first=40))
    assert not is_marked(story)


@pytest.mark.parametrize(
    ("between", "is_kept"),
    [
        (seen(185, START + 4 * HOUR, "a2"), True),
        (seen(931, START + 4 * HOUR, "a2"), True),
        (seen(185, START + 4 * HOUR), True),
        (seen(103, START + 4 * HOUR), True),
        (fixed(START + 4 * HOUR), True),
        (seen(103, START + 4 * HOUR, "a2"), False),
        (seen(102, START + 4 * HOUR), False),
        (seen(900, START + 4 * HOUR), False),
        (seen(777_777, START + 4 * HOUR), False),
        (fixed(START + 4 * HOUR, "L2"), False),
    ],
)
def test_in_a_row(between: Event, is_kept: bool) -> None:  # noqa: FBT001 - a case of the table
    """A challenge on any account, another cause on this one, or a strong fix starts the row anew; others do not."""
    story = marked(*successes(4), between, *successes(1, first=5))
    assert is_marked(story) is is_kept
    story.hear(*successes(4, first=6))
    assert not is_marked(story)


def test_challenge_in_an_incident() -> None:
    """A 185 while an incident of it is open does not count against the row."""
    story = marked(*successes(4))
    story.surround(incident(START + 4 * HOUR, 185))
    story.hear(seen(185, START + 5 * HOUR, "a2"), *successes(1, first=6))
    assert not is_marked(story)


def test_opens_what_it_held_back() -> None:
    """An account that still stands at 185 when the mark ends opens its command then, at the attempt that failed."""
    story = marked(seen(185, START - HOUR, "a2"), *successes(5))
    assert story.lines[1:] == [RELEASED, "L1 connect-fix issue 185"]
    assert story.episode().opened_at == START - HOUR
    assert story.episode().account_ids == ("a2",)


def test_row_of_relapses_is_forgotten() -> None:
    """Relapses and ends from before the mark count no more once it is released."""
    story = Story()
    for day in (0, 2, 4):
        story.hear(seen(185, START + day * DAY), seen(0, START + (day + 1) * DAY))
    story.hear(*successes(4, first=5 * 24 + 1))
    assert not is_marked(story)
    story.hear(seen(185, START + 6 * DAY))
    assert story.commands[-1].episode.relapses == 0
    story.hear(seen(0, START + 7 * DAY), seen(185, START + 8 * DAY))
    assert not is_marked(story)


def test_marked_again() -> None:
    """A released login may be marked again: its escalation is another command."""
    story = marked(*successes(5), seen(931, START + DAY))
    assert story.lines[2:] == ["L1 otp-escalation issue 931"]
    assert story.commands[0].command_id != story.commands[-1].command_id


# -- quiet for 90 days


def test_quiet() -> None:
    """Ninety days with every account at 0 end the mark, on the day, and not before."""
    story = marked(seen(0, START))
    assert next_due(story.known, RULES) == START + QUIET
    story.wait(START + QUIET - MS)
    assert is_marked(story)
    story.wait(START + QUIET)
    assert story.dated[1:] == [(START + QUIET, RELEASED)]


def test_quiet_at_the_moment_of_a_warning() -> None:
    """Of two timers of a case at one time, that of the smaller rule goes first: released (R7), then warned (R15)."""
    end = START + QUIET + 7 * DAY
    story = marked(looked(0, START, START, authorization_end_date=end, authorization_expires=True))
    story.wait(START + QUIET)
    assert story.lines[1:] == [RELEASED, "L1 consent-renewal issue None"]


def test_not_quiet_before_all_are() -> None:
    """The days count from when the last account came to 0."""
    story = marked(seen(185, START, "a2"), seen(0, START), seen(0, START + DAY, "a2"))
    assert next_due(story.known, RULES) == START + DAY + QUIET


@pytest.mark.parametrize(
    ("event", "after"),
    [
        (seen(185, START + 10 * DAY), None),
        (seen(103, START + 10 * DAY, "a2"), None),
        (seen(102, START + 10 * DAY), START + QUIET),
        (seen(0, START + 10 * DAY), START + QUIET),
    ],
)
def test_quiet_is_broken(event: Event, after: object) -> None:
    """Any account that comes to stand at something else ends the quiet; codes that say nothing do not."""
    story = marked(seen(0, START), event)
    assert next_due(story.known, RULES) == after


def test_quiet_without_the_one_that_failed() -> None:
    """Where the accounts that are left stand at 0, the days begin when the failing one went."""
    story = marked(seen(0, START, "a2"), deleted(START + DAY))
    assert story.known.case(LOGIN).otp is not None
    story.wait(START + DAY + QUIET)
    assert not is_marked(story)


def test_quiet_and_the_escalation_closed() -> None:
    """Quiet ends a mark, too, whose escalation an operator has closed: nothing is told."""
    story = marked(seen(0, START), overridden(OverrideAction.CLOSE_CASE, START + HOUR, account_id=ACCOUNT))
    story.wait(START + QUIET)
    assert story.lines == ["L1 otp-escalation issue 931", "L1 otp-escalation withdraw operator 931"]
    assert not is_marked(story)


# -- accounts that leave


def test_last_account_deleted() -> None:
    """With the login's last account its escalation is withdrawn; the mark itself stays for a later one."""
    story = marked(deleted(START))
    assert story.lines[1:] == ["L1 otp-escalation withdraw deleted 931"]
    story.hear(seen(185, START + DAY, "a2"))
    assert story.lines[2:] == ["L1 otp-escalation issue 931"]


def test_last_account_moves() -> None:
    """An escalation whose last account moves is superseded."""
    story = marked(looked(0, START, START, login="L2"))
    assert story.lines[1:] == ["L1 otp-escalation withdraw superseded 931"]


def test_one_of_two_deleted() -> None:
    """An escalation stays while the login has accounts, and names them."""
    story = marked(seen(0, START, "a2"), deleted(START + HOUR))
    assert story.lines == ["L1 otp-escalation issue 931"]
    assert story.episode("otp-escalation").account_ids == ("a2",)


def test_row_of_a_deleted_account() -> None:
    """What a deleted account has succeeded in is not kept."""
    story = marked(*successes(4, "a2"), deleted(START + 5 * HOUR, "a2"))
    mark = story.login().otp
    assert mark is not None
    assert dict(mark.successes) == {}


# -- an operator's hand


def test_marked_by_hand() -> None:
    """An operator may mark a login, by its id or by an account: 185 is the code stated."""
    for scope in ({"institution_login_id": LOGIN}, {"account_id": ACCOUNT}):
        story = Story()
        story.hear(seen(185, START), overridden(OverrideAction.MARK_OTP, START + HOUR, **scope))
        assert story.lines[1:] == ["L1 connect-fix withdraw otp 185", "L1 otp-escalation issue 185"]
        assert story.hear(overridden(OverrideAction.MARK_OTP, START + DAY, **scope)).messages == ()


def test_unmarked_by_hand() -> None:
    """An operator may end a mark; what stands at 185 opens its command."""
    story = Story()
    unmark = overridden(OverrideAction.UNMARK_OTP, START + HOUR, account_id=ACCOUNT)
    story.hear(seen(931, START - DAY), seen(185, START), unmark)
    assert story.lines[1:] == ["L1 otp-escalation withdraw operator 931", "L1 connect-fix issue 185"]
    assert story.hear(overridden(OverrideAction.UNMARK_OTP, START + DAY, account_id=ACCOUNT)).messages == ()


@pytest.mark.parametrize("after", [DAY, 5 * DAY])
def test_unmarked_relapses(after: timedelta) -> None:
    """After an operator's end, too, the row of relapses begins anew."""
    story = marked(overridden(OverrideAction.UNMARK_OTP, START, account_id=ACCOUNT))
    story.hear(seen(0, START + HOUR), seen(185, START + after))
    assert story.commands[-1].episode.relapses == 0
