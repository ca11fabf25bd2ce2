"""Relapses: challenges that come back after a repair, until they are told as an escalation (R7)."""

from datetime import datetime, timedelta

import pytest

from schemas.events import Event
from tests.unit.domain.build import (
    ACCOUNT,
    DAY,
    HOUR,
    LOGIN,
    MS,
    START,
    Story,
    deleted,
    fixed,
    incident,
    looked,
)

WINDOW = 14 * DAY
ESCALATED = "L1 otp-escalation issue 185"


def seen(code: int, at: datetime, account: str = ACCOUNT, login: str = LOGIN) -> Event:
    """Give a snapshot whose attempt is at its event time."""
    return looked(code, at, at, account, login)


def ups_and_downs(story: Story, *days: float) -> None:
    """Let a login fail with 185 on each day and heal a day later."""
    for day in days:
        at = START + day * DAY
        story.hear(seen(185, at), seen(0, at + DAY))


def is_marked(story: Story, login: str = LOGIN) -> bool:
    """Whether a login is marked."""
    return story.known.case(login).otp is not None


def test_two_relapses_confirm() -> None:
    """The second relapse in a row is told as an escalation; it never asks the customer for a third fix."""
    story = Story()
    ups_and_downs(story, 0, 3)
    story.hear(seen(185, START + 6 * DAY))
    assert story.lines == [
        "L1 connect-fix issue 185",
        "L1 connect-fix withdraw healed 185",
        "L1 connect-fix issue 185",
        "L1 connect-fix withdraw healed 185",
        ESCALATED,
    ]
    assert [one.episode.relapses for one in story.commands] == [0, 0, 1, 1, 2]
    escalation = story.commands[-1]
    assert (escalation.episode.opened_at, escalation.episode.ordinal) == (START + 6 * DAY, 4)
    assert list(escalation.steps) == ["stop_reminders", "refresh_with_customer_present"]
    assert (escalation.not_after, escalation.evidence.rules) == (None, ("R7",))


@pytest.mark.parametrize(("late", "is_one"), [(0 * MS, True), (MS, False)])
def test_window(late: timedelta, is_one: bool) -> None:  # noqa: FBT001 - a case of the table
    """A relapse is an episode within 14 days of the end of the one before, that day included."""
    story = Story()
    ups_and_downs(story, 0)
    story.hear(seen(185, START + DAY + WINDOW + late))
    assert story.commands[-1].episode.relapses == (1 if is_one else 0)


@pytest.mark.parametrize("late", [0 * MS, MS])
def test_row_starts_again(late: timedelta) -> None:
    """An episode that comes too late is the first of a new row."""
    story = Story()
    ups_and_downs(story, 0, 3)
    third = START + 4 * DAY + WINDOW + late
    story.hear(seen(185, third))
    assert is_marked(story) is (late == 0 * MS)
    if late:
        story.hear(seen(0, third + DAY), seen(185, third + 2 * DAY))
        assert story.commands[-1].episode.relapses == 1
        assert not is_marked(story)


def test_repaired_by_a_fix() -> None:
    """An episode that completed is the base of a relapse as well as one that healed elsewhere."""
    story = Story()
    story.hear(seen(185, START), fixed(START + HOUR), seen(0, START + DAY), seen(185, START + 2 * DAY))
    assert story.commands[-1].episode.relapses == 1


def test_never_told_episode() -> None:
    """An episode whose command never went out counts, too."""
    story = Story()
    story.hear(seen(185, START), seen(0, START + HOUR))
    story.hear(seen(185, START + 2 * HOUR), seen(0, START + 3 * HOUR), seen(185, START + 4 * HOUR))
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix withdraw healed 185", ESCALATED]


def test_superseded_is_no_repair() -> None:
    """An episode that another kind superseded, or a deletion ended, is the base of no relapse."""
    for ending in (seen(949, START + DAY), deleted(START + DAY)):
        story = Story()
        story.hear(seen(185, START), ending, seen(0, START + 2 * DAY), seen(185, START + 3 * DAY))
        assert story.commands[-1].episode.relapses == 0


def test_another_cause_is_no_relapse() -> None:
    """An episode that another code opens is neither a relapse nor the base of one, nor does it end the row."""
    story = Story()
    ups_and_downs(story, 0)
    story.hear(seen(103, START + 2 * DAY), seen(185, START + 3 * DAY), seen(0, START + 4 * DAY))
    assert [one.episode.relapses for one in story.commands[2:]] == [0, 0, 0]
    story.hear(seen(185, START + 5 * DAY))
    assert story.commands[-1].episode.relapses == 1


def test_relapses_of_a_login() -> None:
    """Episodes belong to the login: its accounts may take turns; those of another login are apart."""
    story = Story()
    for number, account in enumerate(("a1", "a2", "a3")):
        at = START + 2 * number * DAY
        story.hear(seen(185, at, account), seen(0, at + DAY, account), seen(185, at, "b", "L2"))
    assert is_marked(story)
    assert not is_marked(story, "L2")


def test_repair_counts_once() -> None:
    """Each repair counts for one relapse: an episode after one that ended without a repair is none of it again."""
    story = Story()
    ups_and_downs(story, 0)
    story.hear(seen(185, START + 2 * DAY), seen(949, START + 3 * DAY), seen(185, START + 4 * DAY))
    assert not is_marked(story)
    story.hear(seen(0, START + 5 * DAY), seen(185, START + 6 * DAY))
    assert is_marked(story)


def test_redelivered_challenge() -> None:
    """A 185 delivered again, by the same id or with the same attempt, is no episode and no relapse."""
    story = Story()
    first = seen(185, START)
    story.hear(first, seen(0, START + HOUR), first, looked(185, START + 2 * HOUR, START))
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix withdraw healed 185"]


def test_challenge_in_an_incident() -> None:
    """An episode opened while an incident of 185 is open there is neither a relapse nor the base of one."""
    story = Story()
    ups_and_downs(story, 0)
    story.surround(incident(START + 3 * DAY - HOUR, 185))
    ups_and_downs(story, 3)
    story.surround(incident(START + 5 * DAY, 185, 2, is_open=False))
    story.hear(seen(185, START + 6 * DAY))
    assert story.commands[-1].episode.relapses == 1


@pytest.mark.parametrize(("code", "bank"), [(103, "102105"), (185, "5"), (102, "102105")])
def test_other_incidents(code: int, bank: str) -> None:
    """An incident of another code, or at another institution, keeps no 185 from counting."""
    story = Story()
    ups_and_downs(story, 0)
    story.surround(incident(START + 3 * DAY - HOUR, code, bank=bank))
    ups_and_downs(story, 3)
    story.hear(seen(185, START + 6 * DAY))
    assert is_marked(story)


def test_an_incident_that_nobody_closes() -> None:
    """An hour after the longest time that one lasts it keeps no 185 from counting."""
    for is_over in (False, True):
        story = Story()
        ups_and_downs(story, 0)
        story.surround(incident(START + 3 * DAY - 13 * HOUR + (0 if is_over else 1) * MS, 185))
        ups_and_downs(story, 3)
        story.hear(seen(185, START + 6 * DAY))
        assert is_marked(story) is is_over


def test_located_challenge() -> None:
    """A 185 whose login was found later counts as any other: its episode opens by it."""
    story = Story()
    story.hear(looked(185, START, START, login=None), looked(None, START + HOUR, None), seen(0, START + DAY))
    story.hear(seen(185, START + 2 * DAY))
    assert story.commands[-1].episode.relapses == 1


@pytest.mark.parametrize("login", ["L2", None])
def test_older_than_the_repair(login: str | None) -> None:
    """An account at 185 since before the repair, which then turns out to be of the login, is no relapse."""
    story = Story()
    story.hear(looked(185, START + DAY, START + DAY, "a1", login))
    story.hear(seen(185, START + 4 * DAY, "a2"), seen(0, START + 5 * DAY, "a2"))
    story.hear(looked(None, START + 6 * DAY, None))
    assert story.commands[-1].institution_login_id == LOGIN
    assert story.commands[-1].episode.relapses == 0
