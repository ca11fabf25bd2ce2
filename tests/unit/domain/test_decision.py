"""The clock, the memory of event ids, and what a decision reports (R1, R4)."""

import pytest

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS
from schemas.events import CommandReported, Event, EventType, Source
from schemas.health import Phase
from streams import domain
from streams.domain import Outcome, customer_of, decide, decision, next_due
from tests.unit.domain.build import (
    ACCOUNT,
    CUSTOMER,
    DAY,
    HOUR,
    LOGIN,
    MS,
    RULES,
    START,
    Story,
    connected,
    deleted,
    looked,
    nightly,
    tick,
)


def other(data: dict[str, object], kind: str = "command.reported") -> Event:
    """Give an event of a type that is not decided on."""
    return Event("x:0", kind, Source.BRIDGE, START + DAY, data)


def test_public_names() -> None:
    """The package offers what it says: constants, classes, functions, each sorted."""
    assert sorted(domain.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == domain.__all__
    assert all(hasattr(domain, name) for name in domain.__all__)


@pytest.mark.parametrize(
    ("event", "customer"),
    [
        (looked(0), CUSTOMER),
        (connected("done", START), CUSTOMER),
        (other({"customerId": 70}), CUSTOMER),
        (other({"institutionId": "5"}, "institution.incident.opened"), None),
        (tick(START), None),
    ],
)
def test_customer_of(event: Event, customer: str | None) -> None:
    """An event is about the customer in its data, if there is one."""
    assert customer_of(event) == customer


def test_redelivery() -> None:
    """An id seen within 4 days changes nothing but the clock, whatever the record says."""
    story = Story()
    event = looked(185, event_id="e:0")
    story.hear(event)
    before = story.account()
    decision = story.hear(looked(0, START + 4 * DAY, START + DAY, event_id="e:0"))
    assert (decision.outcome, decision.changed, decision.accounts) == (Outcome.DUPLICATE_EVENT, False, ())
    assert decision.rules == ("R1",)
    assert (story.account(), story.known.state.event_time) == (before, START + 4 * DAY)


def test_redelivery_too_late() -> None:
    """After 4 days an id is no longer known; the record is then judged by its attempt."""
    story = Story()
    event = looked(185, event_id="e:0")
    story.hear(event)
    assert story.hear(looked(185, START + 4 * DAY + MS, event_id="e:0")).outcome is Outcome.DUPLICATE
    assert story.hear(looked(185, START + 5 * DAY, event_id="e:0")).outcome is Outcome.DUPLICATE_EVENT


def test_redelivery_is_remembered_anew() -> None:
    """An id is known for four days from when it was seen last, a redelivery included."""
    story = Story()
    for days in (0, 3):
        story.hear(looked(185, START + days * DAY, event_id="e:0"))
    assert list(story.known.state.seen.values()) == [START + 3 * DAY]
    assert story.hear(looked(185, START + 7 * DAY, event_id="e:0")).outcome is Outcome.DUPLICATE_EVENT
    assert story.hear(looked(185, START + 11 * DAY + MS, event_id="e:0")).outcome is Outcome.DUPLICATE


def test_redelivered_deletion_and_fix() -> None:
    """Deletions and Data Connect events are known by their ids, too."""
    story = Story()
    for event in (deleted(START), connected("done", START)):
        story.hear(event)
        assert story.hear(event).outcome is Outcome.DUPLICATE_EVENT


def test_memory_is_bounded() -> None:
    """Ids older than 4 days fall out."""
    story = Story()
    for night in range(30):
        story.hear(nightly(0, night))
    assert len(story.known.state.seen) == 5


def test_memory_of_ids_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its limit the memory forgets the oldest id, whose redelivery is then judged by its content alone."""
    monkeypatch.setattr(decision, "SEEN_LIMIT", 3)
    story = Story()
    events = [looked(0, START + n * MS, START + n * MS) for n in range(4)]
    story.hear(*events)
    assert len(story.known.state.seen) == 3
    assert story.hear(events[1]).outcome is Outcome.DUPLICATE_EVENT
    assert story.hear(events[0]).outcome is Outcome.STALE


def test_similar_ids() -> None:
    """Ids that differ in their index, or their form, are different events."""
    story = Story()
    ids = ["ab" * 32 + ":0", "ab" * 32 + ":1", "ab" * 16, "ab" * 16 + "-1", ""]
    outcomes = [story.hear(looked(0, event_id=event_id)).outcome for event_id in ids[:-1]]
    assert Outcome.DUPLICATE_EVENT not in outcomes


def test_tick_moves_the_clock() -> None:
    """A tick of the partition is event time for its customers."""
    story = Story()
    story.hear(nightly(0, 0))
    decision = decide(story.customer, looked(185, START + HOUR, None), RULES, ticked_at=START + DAY)
    assert decision.event_time == START + DAY
    assert decision.messages[0].time == START + DAY


def test_tick_behind_the_clock() -> None:
    """An old tick, and an old record, do not turn the customer's clock back."""
    story = Story()
    story.hear(looked(0, START + DAY))
    decision = decide(story.customer, looked(185, START, None), RULES, ticked_at=START + HOUR)
    assert decision.event_time == START + DAY


def test_tick_without_timers() -> None:
    """A tick changes nothing where nothing is due, nor for a customer that is not known."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(tick(START + DAY))
    assert (decision.outcome, decision.changed, decision.messages, decision.rules) == (Outcome.TICK, False, (), ())
    assert decide(None, tick(START), RULES).customer is None


@pytest.mark.parametrize("kind", ["command.reported", "institution.incident.opened", "operator.override", "future"])
def test_unhandled(kind: str) -> None:
    """Types that are not decided on move the clock of a known customer and make no new one."""
    event = other({"customerId": CUSTOMER}, kind)
    assert decide(None, event, RULES).customer is None
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(event)
    assert (decision.outcome, decision.changed, decision.rules) == (Outcome.UNHANDLED, False, ())
    assert story.known.state.event_time == START + DAY


def test_reports_of_readers() -> None:
    """What a service reports of a command moves the customer's clock, and decides nothing."""
    story = Story()
    story.hear(nightly(185, 0))
    report = CommandReported(command_id=story.commands[0].command_id, report="bounced", customer_id=CUSTOMER)
    decision = story.hear(Event("r:0", EventType.COMMAND_REPORTED, Source.BRIDGE, START + DAY, report))
    assert (decision.outcome, decision.changed, decision.messages) == (Outcome.REPORTED, False, ())
    assert story.known.state.event_time == START + DAY


def test_phases() -> None:
    """A decision tells where the event's account stood before and after it."""
    story = Story()
    story.hear(nightly(0, 0))
    decision = story.hear(nightly(185, 1))
    assert (decision.phase_before, decision.phase_after) == (Phase.HEALTHY, Phase.CUSTOMER_ACTION)
    assert story.hear(connected("started", START + DAY)).phase_before is None


def test_changed() -> None:
    """A first sight, an observation and a deletion are changes."""
    story = Story()
    events = [looked(None, START, None), nightly(0, 0), nightly(0, 1), deleted(START + 2 * DAY)]
    assert [story.hear(event).changed for event in events] == [True] * 4


def test_observed_by_the_sweep() -> None:
    """A snapshot read over the API is as good as a notification."""
    event = looked(185, kind=EventType.ACCOUNT_OBSERVED)
    assert Story().hear(event).outcome is Outcome.OBSERVED


def test_topics() -> None:
    """A message goes to the topic of its kind."""
    story = Story()
    story.hear(nightly(185, 0), nightly(949, 1, "a2"), nightly(169, 2, "a3"))
    assert [one.topic for one in story.told] == [
        COMMAND_TOPICS[kind] for kind in (Kind.CONNECT_FIX, Kind.RELINK, Kind.REMOVE_DUPLICATE)
    ]


def test_input_is_untouched() -> None:
    """Deciding leaves the customer that it was given as it was."""
    story = Story()
    story.hear(nightly(185, 0))
    before = story.known
    seen, account = dict(before.state.seen), before.accounts[ACCOUNT]
    story.hear(nightly(0, 1))
    assert (dict(before.state.seen), before.accounts[ACCOUNT]) == (seen, account)
    assert before.logins[LOGIN].episodes
    assert next_due(before, RULES) is None
