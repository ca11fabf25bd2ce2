"""Codes that nobody knows: never healthy, never a contact; support is asked when one stays (R11)."""

import pytest

from schemas.commands import TicketCause
from schemas.events import Event
from streams.domain import Decision, OutgoingWish, next_due
from streams.domain.customers.unknowns import CODES
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MS,
    RULES,
    START,
    Story,
    deleted,
    looked,
)

ODD, OTHER = 777_777, 888_888
STANDING = 72 * HOUR


def seen(code: int | None, hours: float, account: str = ACCOUNT) -> Event:
    """Give a snapshot some hours on, whose attempt is at its event time."""
    at = START + hours * HOUR
    return looked(code, at, at, account)


def wishes(decision: Decision) -> list[OutgoingWish]:
    """Give what a decision asks support for."""
    return [one for one in decision.signals if isinstance(one, OutgoingWish)]


def test_three_attempts() -> None:
    """The third attempt at one unknown code has support asked, once."""
    story = Story()
    assert [len(wishes(story.hear(seen(ODD, n)))) for n in range(5)] == [0, 0, 1, 0, 0]
    assert story.told == []


def test_wish() -> None:
    """What support is asked names institution, login, account and code."""
    story = Story()
    (one,) = wishes(story.hear(*(seen(ODD, n) for n in range(3))))
    assert (one.cause, one.code, one.institution_id) == (TicketCause.UNKNOWN_CODE, ODD, BANK)
    assert (one.institution_login_id, one.account_id, one.time) == (LOGIN, ACCOUNT, START + 2 * HOUR)


@pytest.mark.parametrize("code", [102, 185, 900, OTHER])
def test_attempts_are_not_in_a_row(code: int) -> None:
    """Attempts at a code count since the last success, whatever other code lies between."""
    story = Story()
    story.hear(seen(ODD, 0), seen(ODD, 1), seen(code, 2))
    assert wishes(story.hear(seen(ODD, 3)))


@pytest.mark.parametrize("event", [looked(ODD, START + 2 * HOUR, START + HOUR), seen(ODD, 2, "a2")])
def test_distinct_attempts_of_an_account(event: Event) -> None:
    """An attempt told twice is one, and each account counts for itself."""
    story = Story()
    story.hear(seen(ODD, 0), seen(ODD, 1))
    assert wishes(story.hear(event)) == []


def test_success_forgets() -> None:
    """After a success the count begins anew, and so may support be asked anew."""
    story = Story()
    story.hear(*(seen(ODD, n) for n in range(3)), seen(0, 3))
    assert [len(wishes(story.hear(seen(ODD, 4 + n)))) for n in range(3)] == [0, 0, 1]


def test_each_code() -> None:
    """Each code is counted, and asked about, by itself."""
    story = Story()
    asked = [wishes(story.hear(seen(code, n))) for n, code in enumerate((ODD, OTHER, ODD, OTHER, ODD, OTHER))]
    assert [[one.code for one in some] for some in asked] == [[], [], [], [], [ODD], [OTHER]]


def test_standing() -> None:
    """After 72 hours at one code, on the hour, support is asked, though there was one attempt only."""
    story = Story()
    story.hear(looked(ODD, START, START - DAY))
    assert next_due(story.known, RULES) == START + STANDING
    story.wait(START + STANDING - MS)
    assert story.said == [f"failing {ODD} L1"]
    story.wait(START + 100 * DAY)
    assert story.said[1:] == [f"wanted {ODD} L1"]
    assert story.signals[-1].time == START + STANDING


def test_standing_counts_from_entering() -> None:
    """The 72 hours count from the event time of entering the code: another attempt at it does not move them."""
    story = Story()
    story.hear(seen(ODD, 0), seen(ODD, 5))
    assert next_due(story.known, RULES) == START + STANDING


@pytest.mark.parametrize("code", [0, 102, 185, 900])
def test_standing_ends(code: int) -> None:
    """Any other code ends the standing: support is asked about neither."""
    story = Story()
    story.hear(seen(ODD, 0), seen(code, 5))
    story.wait(START + 100 * DAY)
    assert not any(said.startswith("wanted") for said in story.said)


def test_standing_at_another() -> None:
    """Another unknown code, or the same one entered again, starts the hours anew."""
    story = Story()
    story.hear(seen(ODD, 0), seen(OTHER, 5), seen(ODD, 10))
    assert next_due(story.known, RULES) == START + 10 * HOUR + STANDING


def test_asked_once() -> None:
    """A code that support was asked about for its attempts is not asked about again for its hours."""
    story = Story()
    story.hear(*(seen(ODD, n) for n in range(3)))
    assert next_due(story.known, RULES) is None


def test_deleted() -> None:
    """A deleted account stands at nothing."""
    story = Story()
    story.hear(seen(ODD, 0), deleted(START + HOUR))
    story.wait(START + 20 * DAY)
    assert f"wanted {ODD} L1" not in story.said


def test_institution_unknown() -> None:
    """Where no institution is known nobody is asked."""
    story = Story()
    story.hear(*(looked(ODD, START + n * HOUR, START + n * HOUR, bank=None) for n in range(3)))
    assert story.signals == []


def test_says_nothing_of_the_login() -> None:
    """An unknown code opens no command and closes none, and is nothing healthy."""
    story = Story()
    story.hear(seen(185, 0), seen(ODD, 1), seen(ODD, 2), seen(ODD, 3))
    assert story.lines == ["L1 connect-fix issue 185"]


def test_memory_is_bounded() -> None:
    """However many unknown codes an account goes through, the latest few are counted, and remembered as asked."""
    story = Story()
    for n in range(4 * CODES):
        story.hear(*(seen(1_000_000 + n, 10 * n + m) for m in range(3)))
    assert list(story.account().unknown_attempts) == [1_000_000 + n for n in range(3 * CODES, 4 * CODES)]
    assert len(story.account().tickets_wanted) == CODES


@pytest.mark.parametrize(("first", "second"), [("L2", "L1"), ("L1", None)])
def test_accounts_whose_time_comes_at_once(first: str, second: str | None) -> None:
    """Of accounts due at the same moment those without a login go first, then by login."""
    story = Story()
    story.hear(looked(ODD, account="a1", login=first), looked(ODD, account="a2", login=second))
    story.wait(START + STANDING)
    asked = [one.account_id for one in story.signals if isinstance(one, OutgoingWish)]
    assert asked == ["a2", "a1"]
