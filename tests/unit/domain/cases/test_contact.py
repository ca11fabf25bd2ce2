"""When a customer is contacted: one `issue` or `remind` per case in 24 hours, and in which order (R8)."""

from datetime import datetime, timedelta

import pytest

from schemas.events import Event
from streams.domain.cases import contact
from streams.domain.customers.turn import Turn
from tests.unit.domain.build import (
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    SHIPPED,
    START,
    Story,
    incident,
    looked,
    nightly,
    silenced,
)

FIRST = START + 2 * MINUTE
"""When the first night's command goes out."""


def failing(code: int, at: datetime, account: str = "a2", login: str = LOGIN) -> Event:
    """Give a failing snapshot whose attempt is at its event time."""
    return looked(code, at, at, account, login)


def test_deferred() -> None:
    """A second command of a case waits until 24 hours after the first contact, and is told then, on the hour."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, START + HOUR))
    story.wait(START + 2 * DAY)
    assert story.dated == [(FIRST, "L1 connect-fix issue 185"), (FIRST + DAY, "L1 remove-duplicate issue 169")]
    assert story.commands[1].not_after == FIRST + 2 * DAY
    assert story.commands[1].evidence.event_ids == ()
    assert story.commands[1].evidence.rules == ("R8",)


def test_timers_in_order() -> None:
    """The reminder that falls due and what waits, free at the same time, come by the rule and in that order."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), failing(169, START + HOUR))
    assert [one.order for one in contact.timers(Turn(story.known, SHIPPED, START + HOUR), LOGIN, story.login())] == [
        (FIRST + DAY, LOGIN, 8, "", 0),
        (FIRST + DAY, LOGIN, 8, "", 1),
    ]


@pytest.mark.parametrize(("after", "sent"), [(DAY - MS, FIRST + DAY), (DAY, FIRST + DAY), (DAY + MS, FIRST + DAY + MS)])
def test_cooldown(after: timedelta, sent: datetime) -> None:
    """Just inside the 24 hours a contact waits for their end; at their end and after it goes out at once."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, FIRST + after))
    assert len(story.told) == (1 if after < DAY else 2)
    story.wait(FIRST + 3 * DAY)
    assert story.dated[1:] == [(sent, "L1 remove-duplicate issue 169")]


def test_dropped() -> None:
    """What waits and is not needed any more is never told, not even that it ended; its ordinal is used."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, START + HOUR), failing(0, START + 2 * HOUR))
    story.hear(failing(949, START + 2 * DAY))
    assert story.lines == ["L1 connect-fix issue 185", "L1 relink issue 949"]
    assert [one.episode.ordinal for one in story.commands] == [1, 3]


def test_states_what_holds_when_it_goes_out() -> None:
    """A command that waits is kept up to date without a message: it goes out once, with what is true then."""
    story = Story()
    story.hear(failing(169, START, "a1"), failing(185, START + HOUR), failing(103, START + 2 * HOUR, "a3"))
    story.wait(START + 2 * DAY)
    assert story.lines[1:] == ["L1 connect-fix issue 103"]
    assert story.commands[1].account_ids == ("a2", "a3")


def test_cases_wait_apart() -> None:
    """A contact about one login holds none about another."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, START + HOUR, "a2", "L2"))
    assert story.lines == ["L1 connect-fix issue 185", "L2 remove-duplicate issue 169"]


def test_cooldown_outlasts_the_command() -> None:
    """A login that heals and fails again within the 24 hours is contacted after them."""
    story = Story()
    story.hear(nightly(185, 0), looked(0, START + HOUR, START + HOUR), looked(103, START + 2 * HOUR, START + 2 * HOUR))
    story.wait(START + 2 * DAY)
    assert story.dated[2:] == [(FIRST + DAY, "L1 connect-fix issue 103")]


def test_only_contacts_wait() -> None:
    """Updates, ends and escalations go out at once, and hold no contact."""
    story = Story()
    story.hear(nightly(185, 0), failing(103, START + HOUR), failing(931, START + 2 * HOUR, "a3"))
    story.hear(failing(0, START + 3 * HOUR), looked(0, START + 3 * HOUR, START + 3 * HOUR))
    assert story.lines[1:] == [
        "L1 connect-fix update 103",
        "L1 otp-escalation issue 931",
        "L1 connect-fix withdraw healed 103",
    ]


def test_escalation_is_no_contact() -> None:
    """An escalation takes nothing from the 24 hours: it is not for the customer."""
    story = Story()
    story.hear(failing(931, START), failing(169, START + HOUR, "a3"))
    assert story.lines == ["L1 otp-escalation issue 931", "L1 remove-duplicate issue 169"]


# -- the order of what waits


def test_longest_wait_first() -> None:
    """Of several commands the one that waits longest goes first, a day apart."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, START + HOUR), failing(949, START + 2 * HOUR, "a3"))
    story.wait(START + 5 * DAY)
    assert story.dated[1:] == [
        (FIRST + DAY, "L1 remove-duplicate issue 169"),
        (FIRST + 2 * DAY, "L1 relink issue 949"),
    ]


def test_kinds_in_order() -> None:
    """Commands that wait since the same moment go in the order of their kinds."""
    story = Story()
    end = START + HOUR + 7 * DAY
    story.hear(nightly(185, 0), looked(0, START, START, "a4", authorization_end_date=end, authorization_expires=True))
    story.hear(looked(0, START + MINUTE, START + MINUTE))
    story.wait(START + HOUR - MS)
    for number, code in enumerate((169, 949, 103)):
        story.hear(failing(code, START + HOUR, f"b{number}"))
    story.wait(START + 5 * DAY)
    assert [line for _, line in story.dated[2:]] == [
        "L1 connect-fix issue 103",
        "L1 relink issue 949",
        "L1 remove-duplicate issue 169",
        "L1 consent-renewal issue None",
    ]


def test_issue_before_remind() -> None:
    """An issue that waits goes before a reminder that fell due no later."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), failing(169, START + 2 * HOUR))
    story.wait(FIRST + 2 * DAY)
    assert story.dated[1:] == [
        (FIRST + DAY, "L1 remove-duplicate issue 169"),
        (FIRST + 2 * DAY, "L1 connect-fix remind 185"),
    ]


def test_issue_before_a_reminder_that_waits_longer() -> None:
    """An issue goes before a reminder even where that has waited longer; among issues the wait counts."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), silenced(START + HOUR, START + 5 * DAY), failing(169, START + 2 * DAY))
    story.hear(failing(949, START + 3 * DAY, "a3"))
    story.wait(START + 7 * DAY)
    assert story.dated[1:] == [
        (START + 5 * DAY, "L1 remove-duplicate issue 169"),
        (START + 6 * DAY, "L1 relink issue 949"),
        (START + 7 * DAY, "L1 connect-fix remind 185"),
    ]


def test_held_issue_lets_others_pass() -> None:
    """A command that an incident holds does not hold up the one behind it."""
    story = Story()
    story.hear(nightly(185, 0), failing(169, START + HOUR), failing(949, START + 2 * HOUR, "a3"))
    story.surround(incident(START + 20 * HOUR, 169))
    story.wait(START + DAY + 8 * HOUR)
    assert story.dated[1:] == [(FIRST + DAY, "L1 relink issue 949")]


# -- accounts that move


def test_taken_over_with_an_account() -> None:
    """A case that takes over an account waits until 24 hours after the contact about it."""
    story = Story()
    story.hear(nightly(185, 0), looked(185, START + HOUR, START + HOUR, login="L2"))
    assert story.lines[1:] == ["L1 connect-fix withdraw superseded 185"]
    story.wait(START + 2 * DAY)
    assert story.dated[2:] == [(FIRST + DAY, "L2 connect-fix issue 185")]


def test_taken_over_with_a_healthy_account() -> None:
    """The time of the last contact comes along with an account that needs nothing, too."""
    story = Story()
    story.hear(
        nightly(185, 0), looked(0, START + HOUR, START + HOUR, login="L2"), failing(103, START + 2 * HOUR, "a2", "L2")
    )
    story.wait(START + 2 * DAY)
    assert story.dated[2:] == [(FIRST + DAY, "L2 connect-fix issue 103")]


def test_later_contact_stays() -> None:
    """A case that was contacted later itself keeps that time."""
    story = Story()
    story.hear(nightly(185, 0), failing(185, START + 5 * HOUR, "a2", "L2"))
    story.hear(looked(169, START + 6 * HOUR, START + 6 * HOUR, login="L2"))
    story.wait(START + 3 * DAY)
    assert story.dated[3:] == [(START + 5 * HOUR + DAY, "L2 remove-duplicate issue 169")]


def test_earlier_contact_is_replaced() -> None:
    """A case that was contacted before takes over the later time."""
    story = Story()
    story.hear(failing(185, START, "a2", "L2"), failing(185, START + 5 * HOUR, "a1"))
    story.hear(looked(169, START + 6 * HOUR, START + 6 * HOUR, login="L2"))
    story.wait(START + 3 * DAY)
    assert story.dated[3:] == [(START + 5 * HOUR + DAY, "L2 remove-duplicate issue 169")]


def test_never_contacted_says_nothing() -> None:
    """An account of a login that was never contacted brings no time along, nor does one whose login was not known."""
    story = Story()
    story.hear(nightly(0, 0), nightly(185, 1, login="L2"), nightly(185, 1, "a2", None), nightly(185, 1, "a2", "L3"))
    assert story.lines == ["L2 connect-fix issue 185", "None locate a2", "L3 connect-fix issue 185"]


# -- an incident holds contact (R9)


def test_held_by_an_incident() -> None:
    """While an incident of its institution and code is open a command waits; at its end it goes out."""
    story = Story()
    story.hear(nightly(0, 0))
    story.surround(incident(START + DAY, 185))
    story.hear(nightly(185, 1))
    story.wait(START + DAY + 12 * HOUR)
    assert story.lines == []
    story.surround(incident(START + DAY + 12 * HOUR + MS, 185, 2, is_open=False))
    assert story.dated == [(START + DAY + 12 * HOUR + MS, "L1 connect-fix issue 185")]


def test_held_by_an_incident_that_nobody_closes() -> None:
    """An hour after the longest time that one lasts, the command goes out by a timer; of two, the later one counts."""
    story = Story()
    story.hear(nightly(0, 0))
    story.surround(incident(START + DAY, 185))
    story.surround(incident(START + DAY + MS, 102))
    story.hear(nightly(185, 1))
    story.wait(START + 3 * DAY)
    assert story.dated == [(START + DAY + MS + 13 * HOUR, "L1 connect-fix issue 185")]


def test_dropped_in_an_incident() -> None:
    """What healed while the incident lasted is not told."""
    story = Story()
    story.hear(nightly(0, 0))
    story.surround(incident(START + DAY, 185))
    story.hear(nightly(185, 1), looked(0, START + DAY + 2 * HOUR, START + DAY + 2 * HOUR))
    story.surround(incident(START + 3 * DAY, 185, 2, is_open=False))
    assert story.lines == []


@pytest.mark.parametrize(
    ("code", "bank", "is_held"),
    [(185, BANK, True), (102, BANK, True), (103, BANK, False), (185, "5", False), (102, "5", False)],
)
def test_whom_an_incident_holds(code: int, bank: str, is_held: bool) -> None:  # noqa: FBT001 - a case of the table
    """An incident holds contact about its own code, one of an institution's trouble all contact there."""
    story = Story()
    story.hear(nightly(0, 0))
    story.surround(incident(START + DAY, code, bank=bank))
    story.hear(nightly(185, 1))
    assert (story.lines == []) is is_held


def test_escalation_in_an_incident() -> None:
    """An incident holds no escalation."""
    story = Story()
    story.hear(nightly(0, 0))
    story.surround(incident(START + DAY, 102))
    story.hear(nightly(931, 1))
    assert story.lines == ["L1 otp-escalation issue 931"]


def test_opening_observation() -> None:
    """What went out before an incident opened stays; its reminders wait."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.surround(incident(START + DAY - HOUR, 185))
    story.wait(START + DAY + 10 * HOUR)
    assert story.lines == ["L1 connect-fix issue 185"]
    story.surround(incident(START + DAY + 10 * HOUR + MS, 185, 2, is_open=False))
    assert story.lines[1:] == ["L1 connect-fix remind 185"]


def test_institution_unknown() -> None:
    """A login whose institution is not known is in no incident."""
    story = Story()
    story.hear(looked(0, bank=None))
    story.surround(incident(START + HOUR, 102))
    story.hear(looked(185, START + DAY, START + DAY, bank=None))
    assert story.lines == ["L1 connect-fix issue 185"]
