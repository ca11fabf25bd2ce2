"""When timers fire, in which order, and which time their messages carry."""

import pytest

from schemas.commands import TicketCause
from schemas.policy import Contact, Policy
from streams.domain import OutgoingWish, Rules, decide, firing, next_due
from tests.unit.domain.build import (
    CATALOGUE,
    DAY,
    HOUR,
    MINUTE,
    MS,
    SHIPPED,
    START,
    Story,
    connected,
    deleted,
    fixed,
    looked,
    nightly,
    tick,
)

FIRST = START + 2 * MINUTE
REMINDED = "L1 connect-fix remind 185"


def told() -> Story:
    """Give a customer with one open command, under the shipped policy: a reminder is due a day later."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    return story


def test_before_a_record() -> None:
    """A timer fires just before the first record with a later event time, and tells the time when it was due."""
    story = told()
    story.hear(connected("started", FIRST + DAY + MS))
    assert story.dated[1:] == [(FIRST + DAY, REMINDED)]


def test_at_the_time_of_a_record() -> None:
    """A record at the very time of a timer comes before it."""
    story = told()
    story.hear(looked(0, FIRST + DAY, FIRST + DAY))
    story.wait(FIRST + 2 * DAY)
    assert story.lines[1:] == ["L1 connect-fix withdraw healed 185"]


def test_before_a_record_that_makes_it_needless() -> None:
    """What was due before a record has happened, whatever the record says."""
    story = told()
    story.hear(looked(0, FIRST + DAY + MS, FIRST + DAY - HOUR))
    assert story.lines[1:] == [REMINDED, "L1 connect-fix withdraw healed 185"]


@pytest.mark.parametrize(("at", "count"), [(FIRST + DAY - MS, 1), (FIRST + DAY, 2), (FIRST + DAY + MS, 2)])
def test_at_a_tick(at: object, count: int) -> None:
    """A tick fires what is due at its very time as well, with the time when it was due."""
    story = told()
    story.hear(tick(at))  # type: ignore[arg-type]
    assert len(story.told) == count
    assert {time for time, _ in story.dated[1:]} <= {FIRST + DAY}


def test_tick_twice() -> None:
    """A timer fires once, though its tick is redelivered or an older one follows."""
    story = told()
    for at in (FIRST + DAY, FIRST + DAY, START):
        story.hear(tick(at))
    assert len(story.told) == 2


def test_behind_a_tick() -> None:
    """A record behind the partition's clock counts as at it: what was due until then fires before it."""
    story = told()
    decision = decide(story.customer, connected("started", START + HOUR), SHIPPED, ticked_at=FIRST + DAY + MS)
    assert [message.time for message in decision.messages] == [FIRST + DAY]
    assert decision.event_time == FIRST + DAY + MS


def test_redelivery_fires() -> None:
    """A redelivered record is event time, too: it fires what was due before it."""
    story = Story(SHIPPED)
    event = nightly(185, 0)
    story.hear(event)
    story.hear(looked(185, FIRST + 2 * DAY, START, event_id=event.id))
    assert story.dated[1:] == [(FIRST + DAY, REMINDED)]


def test_in_order_of_time() -> None:
    """Several timers fire in the order of their times, those that were set by others included."""
    story = told()
    story.hear(looked(169, START + HOUR, START + HOUR, "a2"), connected("started", START + 60 * DAY))
    assert [time for time, _ in story.dated] == sorted(time for time, _ in story.dated)
    assert [line for _, line in story.dated[1:]] == [
        "L1 remove-duplicate issue 169",
        REMINDED,
        "L1 remove-duplicate remind 169",
        REMINDED,
    ]


def test_in_order_of_cases() -> None:
    """At the same time the smaller case comes first, and what belongs to none before it."""
    story = Story(SHIPPED)
    for login, account in (("M", "b"), ("L", "c"), (None, "a")):
        story.hear(looked(185, START, START, account, login))
    story.wait(START + HOUR)
    story.hear(looked(777_777, START + DAY - 72 * HOUR + MS, START + HOUR, "a", None))
    story.wait(START + DAY)
    assert story.lines[3:] == ["L connect-fix remind 185", "M connect-fix remind 185"]


def test_in_order_of_rules() -> None:
    """At the same time and case the rules go by their number: a fix is given up before a reminder falls due."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    story.wait(FIRST + DAY)
    story.hear(fixed(FIRST + 3 * DAY - 26 * HOUR))
    story.wait(START + 100 * DAY)
    assert story.dated[2:] == [
        (FIRST + 3 * DAY - 26 * HOUR + 15 * MINUTE, "L1 verify a1"),
        (FIRST + 3 * DAY, REMINDED),
        (FIRST + 7 * DAY, REMINDED),
    ]


def test_in_order_of_accounts() -> None:
    """At the same time, case and rule the smaller account comes first."""
    story = Story()
    for account in ("b", "a"):
        story.hear(looked(777_777, START, START, account))
    story.wait(START + 72 * HOUR)
    wishes = [one for one in story.signals if isinstance(one, OutgoingWish)]
    assert [(one.account_id, one.cause) for one in wishes] == [
        ("a", TicketCause.UNKNOWN_CODE),
        ("b", TicketCause.UNKNOWN_CODE),
    ]


def test_set_already_due() -> None:
    """A timer that a record sets although it is due already fires at once, at event time."""
    story = told()
    story.hear(fixed(START + 2 * HOUR, made=START + HOUR))
    assert story.dated[1:] == [(START + 2 * HOUR, "L1 verify a1")]


def test_set_due_at_its_very_time() -> None:
    """One that it sets for its own time fires at once, too."""
    story = told()
    story.hear(fixed(START + 2 * HOUR, made=START + 2 * HOUR - 15 * MINUTE))
    assert story.dated[1:] == [(START + 2 * HOUR, "L1 verify a1")]


def test_set_before_and_due_at_its_time() -> None:
    """One that was set before and is due at the record's time waits for what comes after it."""
    story = told()
    story.hear(fixed(START + HOUR), connected("started", START + HOUR + 15 * MINUTE))
    assert len(story.told) == 1
    story.hear(looked(None, START + HOUR + 15 * MINUTE, None, "a9", "L9"))
    assert len(story.told) == 1
    story.hear(connected("started", START + HOUR + 15 * MINUTE + MS))
    assert story.dated[1:] == [(START + HOUR + 15 * MINUTE, "L1 verify a1")]


def test_set_due_beside_one_that_waits() -> None:
    """What a record sets due fires at once, though another timer of that very time has to wait."""
    story = told()
    at = START + HOUR + 15 * MINUTE
    story.hear(fixed(START + HOUR), looked(185, START + HOUR, START, "a2", "L2"))
    story.hear(fixed(at, "L2", made=START + HOUR))
    assert story.dated[2:] == [(at, "L2 verify a2")]


def test_rules_that_come_later() -> None:
    """What other rules make due in the past happens when they came, not before."""
    came = START + 10 * DAY
    rules = Rules(Policy(contact=Contact(reminder_days=(2,))), CATALOGUE, since=came)
    story = Story()
    story.hear(nightly(185, 0))
    story.rules = rules
    story.hear(tick(came + HOUR))
    assert story.dated[1:] == [(came, REMINDED)]


def test_rules_from_before() -> None:
    """Rules that held before a timer was due leave it its time."""
    story = Story(Rules(Policy(), CATALOGUE, since=START - DAY))
    story.hear(nightly(185, 0))
    story.wait(FIRST + DAY)
    assert story.dated[1:] == [(FIRST + DAY, REMINDED)]


def test_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record fires so many timers before it and after it, at most: the rest waits for the next record."""
    monkeypatch.setattr(firing, "LIMIT", 1)
    story = told()
    story.hear(connected("started", START + 60 * DAY))
    assert story.lines[1:] == [REMINDED, REMINDED]
    story.wait(START + 100 * DAY)
    assert story.lines[3:] == [REMINDED]


def test_limit_of_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds for what a record sets due."""
    monkeypatch.setattr(firing, "LIMIT", 1)
    story = told()
    story.hear(nightly(185, 0, "a2", "L2"))
    decision = story.hear(fixed(START + 3 * HOUR, made=START + HOUR), fixed(START + 3 * HOUR, "L2", made=START + HOUR))
    assert len(decision.messages) == 1


def test_nothing_due() -> None:
    """A customer without anything to wait for has no timer."""
    story = Story(SHIPPED)
    story.hear(nightly(0, 0), nightly(102, 0, "a2"), nightly(900, 0, "a3", "L2"))
    assert next_due(story.known, SHIPPED) is None


def test_every_timer() -> None:
    """Reminders, look-ups, unknown codes, authorisations and deletions: the earliest is always the next one."""
    story, end = Story(SHIPPED), START + 12 * DAY
    story.hear(looked(185, START, START), looked(777_777, START, START, "u", "U"), looked(185, START, START, "l", None))
    story.hear(looked(0, START, START, "c", "C", authorization_end_date=end, authorization_expires=True))
    story.hear(looked(0, START, START, "d", "D"), deleted(START, "d", "D"), fixed(START + 10 * MINUTE))
    found = []
    while (due := next_due(story.known, SHIPPED)) is not None:
        found.append(due - START)
        story.hear(tick(due))
    days = [after / DAY for after in found[2:]]
    assert found[:2] == [25 * MINUTE, HOUR]
    assert days == [1, (26 * HOUR + 10 * MINUTE) / DAY, 3, 5, 6, 7, 8, 12, 30]
