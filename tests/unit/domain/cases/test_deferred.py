"""What is said of contacts that begin to wait: what holds each of them longest."""

from schemas.commands import Hold
from schemas.events import Event, EventType
from schemas.state import LoginState
from streams.domain import Turn, deferred
from tests.unit.domain.build import (
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    SHIPPED,
    START,
    Story,
    connected,
    fixed,
    incident,
    looked,
    nightly,
    silenced,
)

DUPLICATE = looked(169, START + HOUR, START + HOUR, "a2")
"""Another need of the login, an hour after the first command."""


def holds(story: Story, before: LoginState | None = None) -> list[Hold]:
    """Say what holds what has begun to wait since a case was like that."""
    turn = Turn(story.known, story.rules, story.known.state.event_time, story.around)
    return deferred(turn, LOGIN, before or LoginState())


def heard(*events: Event) -> Story:
    """Give a customer after events, under the shipped rules."""
    story = Story(SHIPPED)
    story.hear(*events)
    return story


def test_what_goes_out_at_once_is_not_deferred() -> None:
    """A first command waits for nothing."""
    assert holds(heard(nightly(185, 0))) == []


def test_a_second_contact_within_a_day() -> None:
    """It waits for the first one's day to be over, and is told of once."""
    story = heard(nightly(185, 0))
    before = story.login()
    story.hear(DUPLICATE)
    assert holds(story, before) == [Hold.COOLDOWN]
    assert holds(story, story.login()) == []


def test_a_repair_that_has_to_show() -> None:
    """While a fix is pending everything waits for it."""
    assert holds(heard(nightly(185, 0), fixed(START + 30 * MINUTE), DUPLICATE)) == [Hold.FIX_PENDING]


def test_old_news_of_a_first_sweep() -> None:
    """It waits for its release, whatever else holds it."""
    old = looked(185, START, START - 3 * DAY, kind=EventType.ACCOUNT_OBSERVED, baseline=True)
    assert holds(heard(old)) == [Hold.BASELINE]


def test_an_incident() -> None:
    """It holds what it is the reason of."""
    story = Story(SHIPPED)
    story.hear(looked(0))
    story.surround(incident(START + DAY, 185, bank=BANK))
    story.hear(nightly(185, 1))
    assert holds(story) == [Hold.INCIDENT]


def test_a_silence() -> None:
    """The longer of two holds is named."""
    assert holds(heard(nightly(185, 0), silenced(START + HOUR), DUPLICATE)) == [Hold.SILENCE]


def test_a_weak_fix() -> None:
    """It holds the next reminder back, longer than the day since the last contact."""
    story = heard(nightly(185, 0))
    due = START + 2 * MINUTE + DAY
    story.hear(connected("done", due - HOUR))
    before = story.login()
    story.wait(due)
    assert holds(story, before) == [Hold.WEAK_FIX]
