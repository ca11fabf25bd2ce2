"""Authorisations that are about to end: the early warning (R15)."""

from datetime import datetime, timedelta
from typing import Any

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
    SHIPPED,
    START,
    Story,
    deleted,
    fixed,
    looked,
    nightly,
    overridden,
)

END = START + 30 * DAY
AHEAD = 7 * DAY
WARNED = "L1 consent-renewal issue None"


def allowed(
    until: datetime | None,
    at: datetime = START,
    account: str = ACCOUNT,
    *,
    expires: bool | None = True,
    code: int | None = 0,
    login: str | None = LOGIN,
) -> Event:
    """Give a snapshot with the end of an authorisation."""
    dates: dict[str, Any] = {"authorization_end_date": until, "authorization_expires": expires}
    return looked(code, at, at, account, login, **dates)


def warned(*events: Event) -> Story:
    """Give a customer who was asked for a renewal, and what came after."""
    story = Story()
    story.hear(allowed(END))
    story.wait(END - AHEAD)
    for event in events:
        story.hear(event)
    return story


def test_warned() -> None:
    """Seven days before its end, on the hour, a renewal is asked for: no code is stated."""
    story = Story()
    story.hear(allowed(END))
    assert next_due(story.known, RULES) == END - AHEAD
    story.wait(END - AHEAD - MS)
    assert story.told == []
    story.wait(END - AHEAD)
    assert story.dated == [(END - AHEAD, WARNED)]
    (one,) = story.commands
    assert (one.reason.cause, one.reason.text) == ("consent_ending", "Authorisation at the bank is about to end")
    assert (list(one.steps), one.not_after) == (["reauthorise_consent"], END - AHEAD + DAY)
    assert (one.episode.opened_at, one.episode.ordinal) == (END - AHEAD, 1)


def test_heard_of_late() -> None:
    """An end that is nearer than that when it is heard of is warned of at once."""
    story = Story()
    story.hear(allowed(START + DAY))
    assert story.dated == [(START, WARNED)]


@pytest.mark.parametrize("end", [START, START - DAY])
def test_passed_when_heard_of(end: datetime) -> None:
    """An end that has passed already is warned of no more."""
    story = Story()
    story.hear(allowed(end))
    assert (story.told, next_due(story.known, RULES)) == ([], None)


@pytest.mark.parametrize("expires", [False, None])
def test_does_not_expire(expires: bool | None) -> None:  # noqa: FBT001 - a case of the table
    """An end is believed only of an authorisation that is said to expire."""
    story = Story()
    story.hear(allowed(END, expires=expires))
    assert next_due(story.known, RULES) is None


def test_expired() -> None:
    """When the date passes the renewal is withdrawn, and nothing more is said of it."""
    story = warned()
    story.wait(END - MS)
    assert story.lines == [WARNED]
    story.wait(END + 100 * DAY)
    assert story.dated[1:] == [(END, "L1 consent-renewal withdraw expired None")]


@pytest.mark.parametrize(
    "event",
    [
        allowed(END + 90 * DAY, END - DAY),
        allowed(None, END - DAY, expires=False),
        allowed(END + 90 * DAY, END - DAY, code=None),
    ],
)
def test_moved(event: Event) -> None:
    """A date that moves out of the window, or that does not hold any more, ends the need: renewed elsewhere."""
    assert warned(event).lines == [WARNED, "L1 consent-renewal withdraw healed None"]


def test_renewed_after_a_fix() -> None:
    """After a strong fix in the episode the moved date completes."""
    story = warned(fixed(END - 2 * DAY), allowed(END + 90 * DAY, END - DAY))
    assert story.lines == [WARNED, "L1 verify a1", "L1 consent-renewal complete None"]


def test_fix_before_the_warning() -> None:
    """A fix from before the renewal was asked for is no fix of it."""
    story = Story()
    story.hear(allowed(END))
    story.wait(END - AHEAD)
    story.hear(fixed(END - 6 * DAY, made=END - AHEAD - MS), allowed(END + 90 * DAY, END - DAY))
    assert story.lines[1:] == ["L1 consent-renewal withdraw healed None"]


def test_fix_alone_closes_nothing() -> None:
    """A fix does not end the need while the date has not moved."""
    story = warned(fixed(END - 2 * DAY), allowed(END, END - DAY))
    assert story.lines == [WARNED, "L1 verify a1"]


def test_moved_within_the_window() -> None:
    """A date that moves and is still near leaves the renewal as it is; it ends by the new date."""
    story = warned(allowed(END + DAY, END - DAY))
    assert story.lines == [WARNED]
    story.wait(END + DAY)
    assert story.dated[1:] == [(END + DAY, "L1 consent-renewal withdraw expired None")]


def test_warned_again() -> None:
    """A date that moved away comes near in its own time, by another command."""
    story = warned(allowed(END + 90 * DAY, END - DAY))
    story.wait(END + 90 * DAY - AHEAD)
    assert story.lines[2:] == [WARNED]
    assert story.commands[0].command_id != story.commands[-1].command_id


def test_moved_after_it_passed() -> None:
    """A date that passed and then moved is warned of once more."""
    story = warned()
    story.wait(END)
    story.hear(allowed(END + 90 * DAY, END + DAY))
    assert next_due(story.known, RULES) == END + 90 * DAY - AHEAD


@pytest.mark.parametrize("after", [timedelta(0), DAY, 6 * DAY])
def test_one_for_all_dates(after: timedelta) -> None:
    """One renewal of a case covers all dates in the window, and ends with the last of them."""
    story = Story()
    story.hear(allowed(END), allowed(END + after, START, "a2"))
    story.wait(END - DAY)
    assert story.lines == [WARNED]
    assert story.episode("consent-renewal").account_ids == ("a1", "a2")
    story.wait(END + after)
    assert story.dated[1:] == [(END + after, "L1 consent-renewal withdraw expired None")]


def test_login_unknown() -> None:
    """An account whose login is not known is warned of once it is."""
    story = Story()
    story.hear(allowed(END, login=None))
    story.wait(END - DAY)
    issues = [line for line in story.lines if "consent" in line]
    assert issues == []
    story.hear(looked(None, END - HOUR, None))
    assert story.lines[-1] == WARNED


def test_moved_to_another_login() -> None:
    """A need that moves with its account is superseded there and opened here."""
    story = warned(looked(0, END - DAY, END - DAY, login="L2"))
    assert story.lines[1:] == ["L1 consent-renewal withdraw superseded None", "L2 consent-renewal issue None"]


def test_deleted() -> None:
    """A deletion ends the renewal, and its timer."""
    story = warned(deleted(END - DAY))
    assert story.lines[1:] == ["L1 consent-renewal withdraw deleted None"]
    story.wait(END + DAY)
    assert len(story.told) == 2


def test_revived() -> None:
    """An account that comes back is warned of anew."""
    story = warned(deleted(END - 2 * DAY), looked(0, END - DAY, END - DAY))
    assert story.lines[2:] == [WARNED]


def test_closed_by_hand() -> None:
    """A renewal that an operator closes is asked for again with a new attempt, healthy or not; time opens none."""
    story = warned(overridden(OverrideAction.CLOSE_CASE, END - 2 * DAY, account_id=ACCOUNT))
    story.wait(END - DAY - MS)
    assert story.lines == [WARNED, "L1 consent-renewal withdraw operator None"]
    story.hear(allowed(END, END - DAY))
    assert story.lines[2:] == [WARNED]


def test_closed_by_hand_inside_its_window() -> None:
    """A renewal that an operator closed stays closed while its end moves inside the window; another end is news."""
    story = warned(overridden(OverrideAction.CLOSE_CASE, END - 2 * DAY, account_id=ACCOUNT))
    story.hear(allowed(END - DAY, END - 2 * DAY, code=None))
    assert story.lines == [WARNED, "L1 consent-renewal withdraw operator None"]
    story.hear(allowed(END + 30 * DAY, END - 2 * DAY, code=None))
    story.wait(END + 30 * DAY)
    assert story.lines[2:3] == [WARNED]


def test_closed_by_hand_until_an_attempt_that_says_something() -> None:
    """Trouble at the institution says nothing of the login: it opens no renewal that an operator closed."""
    story = warned(overridden(OverrideAction.CLOSE_CASE, END - 2 * DAY, account_id=ACCOUNT))
    story.hear(allowed(END, END - DAY, code=102))
    assert story.lines == [WARNED, "L1 consent-renewal withdraw operator None"]


def test_beside_another_command() -> None:
    """A renewal is a contact of its case as any other: it waits for the 24 hours, and is reminded of in its turn."""
    story = Story(SHIPPED)
    story.hear(allowed(START + 8 * DAY), nightly(185, 1))
    story.wait(START + 3 * DAY)
    assert story.dated == [
        (START + DAY, WARNED),
        (START + 2 * DAY, "L1 connect-fix issue 185"),
        (START + 3 * DAY, "L1 consent-renewal remind None"),
    ]


def test_healthy_code_closes_nothing() -> None:
    """A success ends the command that a code asked for, not the renewal."""
    story = warned(allowed(END, END - 3 * DAY, code=185), allowed(END, END - 2 * DAY))
    assert story.lines[1:] == ["L1 connect-fix issue 185", "L1 connect-fix withdraw healed 185"]
