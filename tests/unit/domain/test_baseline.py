"""A first sweep's old news opens cases without contact, until an operator releases them (R17, R16)."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.commands import Action
from schemas.events import Event, EventType, OverrideAction
from streams.domain import Decision, Outcome, next_due, release_baseline, waiting_cases
from tests.unit.domain.build import (
    ACCOUNT,
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
    incident,
    looked,
    nightly,
    overridden,
    silenced,
)

OLD = 48 * HOUR
SWEPT = START + 10 * DAY
ISSUED = "L1 connect-fix issue 185"


def swept(age: timedelta, code: int = 185, account: str = ACCOUNT, login: str | None = LOGIN, at: Any = SWEPT) -> Event:  # noqa: ANN401 - a time
    """Give what a sweep reads of an account, with an attempt of that age."""
    return looked(code, at, at - age, account, login, kind=EventType.ACCOUNT_OBSERVED, baseline=True)


def held(*more: Event) -> Story:
    """Give a customer with a baseline case, and what came after."""
    story = Story()
    story.hear(swept(OLD + MS), *more)
    return story


def release(at: Any = SWEPT + HOUR, **scope: Any) -> Event:  # noqa: ANN401 - a time, and ids
    """Give an operator's release for the customer."""
    return overridden(OverrideAction.RELEASE_BASELINE, at, **scope)


def release_all(story: Story, at: Any, login: str = LOGIN) -> Decision:  # noqa: ANN401 - a time
    """Release a case as part of a release of all."""
    event = overridden(OverrideAction.RELEASE_BASELINE, SWEPT + HOUR, customer=None, all=True)
    return story.keep(release_baseline(story.known, login, event, at, story.rules, around=story.around))


def test_held() -> None:
    """Old news of a first sweep opens the case, and nobody is contacted, however long it takes."""
    story = held()
    story.wait(SWEPT + 300 * DAY)
    assert story.told == []
    assert story.episode().opened_at == SWEPT - OLD - MS
    assert waiting_cases(story.known) == [LOGIN]


def test_release_of_an_unknown_account() -> None:
    """A release by an account that is not known releases nothing, least of all everything."""
    story = held(release(account_id="a9"))
    assert (story.told, waiting_cases(story.known)) == ([], [LOGIN])


@pytest.mark.parametrize(
    "event",
    [
        swept(OLD),
        looked(185, SWEPT, SWEPT - 30 * DAY),
        looked(185, SWEPT, SWEPT - 30 * DAY, kind=EventType.ACCOUNT_OBSERVED),
        looked(185, SWEPT, None, kind=EventType.ACCOUNT_OBSERVED, baseline=True),
    ],
)
def test_news(event: Event) -> None:
    """An attempt of at most 48 hours, one that no sweep read, and one without a date are news."""
    story = Story()
    story.hear(event)
    assert story.lines == [ISSUED]


def test_known_account() -> None:
    """An account that was seen before is contacted, however old the attempt that a sweep reads."""
    story = Story()
    story.hear(looked(None, START, None), swept(3 * DAY))
    assert story.lines == [ISSUED]


def test_same_attempt_as_news() -> None:
    """The same attempt told once more, as news, does not release the case."""
    assert held(looked(185, SWEPT + HOUR, SWEPT - OLD - MS)).told == []


def test_never_released_by_itself() -> None:
    """A further failing attempt leaves the case held: releasing is the operator's."""
    story = held(looked(185, SWEPT + HOUR, SWEPT + HOUR), looked(103, SWEPT + DAY, SWEPT + DAY))
    assert story.told == []


def test_healed() -> None:
    """What heals before its release is never told; the next failure is news."""
    story = held(looked(0, SWEPT + HOUR, SWEPT + HOUR), looked(185, SWEPT + DAY, SWEPT + DAY))
    assert story.lines == [ISSUED]
    assert story.episode().ordinal == 2


def test_beside_news() -> None:
    """An account in the sweep does not hold back what another account's news has opened."""
    story = Story()
    story.hear(looked(185, SWEPT, SWEPT, "a2"), swept(3 * DAY))
    assert story.lines == [ISSUED]
    assert story.episode().account_ids == ("a1", "a2")


@pytest.mark.parametrize("code", [102, 906, 777_777])
def test_what_says_nothing_is_no_news(code: int) -> None:
    """A code that says nothing about the login tells nothing new of old news, when its login becomes known."""
    story = Story()
    story.hear(swept(OLD + MS, login=None), looked(code, SWEPT + HOUR, SWEPT + HOUR))
    assert story.commands == []
    assert waiting_cases(story.known) == [LOGIN]


def test_news_behind_what_says_nothing() -> None:
    """The first code of an attempt that does is news, though another came before it."""
    story = Story()
    attempt = SWEPT + HOUR
    story.hear(swept(OLD + MS, login=None), looked(102, attempt, attempt, login=None), looked(103, attempt, attempt))
    assert [(one.action, one.reason.code) for one in story.commands] == [(Action.ISSUE, 103)]


def test_escalations_are_told() -> None:
    """Old news of a passcode at every login is told: it is no contact."""
    story = Story()
    story.hear(swept(3 * DAY, 931))
    assert story.lines == ["L1 otp-escalation issue 931"]


def test_login_unknown() -> None:
    """Old news without a login has it looked up; the answer opens the case without contact, too."""
    story = Story()
    story.hear(swept(3 * DAY, login=None), looked(185, SWEPT + HOUR, SWEPT - 3 * DAY, kind=EventType.ACCOUNT_OBSERVED))
    assert story.lines == ["None locate a1"]
    assert waiting_cases(story.known) == [LOGIN]


# -- released for the customer


@pytest.mark.parametrize("scope", [{}, {"institution_login_id": LOGIN}, {"account_id": ACCOUNT}])
def test_released(scope: dict[str, Any]) -> None:
    """An operator's release sends what is still needed, and says that the schedule of reminders begins."""
    story = held()
    decision = story.hear(release(**scope))
    assert (decision.outcome, "R17" in decision.rules) == (Outcome.OVERRIDDEN, True)
    assert story.dated == [(SWEPT + HOUR, ISSUED)]


def test_released_by_login() -> None:
    """A release of one login leaves the others held."""
    story = Story()
    story.hear(swept(3 * DAY), swept(3 * DAY, 185, "a2", "L2"), release(institution_login_id="L2"))
    assert story.lines == ["L2 connect-fix issue 185"]


def test_nothing_to_release() -> None:
    """Where nothing is held a release changes nothing."""
    story = Story()
    story.hear(nightly(185, 0))
    assert not story.hear(release()).changed


def test_several_kinds() -> None:
    """A released case with two commands tells them a day apart."""
    story = Story(SHIPPED)
    story.hear(swept(3 * DAY), swept(3 * DAY, 949, "a2"), release())
    story.wait(SWEPT + 2 * DAY)
    assert story.dated == [(SWEPT + HOUR, ISSUED), (SWEPT + HOUR + DAY, "L1 relink issue 949")]


# -- released with all, at a rate


def test_released_at_once() -> None:
    """Without a rate a case is released at the time of the override."""
    story = held()
    decision = release_all(story, SWEPT + HOUR)
    assert story.dated == [(SWEPT + HOUR, ISSUED)]
    assert decision.rules[0] == "R17"


def test_released_after_a_tick() -> None:
    """A release that is heard of after a later tick of the partition goes out at the time of that."""
    story = held()
    event = overridden(OverrideAction.RELEASE_BASELINE, SWEPT + HOUR, customer=None, all=True)
    story.keep(release_baseline(story.known, LOGIN, event, event.time, RULES, ticked_at=SWEPT + DAY))
    assert story.dated == [(SWEPT + DAY, ISSUED)]


def test_released_in_its_turn() -> None:
    """At a rate each case has its time, at which it goes out, on the hour."""
    story = held()
    decision = release_all(story, SWEPT + 5 * HOUR)
    assert (decision.messages, decision.outcome) == ((), Outcome.OVERRIDDEN)
    assert next_due(story.known, RULES) == SWEPT + 5 * HOUR
    story.wait(SWEPT + 5 * HOUR - MS)
    assert story.told == []
    story.wait(SWEPT + DAY)
    assert story.dated == [(SWEPT + 5 * HOUR, ISSUED)]


def test_healed_before_its_turn() -> None:
    """A case that heals before its turn is not told."""
    story = held()
    release_all(story, SWEPT + 5 * HOUR)
    story.hear(looked(0, SWEPT + 2 * HOUR, SWEPT + 2 * HOUR))
    story.wait(SWEPT + DAY)
    assert story.told == []


def test_still_silent() -> None:
    """A release lifts no silence and ends no incident: it waits for them."""
    for hold, end in (
        (silenced(SWEPT + MINUTE, SWEPT + DAY, customer=None, all=True), None),
        (incident(SWEPT + MINUTE, 185), incident(SWEPT + DAY, 185, 2, is_open=False)),
    ):
        for is_wide in (False, True):
            story = held()
            story.surround(hold)
            if is_wide:
                release_all(story, SWEPT + HOUR)
            else:
                story.hear(release())
            assert story.told == []
            if end is not None:
                story.surround(end)
            story.wait(SWEPT + DAY)
            assert story.dated == [(SWEPT + DAY, ISSUED)]


def test_pending_fix() -> None:
    """A released case still waits for a pending fix."""
    story = held(fixed(SWEPT + MINUTE), release())
    story.wait(SWEPT + 3 * DAY)
    assert story.dated[1:] == [(SWEPT + MINUTE + 26 * HOUR, ISSUED)]


def test_released_late() -> None:
    """A release never goes out at a time before the customer's own."""
    story = held(looked(None, SWEPT + 2 * HOUR, None))
    assert release_all(story, SWEPT + HOUR).event_time == SWEPT + 2 * HOUR
    assert story.dated == [(SWEPT + 2 * HOUR, ISSUED)]
