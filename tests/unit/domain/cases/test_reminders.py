"""The reminders of a case: 1, 3 and 7 days after its first `issue`, to the command contacted longest ago (R8)."""

from datetime import timedelta

import pytest

from streams.domain import next_due
from tests.unit.domain.build import (
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    SHIPPED,
    START,
    Story,
    connected,
    looked,
    nightly,
    silenced,
)

FIRST = START + 2 * MINUTE
"""When the first night's command goes out."""
REMINDED = "L1 connect-fix remind 185"


def told() -> Story:
    """Give a customer with one open command, under the shipped policy."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    return story


def test_schedule() -> None:
    """Three reminders follow an issue, and after the last none."""
    story = told()
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [(FIRST + days * DAY, REMINDED) for days in (1, 3, 7)]
    assert [one.sequence for one in story.commands] == [0, 1, 2, 3]
    assert story.commands[1].not_after == FIRST + 2 * DAY
    assert next_due(story.known, SHIPPED) is None


def test_on_the_hour() -> None:
    """A reminder goes out at its very time, not before it."""
    story = told()
    story.wait(FIRST + DAY - MS)
    assert len(story.told) == 1
    story.wait(FIRST + DAY)
    assert len(story.told) == 2


def test_none_by_policy() -> None:
    """A policy without reminder days reminds of nothing."""
    story = Story(RULES)
    story.hear(nightly(185, 0))
    assert next_due(story.known, RULES) is None


def test_dropped() -> None:
    """What healed is not reminded of."""
    story = told()
    story.hear(looked(0, FIRST + DAY - MS, FIRST + DAY - MS))
    story.wait(START + 100 * DAY)
    assert story.lines[1:] == ["L1 connect-fix withdraw healed 185"]


def test_contacted_longest_ago() -> None:
    """Each reminder is about the open command whose last contact is the oldest."""
    story = told()
    story.hear(looked(169, FIRST + DAY + HOUR, FIRST + DAY + HOUR, "a2"))
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [
        (FIRST + DAY, REMINDED),
        (FIRST + 2 * DAY, "L1 remove-duplicate issue 169"),
        (FIRST + 3 * DAY, REMINDED),
        (FIRST + 7 * DAY, "L1 remove-duplicate remind 169"),
    ]


def test_waiting_command_is_not_reminded_of() -> None:
    """A command that has not gone out yet is none to remind of: its issue comes first, the reminder a day later."""
    story = told()
    story.hear(looked(169, FIRST + DAY - HOUR, FIRST + DAY - HOUR, "a2"), looked(0, FIRST + DAY - MS, FIRST + DAY - MS))
    story.wait(START + 100 * DAY)
    assert story.dated[2:] == [
        (FIRST + DAY, "L1 remove-duplicate issue 169"),
        *((FIRST + days * DAY, "L1 remove-duplicate remind 169") for days in (3, 7)),
    ]


def test_schedule_belongs_to_the_case() -> None:
    """A command that comes later does not start the schedule anew, nor does the end of the first one."""
    story = told()
    story.hear(looked(949, FIRST + DAY + HOUR, FIRST + DAY + HOUR, "a2"))
    story.wait(FIRST + 2 * DAY)
    story.hear(looked(0, FIRST + 2 * DAY + HOUR, FIRST + 2 * DAY + HOUR))
    story.wait(START + 100 * DAY)
    assert story.dated[4:] == [(FIRST + days * DAY, "L1 relink remind 949") for days in (3, 7)]


def test_schedule_starts_again() -> None:
    """After a time without an open command the schedule counts from the next issue."""
    story = told()
    story.hear(nightly(0, 2), nightly(185, 4))
    story.wait(START + 100 * DAY)
    assert story.dated[3:] == [
        (FIRST + 4 * DAY, "L1 connect-fix issue 185"),
        *((FIRST + days * DAY, REMINDED) for days in (5, 7, 11)),
    ]


def test_another_kind_at_once_goes_on() -> None:
    """A command that another one supersedes leaves the case its schedule: it was never without one."""
    story = told()
    story.hear(nightly(949, 2))
    story.wait(START + 100 * DAY)
    assert story.dated[2:] == [
        (FIRST + 2 * DAY, "L1 connect-fix withdraw superseded 185"),
        (FIRST + 2 * DAY, "L1 relink issue 949"),
        *((FIRST + days * DAY, "L1 relink remind 949") for days in (3, 7)),
    ]


# -- reminders that wait are one


def test_merged() -> None:
    """Reminders that fell due while one waited are one with it; the next of the schedule stays."""
    story = told()
    story.hear(silenced(FIRST + HOUR, FIRST + 5 * DAY))
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [(FIRST + 5 * DAY, REMINDED), (FIRST + 7 * DAY, REMINDED)]


def test_all_merged() -> None:
    """A wait past the last reminder leaves one in all."""
    story = told()
    story.hear(silenced(FIRST + HOUR, FIRST + 20 * DAY))
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [(FIRST + 20 * DAY, REMINDED)]


@pytest.mark.parametrize(
    ("until", "days"),
    [(3 * DAY - MS, [3 * DAY - MS, 4 * DAY - MS, 7 * DAY]), (3 * DAY + MS, [3 * DAY + MS, 7 * DAY])],
)
def test_merged_while_it_waits(until: timedelta, days: list[timedelta]) -> None:
    """A reminder is merged where it falls due while one waits; where one has just gone out, it waits its 24 hours."""
    story = told()
    story.hear(silenced(FIRST + HOUR, FIRST + until))
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [(FIRST + after, REMINDED) for after in days]


def test_late_record() -> None:
    """Without ticks reminders go out just before the next record, at the times when they were due."""
    story = told()
    story.hear(looked(185, START + 20 * DAY, START))
    assert story.dated[1:] == [(FIRST + days * DAY, REMINDED) for days in (1, 3, 7)]
    assert {one.evidence.event_ids for one in story.commands[1:]} == {()}


# -- weak fix events hold the next reminder back (R5)


@pytest.mark.parametrize(
    ("before", "sent"),
    [(HOUR, DAY + HOUR), (2 * HOUR, DAY), (3 * HOUR, DAY), (MS, DAY + 2 * HOUR - MS)],
)
def test_weak_fix(before: timedelta, sent: timedelta) -> None:
    """The next reminder goes not before 2 hours after a weak fix event; those after it go in their time."""
    story = told()
    story.hear(connected("done", FIRST + DAY - before))
    story.wait(START + 100 * DAY)
    assert story.dated[1:] == [(FIRST + sent, REMINDED), *((FIRST + days * DAY, REMINDED) for days in (3, 7))]


def test_weak_fix_is_a_decision() -> None:
    """A weak fix event that holds a reminder back changes state and is told to auditors, though nothing goes out."""
    story = Story(SHIPPED)
    story.hear(looked(185))
    decision = story.hear(connected("done", START + HOUR))
    assert (decision.changed, decision.messages, decision.logins) == (True, (), (LOGIN,))


def test_weak_fix_elsewhere() -> None:
    """A weak fix event at another institution holds nothing back here."""
    story = told()
    story.hear(connected("done", FIRST + DAY - HOUR, institution_id="5"))
    story.wait(FIRST + 2 * DAY)
    assert story.dated[1:] == [(FIRST + DAY, REMINDED)]


def test_weak_fix_of_several_cases() -> None:
    """A weak fix event holds back every open case there, and no other customer contact of the case."""
    story = told()
    story.hear(nightly(185, 0, "a2", "L2"), connected("done", FIRST + DAY - HOUR, institution_id=BANK))
    story.hear(looked(169, FIRST + DAY - HOUR, FIRST + DAY - HOUR, "a3", "L2"))
    story.wait(FIRST + DAY + HOUR)
    assert story.dated[2:] == [(FIRST + DAY, "L2 remove-duplicate issue 169"), (FIRST + DAY + HOUR, REMINDED)]


def test_weak_fixes_add_up_to_the_latest() -> None:
    """Of several weak fix events the latest counts, in whatever order they come."""
    story = told()
    at = FIRST + DAY - MINUTE
    for made in (at - HOUR, at - 2 * HOUR):
        story.hear(connected("done", at, made=made))
    story.wait(FIRST + 2 * DAY)
    assert story.dated[1:] == [(at + HOUR, REMINDED)]


def test_outdated_weak_fix() -> None:
    """A weak fix event older than a success of the login holds nothing back."""
    story = told()
    story.hear(looked(0, FIRST + DAY - MINUTE, FIRST + DAY - MINUTE, "a2"))
    story.hear(connected("done", FIRST + DAY - MS, made=FIRST + DAY - 2 * MINUTE))
    story.wait(FIRST + 2 * DAY)
    assert story.dated[1:] == [(FIRST + DAY, REMINDED)]


def test_weak_fix_of_a_closed_case() -> None:
    """A weak fix event says nothing to a case that is not open: its next reminder goes in its time."""
    story = told()
    story.hear(looked(0, START + HOUR, START + HOUR), connected("done", START + 2 * HOUR))
    assert story.login(LOGIN).remind_not_before is None
