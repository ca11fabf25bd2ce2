"""What surrounds every customer of a partition: open incidents (R9) and an operator's silences (R16)."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from schemas.events import OverrideAction
from schemas.policy import Incident as IncidentPolicy
from schemas.policy import Policy
from schemas.state import IncidentMark, Silence, Surroundings
from schemas.state import replace as replace_record
from streams.domain import NOWHERE, hear_around, release_baseline, review
from streams.domain.around import ALL, held_until, is_incident
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
OVER = START + 13 * HOUR
"""An hour after the longest time that an incident of the start can last."""


def is_open(around: Surroundings, bank: str = BANK, code: int = 185, at: datetime = START) -> bool:
    """Whether an incident is open."""
    return is_incident(around, bank, code, at, RULES)


def test_opened_and_closed() -> None:
    """An incident is open from its opening to its closing, and its sequence is remembered."""
    assert is_open(OPEN)
    closed = hear_around(OPEN, incident(START + HOUR, 185, 2, is_open=False), START + HOUR)
    assert not is_open(closed)
    assert dict(closed.incidents) == {f"{BANK}/185": IncidentMark(2, told_at=START + HOUR)}


def test_over_by_itself() -> None:
    """An hour after the longest time that the rules in force let one last, it is over, whoever should have said so."""
    assert is_open(OPEN, at=OVER - MS)
    assert not is_open(OPEN, at=OVER)
    short = replace(RULES, policy=Policy(incident=IncidentPolicy(max_hours=1)))
    assert not is_incident(OPEN, BANK, 185, START + 2 * HOUR, short)
    assert held_until(OPEN, BANK, 185, short) == START + 2 * HOUR


def test_state_of_an_earlier_release() -> None:
    """A mark that has no time is of an incident that is over; it can be opened again by a larger sequence."""
    kept = msgspec.json.decode(b'{"incidents":{"102105/185":{"sequence":7,"is_open":true}}}', type=Surroundings)
    assert not is_open(kept)
    assert hear_around(kept, incident(START, 185, 7), START) is kept
    assert is_open(hear_around(kept, incident(START, 185, 8), START))


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
    assert [is_open(around, *one) for one in ((BANK, 185), (BANK, 103), ("5", 185), ("5", 103))] == [
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
    assert held_until(around, BANK, asked, RULES) == (OVER if holds else None)
    assert held_until(around, "5", asked, RULES) is None
    assert held_until(around, None, asked, RULES) is None


def test_held_by_the_longest() -> None:
    """Of several incidents the one that can last longest counts."""
    around = hear_around(OPEN, incident(START + HOUR, 102), START + HOUR)
    assert held_until(around, BANK, 185, RULES) == OVER + HOUR


def test_incidents_are_found_by_their_institution() -> None:
    """What is asked for at every contact does not go through the incidents of all others."""
    around = OPEN
    for event in (incident(START, 185, bank="5"), incident(START, 103), incident(START, 102, bank="6", is_open=False)):
        around = hear_around(around, event, START)
    mark, closed = IncidentMark(1, is_open=True, told_at=START), IncidentMark(1, is_open=False, told_at=START)
    assert around.incidents_of == {BANK: [(185, mark), (103, mark)], "5": [(185, mark)], "6": [(102, closed)]}
    assert around.incidents_of is around.incidents_of
    assert replace_record(around, incidents={}).incidents_of == {}


def test_closed_holds_no_longer() -> None:
    """A closed incident holds until its closing: nobody who has waited for it is told anything as of a time before."""
    closed = hear_around(OPEN, incident(START + HOUR, 185, 2, is_open=False), START)
    assert held_until(closed, BANK, 185, RULES) == START + HOUR
    assert held_until(closed, BANK, 103, RULES) is None
    assert held_until(NOWHERE, BANK, 185, RULES) is None


@pytest.mark.parametrize(("later", "is_kept"), [(timedelta(0), True), (MS, False)])
def test_closed_long_ago(later: timedelta, is_kept: bool) -> None:  # noqa: FBT001 - a case of the table
    """30 days after its closing an incident goes with the next that is told of; open ones stay."""
    around = hear_around(hear_around(OPEN, incident(START, 103), START), incident(START, 103, 2, is_open=False), START)
    at = START + timedelta(days=30) + later
    assert (f"{BANK}/103" in hear_around(around, incident(at, 102, bank="5"), at).incidents) is is_kept
    again = hear_around(around, incident(at, 103, 2), at)
    assert (again is around) is is_kept
    assert f"{BANK}/185" in again.incidents


@pytest.mark.parametrize("until", [None, START + MS])
def test_silences(until: datetime | None) -> None:
    """A silence of all, or of an institution, is kept by its scope, in place of the one before."""
    around = hear_around(NOWHERE, silenced(START, START + HOUR, customer=None, all=True), START)
    around = hear_around(around, silenced(START, until, customer=None, all=True), START)
    around = hear_around(around, silenced(START, customer=None, institution_id=BANK), START)
    assert dict(around.silences) == {ALL: Silence(until), BANK: Silence(None)}


@pytest.mark.parametrize("until", [START, START - HOUR])
def test_lifted(until: datetime) -> None:
    """A silence that has ended already ends the one of its scope, and no other; where there is none it says nothing."""
    around = hear_around(NOWHERE, silenced(START, customer=None, all=True), START)
    around = hear_around(around, silenced(START, customer=None, institution_id=BANK), START)
    around = hear_around(around, silenced(START, until, customer=None, institution_id=BANK), START)
    assert dict(around.silences) == {ALL: Silence(None), BANK: Silence(START)}
    again = hear_around(NOWHERE, silenced(START, until, customer=None, institution_id=BANK), START)
    assert dict(again.silences) == {}


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
