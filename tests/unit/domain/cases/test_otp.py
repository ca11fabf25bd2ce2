"""When a login is known to ask for a one-time passcode every time: challenges after a fix, 931, a suspicion (R7)."""

from datetime import datetime

import pytest

from schemas.events import Event
from schemas.health import Otp
from streams.domain import account_health
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    START,
    Story,
    challenged,
    fixed,
    incident,
    looked,
)

NOON = START + 9 * HOUR
ESCALATED = "L1 otp-escalation issue 185"


def seen(code: int, at: datetime, account: str = ACCOUNT, login: str = LOGIN) -> Event:
    """Give a snapshot whose attempt is at its event time."""
    return looked(code, at, at, account, login)


def is_marked(story: Story, login: str = LOGIN) -> bool:
    """Whether a login is marked."""
    return story.known.case(login).otp is not None


# -- challenges after a fix


def test_after_a_fix() -> None:
    """Two attempts at 185 after a strong fix in the same episode confirm; the open command is withdrawn for it."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), seen(185, NOON + MINUTE))
    assert not is_marked(story)
    story.hear(seen(185, NOON + 2 * MINUTE))
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix withdraw otp 185", ESCALATED]


@pytest.mark.parametrize("attempt", [NOON, NOON - MS])
def test_not_later_than_the_fix(attempt: datetime) -> None:
    """An attempt that is not later than the first strong fix does not count, whenever it is heard of."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), looked(185, NOON + HOUR, attempt), seen(185, NOON + 2 * HOUR))
    assert not is_marked(story)


def test_first_fix_counts() -> None:
    """The first strong fix is what attempts are measured by, not the latest."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), seen(185, NOON + MINUTE), fixed(NOON + HOUR), seen(185, NOON + 2 * HOUR))
    assert is_marked(story)


def test_fix_heard_late() -> None:
    """A fix heard of after the attempts that it is older than confirms at once."""
    story = Story()
    story.hear(seen(185, START), seen(185, NOON + MINUTE), seen(185, NOON + 2 * MINUTE), fixed(NOON + HOUR, made=NOON))
    assert is_marked(story)


def test_same_attempt() -> None:
    """One attempt told twice is one."""
    story = Story()
    story.hear(
        seen(185, START), fixed(NOON), looked(185, NOON + HOUR, NOON + MINUTE), looked(185, NOON + DAY, NOON + MINUTE)
    )
    assert not is_marked(story)


def test_attempt_behind_an_institutions_trouble() -> None:
    """A 185 counts by its own attempt, though the login was known only with a later code that says nothing."""
    story = Story()
    story.hear(looked(185, START, START, login=None), seen(102, NOON + HOUR), fixed(NOON + 2 * HOUR, made=NOON))
    story.hear(seen(185, NOON + DAY))
    assert not is_marked(story)
    story.hear(seen(185, NOON + 2 * DAY))
    assert is_marked(story)


def again(code: int, at: datetime) -> list[Event]:
    """Give a code twice of one attempt, the second time without its date, behind an institution's trouble."""
    return [seen(code, at), seen(102, at), looked(code, at, None)]


def test_same_attempt_without_date() -> None:
    """A code that comes again at the same event time, behind another, is of one attempt."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), *again(185, NOON + MINUTE))
    assert not is_marked(story)
    story.hear(seen(185, NOON + HOUR))
    assert is_marked(story)


def test_on_one_account() -> None:
    """The two attempts have to be of one account."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), seen(185, NOON + MINUTE), seen(185, NOON + MINUTE, "a2"))
    assert not is_marked(story)
    story.hear(seen(185, NOON + HOUR, "a2"))
    assert is_marked(story)


def test_in_the_same_episode() -> None:
    """A fix of an episode that is over says nothing of the next one."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON), seen(185, NOON + MINUTE), seen(0, NOON + HOUR), seen(185, NOON + DAY))
    assert not is_marked(story)


def test_weak_fix_is_no_evidence() -> None:
    """Attempts after a fix event that names no case do not count."""
    story = Story()
    story.hear(seen(185, START), seen(185, START, "a2", "L2"))
    story.hear(fixed(NOON, "L9"), seen(185, NOON + MINUTE), seen(185, NOON + HOUR))
    assert not is_marked(story)


def test_after_a_fix_in_an_incident() -> None:
    """An attempt while an incident of 185 is open does not count."""
    story = Story()
    story.hear(seen(185, START), fixed(NOON))
    story.surround(incident(NOON + MS, 185))
    story.hear(seen(185, NOON + MINUTE), seen(185, NOON + HOUR))
    assert not is_marked(story)
    story.surround(incident(NOON + 2 * HOUR, 185, 2, is_open=False))
    story.hear(seen(185, NOON + 3 * HOUR))
    assert not is_marked(story)
    story.hear(seen(185, NOON + 4 * HOUR))
    assert is_marked(story)


# -- what confirming does


def test_931_confirms_at_once() -> None:
    """931 confirms by itself, and is the reason of the escalation; whatever comes after it opens no second one."""
    story = Story()
    story.hear(seen(931, START), seen(931, START + HOUR), seen(185, START + 2 * HOUR), seen(931, START + DAY, "a2"))
    assert story.lines == ["L1 otp-escalation issue 931"]
    assert story.episode("otp-escalation").account_ids == ("a1", "a2")


def test_931_withdraws_the_challenge() -> None:
    """The command that is open for a challenge is withdrawn for it."""
    story = Story()
    story.hear(seen(185, START), seen(931, START + HOUR))
    assert story.lines[1:] == ["L1 connect-fix withdraw otp 185", "L1 otp-escalation issue 931"]


def test_931_without_login() -> None:
    """931 on an account whose login is not known has it looked up, and marks the login that is found."""
    story = Story()
    story.hear(looked(931, START, START, login=None))
    assert story.lines == ["None locate a1"]
    story.hear(looked(None, START + HOUR, None))
    assert story.lines[1:] == ["L1 otp-escalation issue 931"]


def test_931_moves() -> None:
    """An account at 931 that moves marks the login that it comes to, not one that is marked already."""
    story = Story()
    story.hear(seen(931, START), looked(931, START + HOUR, START, login="L2"))
    assert story.lines[-1] == "L2 otp-escalation issue 931"
    marked_at = story.login("L2").otp
    story.hear(seen(931, START + DAY, "a2", "L3"), looked(931, START + 2 * DAY, START + DAY, "a2", "L2"))
    assert story.login("L2").otp is not None
    assert marked_at is not None
    assert story.login("L2").otp == marked_at


def test_opens_no_more_challenges() -> None:
    """From then on 185 opens nothing on the login; other causes still do, on any of its accounts."""
    story = Story()
    story.hear(seen(931, START), seen(185, START + DAY), seen(185, START + DAY, "a2"))
    assert story.lines == ["L1 otp-escalation issue 931"]
    story.hear(seen(187, START + 2 * DAY, "a3"), seen(103, START + 3 * DAY, "a2"))
    assert story.lines[1:] == ["L1 connect-fix issue 187", "L1 connect-fix update 103"]


def test_other_causes_stay_open() -> None:
    """A command with another cause beside the challenge stays, and says so no more than before."""
    story = Story()
    story.hear(seen(185, START), seen(103, START + HOUR, "a2"), seen(931, START + 2 * HOUR))
    assert story.lines[1:] == ["L1 connect-fix update 103", "L1 otp-escalation issue 931"]
    assert story.episode().account_ids == ("a2",)


# -- suspicion


@pytest.mark.parametrize(("codes", "suspected"), [((185, 185), Otp.NO), ((185, 185, 185), Otp.SUSPECTED)])
def test_suspected(codes: tuple[int, ...], suspected: Otp) -> None:
    """Three attempts at 185 in a row on an account are suspicious."""
    story = Story()
    story.hear(*(seen(code, START + n * HOUR) for n, code in enumerate(codes)))
    assert account_health(story.known, ACCOUNT, RULES).otp is suspected


@pytest.mark.parametrize(
    ("between", "suspected"),
    [
        (seen(103, START + 90 * MINUTE), Otp.NO),
        (seen(102, START + 90 * MINUTE), Otp.SUSPECTED),
        (looked(185, START + 90 * MINUTE, START + HOUR), Otp.SUSPECTED),
        (seen(185, START + 90 * MINUTE, "a2"), Otp.SUSPECTED),
        (fixed(START + 90 * MINUTE), Otp.NO),
    ],
)
def test_in_a_row(between: Event, suspected: Otp) -> None:
    """Another cause or a strong fix between them breaks the row; codes that say nothing of the login do not."""
    story = Story()
    story.hear(seen(185, START), seen(185, START + HOUR), between, seen(185, START + 2 * HOUR))
    assert account_health(story.known, ACCOUNT, RULES).otp is suspected


def test_not_suspected_in_an_incident() -> None:
    """Attempts while an incident of 185 is open make nobody suspicious."""
    story = Story()
    story.hear(seen(185, START), seen(185, START + HOUR))
    story.surround(incident(START + HOUR + MS, 185))
    story.hear(seen(185, START + 2 * HOUR))
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.NO


def test_suspected_by_distinct_attempts() -> None:
    """One attempt that is told again makes nobody suspicious."""
    story = Story()
    story.hear(seen(185, START), *again(185, START + HOUR))
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.NO


def test_suspicion_says_nothing() -> None:
    """A suspicion shows in the health alone."""
    story = Story()
    story.hear(seen(0, START), challenged(START + HOUR))
    assert story.lines == []
    assert account_health(story.known, ACCOUNT, RULES).otp is Otp.SUSPECTED
