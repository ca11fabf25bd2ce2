"""What surrounds every customer of a partition: open incidents (R9) and an operator's silences (R16)."""

from datetime import datetime

import pytest

from schemas.events import OverrideAction
from schemas.state import IncidentMark, Silence, Surroundings
from streams.domain import NOWHERE, hear_around, release_baseline, review
from streams.domain.around import ALL, is_held, is_incident
from tests.unit.domain.build import (
    BANK,
    HOUR,
    MS,
    RULES,
    START,
    UNINTEGRATED,
    Story,
    incident,
    nightly,
    overridden,
    silenced,
)

OPEN = hear_around(NOWHERE, incident(START, 185), START)


def test_opened_and_closed() -> None:
    """An incident is open from its opening to its closing, and its sequence is remembered."""
    assert is_incident(OPEN, BANK, 185)
    closed = hear_around(OPEN, incident(START + HOUR, 185, 2, is_open=False), START + HOUR)
    assert not is_incident(closed, BANK, 185)
    assert dict(closed.incidents) == {f"{BANK}/185": IncidentMark(2)}


@pytest.mark.parametrize("sequence", [1, 2])
def test_sequence(sequence: int) -> None:
    """What is at or below the last applied sequence changes nothing, redelivered or out of order."""
    around = hear_around(NOWHERE, incident(START, 185, 2), START)
    again = hear_around(around, incident(START + HOUR, 185, sequence, is_open=False), START + HOUR)
    assert again is around


def test_sequences_are_apart() -> None:
    """Each institution and code has a sequence of its own."""
    around = OPEN
    for event in (incident(START, 103), incident(START, 185, bank="5")):
        around = hear_around(around, event, START)
    assert [is_incident(around, *one) for one in ((BANK, 185), (BANK, 103), ("5", 185), ("5", 103))] == [
        True,
        True,
        True,
        False,
    ]


def test_closing_before_opening() -> None:
    """A closing that overtakes its opening keeps it from opening."""
    closed = hear_around(NOWHERE, incident(START, 185, 2, is_open=False), START)
    assert hear_around(closed, incident(START, 185, 1), START) is closed


@pytest.mark.parametrize(
    ("code", "asked", "holds"),
    [(185, 185, True), (185, 103, False), (185, None, False), (102, 185, True), (102, None, True), (-1, 185, False)],
)
def test_held(code: int, asked: int | None, holds: bool) -> None:  # noqa: FBT001 - a case of the table
    """An incident holds contact about its code; one of an institution's trouble holds all, renewals included."""
    around = hear_around(NOWHERE, incident(START, code), START)
    assert is_held(around, BANK, asked, RULES) is holds
    assert not is_held(around, "5", asked, RULES)
    assert not is_held(around, None, asked, RULES)


def test_closed_holds_nothing() -> None:
    """A closed incident holds nothing."""
    closed = hear_around(OPEN, incident(START, 185, 2, is_open=False), START)
    assert not is_held(closed, BANK, 185, RULES)
    assert not is_held(NOWHERE, BANK, 185, RULES)


@pytest.mark.parametrize("until", [None, START + MS])
def test_silences(until: datetime | None) -> None:
    """A silence of all, or of an institution, is kept by its scope, in place of the one before."""
    around = hear_around(NOWHERE, silenced(START, START + HOUR, customer=None, all=True), START)
    around = hear_around(around, silenced(START, until, customer=None, all=True), START)
    around = hear_around(around, silenced(START, customer=None, institution_id=BANK), START)
    assert dict(around.silences) == {ALL: Silence(until), BANK: Silence(None)}


@pytest.mark.parametrize("until", [START, START - HOUR])
def test_lifted(until: datetime) -> None:
    """A silence that has ended already lifts the one of its scope, and no other."""
    around = hear_around(NOWHERE, silenced(START, customer=None, all=True), START)
    around = hear_around(around, silenced(START, customer=None, institution_id=BANK), START)
    around = hear_around(around, silenced(START, until, customer=None, institution_id=BANK), START)
    assert dict(around.silences) == {ALL: Silence(None)}


def test_others_say_nothing() -> None:
    """Other events, other overrides, and a customer's own silence change nothing around it."""
    release = overridden(OverrideAction.RELEASE_BASELINE, START, customer=None, all=True)
    for event in (nightly(185, 0), release, silenced(START)):
        assert hear_around(OPEN, event, START) is OPEN
    assert Surroundings() == NOWHERE


def test_reviewed_after_a_tick() -> None:
    """What an incident's end sets free, heard of after a later tick of the partition, goes out at the time of that."""
    story = Story(around=OPEN)
    story.hear(nightly(185, 0))
    closing = incident(START + HOUR, 185, 2, is_open=False)
    decision = review(story.known, closing, RULES, START + 2 * HOUR, NOWHERE)
    assert [message.time for message in decision.messages] == [START + 2 * HOUR]


@pytest.mark.parametrize("is_release", [False, True])
def test_what_is_reviewed_is_judged_by_the_rules_in_force(is_release: bool) -> None:  # noqa: FBT001 - an example
    """Every open case is, and the customer remembers by which: rules that come back are others, then.

    945 is to be relinked under rules without Data Connect Fix, and mended under the shipped ones.
    """
    story = Story()
    story.hear(nightly(945, 0), nightly(945, 0, "b", "L2"))
    story.surround(silenced(START, customer=None, institution_id=BANK))
    story.rules = UNINTEGRATED
    event = silenced(START + HOUR, START + HOUR, customer=None, institution_id=BANK)
    if is_release:
        at = event.time
        story.keep(release_baseline(story.known, "L1", event, at, story.rules, ticked_at=None, around=story.around))
    else:
        story.surround(event)
    assert {login_id: list(login.episodes) for login_id, login in story.known.logins.items()} == {
        "L1": ["relink"],
        "L2": ["relink"],
    }
    story.rules = RULES
    story.hear(nightly(0, 2, "c", "L3"))
    assert {login_id: list(login.episodes) for login_id, login in story.known.logins.items() if login.episodes} == {
        "L1": ["connect-fix"],
        "L2": ["connect-fix"],
    }
