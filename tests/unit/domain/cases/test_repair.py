"""A fix is not a repair: what a strong fix event leaves pending, its look-up, and its deadline (R6)."""

from uuid import uuid5

import pytest

from schemas.commands import COMMAND_NAMESPACE
from schemas.times import rfc3339
from streams.domain import next_due
from streams.domain.cases import repair
from tests.unit.domain.build import (
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    SHIPPED,
    START,
    Story,
    fixed,
    looked,
    nightly,
)

FIRST = START + 2 * MINUTE
"""When the first night's command goes out."""
NOON = START + 9 * HOUR
VERIFY, DEADLINE = 15 * MINUTE, 26 * HOUR
REMINDED = "L1 connect-fix remind 185"


def test_verified() -> None:
    """15 minutes after a strong fix event one look-up asks for the accounts that still need a command."""
    story = Story()
    story.hear(nightly(185, 0), nightly(103, 0, "a2"), nightly(0, 0, "a3"), fixed(NOON))
    story.wait(NOON + VERIFY - MS)
    assert len(story.told) == 2
    story.wait(NOON + DAY)
    assert story.dated[2:] == [(NOON + VERIFY, "L1 verify a1,a2")]
    message = story.told[-1]
    assert (message.topic, message.key, message.subject) == ("remediation.lookup", "70", "customers/70")
    name = f"70/{LOGIN}/verify/a1,a2/{rfc3339(NOON + VERIFY)}"
    assert message.id == f"lookup:{uuid5(COMMAND_NAMESPACE, name)}"


def test_look_ups_have_ids_of_their_own() -> None:
    """The id of a look-up tells it from another of the same accounts, and is the same in every fold."""
    ids = []
    for _ in range(2):
        story = Story()
        story.hear(nightly(185, 0), fixed(NOON))
        story.wait(NOON + HOUR)
        story.hear(fixed(NOON + HOUR + MS))
        story.wait(NOON + 2 * HOUR)
        ids.append([one.id for one in story.told if one.topic == "remediation.lookup"])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


@pytest.mark.parametrize(("attempt", "asked"), [(NOON - MS, "L1 verify a1,a2"), (NOON + MS, "L1 verify a2")])
def test_attempted_since(attempt: object, asked: str) -> None:
    """An account that was attempted since the fix need not be looked up, whatever it shows."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), fixed(NOON), looked(185, NOON + MINUTE, attempt))  # type: ignore[arg-type]
    story.wait(NOON + HOUR)
    assert story.lines[1:] == [asked]


def test_seen_altogether() -> None:
    """Where every account that needs a command was attempted since, nothing is looked up."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON), looked(103, NOON + MINUTE, NOON + MINUTE))
    story.wait(NOON + DAY)
    assert story.lines[1:] == ["L1 connect-fix update 103"]


def test_healed_before() -> None:
    """A case that is closed within the 15 minutes is not looked up."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON), looked(0, NOON + VERIFY, NOON + VERIFY))
    story.wait(NOON + DAY)
    assert story.lines[1:] == ["L1 connect-fix complete 185"]
    assert next_due(story.known, RULES) is None


def test_issue_waits() -> None:
    """While a fix is pending nothing is issued; after 26 hours what still waits goes out."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON), looked(169, NOON + 20 * HOUR, NOON + 20 * HOUR, "a2"))
    story.wait(NOON + 3 * DAY)
    assert story.dated[2:] == [(NOON + DEADLINE, "L1 remove-duplicate issue 169")]


def test_reminder_waits() -> None:
    """A reminder that falls due while a fix is pending goes out at the deadline, and is used up by that."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), fixed(NOON))
    story.wait(START + 100 * DAY)
    assert story.dated[2:] == [(NOON + DEADLINE, REMINDED), *((FIRST + days * DAY, REMINDED) for days in (3, 7))]


def test_next_reminder_is_used_up() -> None:
    """At the deadline the next reminder of the schedule goes out ahead of its time, instead of then."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.wait(FIRST + DAY + HOUR)
    story.hear(fixed(FIRST + DAY + 2 * HOUR))
    story.wait(START + 100 * DAY)
    assert story.dated[3:] == [(FIRST + DAY + 2 * HOUR + DEADLINE, REMINDED), (FIRST + 7 * DAY, REMINDED)]


def test_no_reminder_left() -> None:
    """At the deadline of a case whose reminders are used up nothing is said."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.wait(FIRST + 8 * DAY)
    story.hear(fixed(FIRST + 9 * DAY))
    story.wait(START + 100 * DAY)
    assert story.lines[4:] == ["L1 verify a1"]


def test_nothing_issued_yet() -> None:
    """At the deadline of a case that was never contacted its issue goes out, and no reminder with it."""
    story = Story(SHIPPED)
    story.hear(nightly(169, 0), looked(0, START + HOUR, START + HOUR), looked(185, NOON, NOON), fixed(NOON + HOUR))
    story.wait(NOON + 2 * DAY)
    assert story.dated[3:] == [(NOON + HOUR + DEADLINE, "L1 connect-fix issue 185")]


def test_healed_at_the_last_moment() -> None:
    """A repair that shows before the deadline completes, and nobody is reminded."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), fixed(NOON), looked(0, NOON + DEADLINE, NOON + DEADLINE))
    story.wait(START + 100 * DAY)
    assert story.lines[1:] == ["L1 verify a1", "L1 connect-fix complete 185"]


def test_later_fix() -> None:
    """A later strong fix starts the 15 minutes and the 26 hours anew."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0), fixed(NOON), fixed(NOON + 10 * MINUTE), fixed(NOON + HOUR))
    story.wait(NOON + HOUR + DEADLINE)
    assert story.dated[1:] == [
        (NOON + 25 * MINUTE, "L1 verify a1"),
        (NOON + HOUR + VERIFY, "L1 verify a1"),
        (NOON + HOUR + DEADLINE, REMINDED),
    ]


@pytest.mark.parametrize("after", [HOUR, 3 * DAY])
def test_same_fix_again(after: object) -> None:
    """A fix event that is not later starts nothing, before the deadline or after it."""
    once, twice = Story(SHIPPED), Story(SHIPPED)
    for story in (once, twice):
        story.hear(nightly(185, 0), fixed(NOON))
        story.wait(NOON + after)  # type: ignore[operator]
    twice.hear(fixed(NOON + after, made=NOON), fixed(NOON + after, made=NOON - MINUTE))  # type: ignore[operator]
    for story in (once, twice):
        story.wait(START + 100 * DAY)
    assert twice.dated == once.dated


def test_pending_ends_with_the_case() -> None:
    """A login that healed and fails again is contacted, whatever was fixed before."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON + 15 * HOUR), nightly(0, 1), nightly(103, 1, "a2"))
    assert story.lines[-1] == "L1 connect-fix issue 103"


def test_pending_outlasts_a_change_of_kind() -> None:
    """A case that asks for something else from one event to the next is still pending."""
    story = Story()
    story.hear(nightly(169, 0), fixed(NOON), nightly(185, 1))
    assert story.lines[1:] == ["L1 verify a1", "L1 remove-duplicate withdraw superseded 169"]
    story.wait(NOON + 2 * DAY)
    assert story.dated[3:] == [(NOON + DEADLINE, "L1 connect-fix issue 185")]


def test_due_when_set() -> None:
    """A fix event heard after its 15 minutes has its look-up at once, at event time."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON + HOUR, made=NOON))
    assert story.dated[1:] == [(NOON + HOUR, "L1 verify a1")]


def test_past_its_deadline_when_set() -> None:
    """One heard after its 26 hours has look-up and reminder at once, at event time."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.wait(FIRST + DAY + HOUR)
    heard = FIRST + 2 * DAY + HOUR
    story.hear(fixed(heard, made=heard - DEADLINE))
    assert story.dated[2:] == [(heard, "L1 verify a1"), (heard, REMINDED)]
    story.wait(START + 100 * DAY)
    assert story.dated[4:] == [(FIRST + 7 * DAY, REMINDED)]


def test_younger_episode() -> None:
    """A fix older than every customer-facing episode of the case leaves nothing pending."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON, made=START - MS))
    story.wait(NOON + DAY)
    assert story.lines == ["L1 connect-fix issue 185"]


def test_marked_login() -> None:
    """A fix on a login that only has an escalation is pending for nobody."""
    story = Story()
    story.hear(nightly(931, 0), fixed(NOON))
    story.wait(NOON + DAY)
    assert story.lines == ["L1 otp-escalation issue 931"]


def test_timers_in_order() -> None:
    """The look-up and the deadline of a fix come by the rule and, due at once, in that order."""
    story = Story()
    story.hear(nightly(185, 0), fixed(NOON))
    assert [one.order for one in repair.timers(LOGIN, story.login(), RULES)] == [
        (NOON + VERIFY, LOGIN, 6, "", 0),
        (NOON + DEADLINE, LOGIN, 6, "", 1),
    ]
