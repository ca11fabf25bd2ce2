"""Simulations as a function on events, and what surrounds them: rules that change, incidents, copies, faults."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import orjson
import pytest

from schemas.cloudevents import to_structured
from schemas.events import (
    AccountSnapshot,
    ClockTick,
    Event,
    EventType,
    Incident,
    Override,
    OverrideAction,
    Source,
)
from schemas.policy import Contact, Policy
from streams.agent import refusals
from streams.agent import wide as everybody
from streams.domain import Customer, decide, review
from streams.fold.inforce import InForce
from streams.simulate import Simulation, customers, simulate
from streams.simulate.run import run as play
from tests.component.simulate.build import account, at, captured, in_words, notified, run, seen, told
from tests.component.simulate.test_as_live import storm
from tests.unit.domain.build import BANK, CATALOGUE, CUSTOMER, DAY, HOUR, MINUTE, START, looked

PATIENT = Policy(version="patient", contact=Contact(reminder_days=(5,)))


def words(events: Iterable[Event], **options: object) -> list[str]:
    """Give what a simulation of events says."""
    return [in_words(message) for message in simulate(events, **options)]  # type: ignore[arg-type] # as the caller means it


def wide(data: Override | Incident, when: int, kind: EventType, name: str) -> Event:
    """Give an event about everybody."""
    return Event(name, kind, Source.OPERATOR, START + when * HOUR, data)


def test_messages_are_cloud_events() -> None:
    """Each has the attributes and the data that live writes."""
    message = next(iter(simulate([looked(185, event_id="e1")])))
    assert list(message) == [
        "specversion",
        "id",
        "type",
        "source",
        "subject",
        "time",
        "partitionkey",
        "datacontenttype",
        "data",
    ]
    assert message["data"]["evidence"] == {"event_ids": ["e1"], "rules": ["R3"]}
    assert message["id"] == message["data"]["command_id"] + ":0"
    assert message["partitionkey"] == CUSTOMER


def test_events_are_taken_as_the_messages_are() -> None:
    """It goes on forever where the events do: nothing is gathered first."""

    def endless() -> Iterable[Event]:
        night = 0
        while True:
            yield looked(185 if night % 2 else 0, START + night * 60 * DAY, START + night * 60 * DAY)
            night += 1

    messages = iter(simulate(endless()))
    assert [in_words(next(messages)).split(" ", 1)[1] for _ in range(3)] == [
        "connect-fix issue 185",
        "connect-fix remind 185",
        "connect-fix remind 185",
    ]


def test_time_goes_on_to_until() -> None:
    """Without it, time ends with the last event; what is later than it is not heard."""
    events = [looked(185), looked(0, START + 30 * DAY, START + 30 * DAY)]
    assert words(events, until=START + 3 * DAY) == [
        "0h connect-fix issue 185",
        "24h connect-fix remind 185",
        "72h connect-fix remind 185",
    ]
    assert words(events)[-1] == "720h connect-fix withdraw 185"
    assert words([], until=START) == []


def activated(policy: Policy, when: int, partition: int, source: Source = Source.AGENT) -> Event:
    """Give the rules as a partition's log has them."""
    event = InForce.of(policy, CATALOGUE).announcement(source, "aggregation.events", partition, START)
    return Event(event.id, event.type, event.source, START + when * HOUR, event.data)


def test_rules_that_are_activated_hold_from_there_on() -> None:
    """Timers that are set already follow them; a policy that is named wins over the log's own."""
    events = [looked(185), activated(PATIENT, 1, 0), activated(PATIENT, 1, 1)]
    assert words(events, until=START + 9 * DAY)[1:] == ["120h connect-fix remind 185"]
    assert words(events, policy=Policy(), until=START + 2 * DAY)[1:] == ["24h connect-fix remind 185"]


def test_an_announcement_behind_other_rules_is_passed_over() -> None:
    """As in live: an agent that announces its shipped rules does not undo what an operator has put in force."""
    by_hand = activated(PATIENT, 0, 0, Source.OPERATOR)
    shipped, again = activated(Policy(), 0, 1), activated(Policy(), 0, 0, Source.OPERATOR)
    assert words([by_hand, shipped, looked(185)], until=START + 9 * DAY)[1:] == ["120h connect-fix remind 185"]
    assert words([shipped, by_hand, looked(185)], until=START + 9 * DAY)[1:] == ["120h connect-fix remind 185"]
    assert words([by_hand, again, looked(185)], until=START + 2 * DAY)[1:] == ["24h connect-fix remind 185"]


def test_an_event_of_every_partition_is_heard_once() -> None:
    """A baseline that is released at a rate is spread once, whatever the number of partitions in the file."""
    old = [
        Event(
            f"old{n}",
            EventType.ACCOUNT_OBSERVED,
            Source.SWEEP,
            START,
            AccountSnapshot(
                customer_id=str(n),
                account_id=str(n),
                institution_id=BANK,
                institution_login_id=str(n),
                aggregation_status_code=185,
                aggregation_attempt_date=START - 9 * DAY,
                baseline=True,
            ),
            None,
            str(n),
        )
        for n in range(3)
    ]
    release = Override(action=OverrideAction.RELEASE_BASELINE, all=True, rate_per_hour=2, who="ann", why="slowly")
    copies = [
        wide(release, 1, EventType.OPERATOR_OVERRIDE, f"operator:7:aggregation.events/{partition}")
        for partition in range(3)
    ]
    said = words([*old, *copies], until=START + 9 * HOUR)
    assert said == ["1h connect-fix issue 185", "1.5h connect-fix issue 185", "2h connect-fix issue 185"]


def test_ticks_of_a_log_move_the_clock() -> None:
    """Timers up to the tick fire when time goes on, each at its own time; the end is the last tick."""
    tick = Event("tick:1", EventType.CLOCK_TICK, Source.AGENT, START + 2 * DAY, ClockTick())
    assert words([looked(185), tick]) == ["0h connect-fix issue 185", "24h connect-fix remind 185"]


def lines_of(events: Iterable[Event]) -> list[object]:
    """Give events as a recorded log has them."""
    return [to_structured(event) for event in events]


def captures_of(events: Iterable[Event]) -> list[object]:
    """Give the same as raw traffic."""
    found: list[object] = []
    for event in events:
        data = event.data
        assert isinstance(data, AccountSnapshot)
        body = account(
            data.aggregation_status_code,
            event.time,
            id=data.account_id,
            customerId=data.customer_id,
            institutionLoginId=data.institution_login_id,
        )
        found.append(captured("txpush", event.time, notified(body)))
    return found


def test_an_account_read_over_the_api_may_be_the_first_of_its_customer(tmp_path: Path) -> None:
    """Nobody has heard of it before: it is decided on as if it had been notified."""
    assert told(run(tmp_path, [captured("api", START, account(185))])) == ["0h connect-fix issue 185"]
    assert told(run(tmp_path, [captured("txpush", START, notified(account(185)))])) == ["0h connect-fix issue 185"]


def contacts(said: list[str]) -> int:
    """Count the messages that ask for contact."""
    return sum("connect-fix issue" in one or "connect-fix remind" in one for one in said)


def test_incidents_are_derived_for_raw_traffic_only(tmp_path: Path) -> None:
    """40 logins fail together: of raw traffic half are spared; a recorded log would say so, had there been one."""
    night = list(storm(Random(1), 905))  # noqa: S311 - the same night every time
    storms = [event for event in storm(Random(1), 185) if event.time < START + 100 * MINUTE]  # noqa: S311 - the same
    assert contacts(told(run(tmp_path, captures_of(storms)))) == 20
    assert contacts(told(run(tmp_path, lines_of(storms)))) == 40
    assert contacts(told(run(tmp_path, captures_of(night)))) == 0


def test_recorded_incidents_are_taken_as_given(tmp_path: Path) -> None:
    """What the log says holds: from its opening to its closing, and nothing is derived beside it."""
    opened = Incident(institution_id=BANK, code=185, sequence=1, opened_at=START, logins_failing=20, logins_seen=20)
    events = [
        wide(opened, 0, EventType.INCIDENT_OPENED, "opened"),
        looked(185, START + HOUR),
        wide(opened.model_copy(update={"sequence": 2}), 5, EventType.INCIDENT_CLOSED, "closed"),
    ]
    assert told(run(tmp_path, lines_of(events))) == ["5h connect-fix issue 185"]
    storms = [event for event in storm(Random(1), 185) if event.time < START + 100 * MINUTE]  # noqa: S311 - the same
    closed = wide(opened, 0, EventType.INCIDENT_CLOSED, "closed")
    assert contacts(told(run(tmp_path, [*lines_of([closed]), *captures_of(storms)]))) == 40


def test_what_cannot_be_decided_is_set_aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One customer's trouble is named, and the others go on, as live does."""

    def fragile(customer: Customer | None, event: Event, *rest: object) -> object:
        if event.partition_key == "71":
            raise ZeroDivisionError("by nothing")
        return decide(customer, event, *rest)  # type: ignore[arg-type] # what it was given

    monkeypatch.setattr(customers, "decide", fragile)
    done = run(tmp_path, [seen(185, customer="71"), seen(185, at(minutes=1))])
    assert len(told(done)) == 1
    assert "events.jsonl:1: decision_failed: ZeroDivisionError: by nothing (e" in done.stderr


def test_timers_that_fail_at_the_end_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What goes wrong behind the last line is told, too."""
    monkeypatch.setattr(customers, "decide", _fails_at_ticks)
    done = run(tmp_path, [seen(185)], "--until", "2026-12-01T00:00:00Z")
    assert len(told(done)) == 1
    assert f"events.jsonl: decision_failed: ZeroDivisionError:  (timers of customer {CUSTOMER})" in done.stderr


def _fails_at_ticks(customer: Customer | None, event: Event, *rest: object) -> object:
    if isinstance(event.data, ClockTick):
        raise ZeroDivisionError
    return decide(customer, event, *rest)  # type: ignore[arg-type] # what it was given


def test_a_timer_that_fails_waits_for_the_customers_next_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named once and does not hold up the clock."""
    simulation = Simulation(InForce.of(Policy(), CATALOGUE))
    monkeypatch.setattr(customers, "decide", _fails_at_ticks)
    list(play(simulation, [looked(185)], START + 9 * DAY))
    assert [aside.event_id for aside in simulation.take_asides()] == [f"timers of customer {CUSTOMER}"]
    monkeypatch.setattr(customers, "decide", decide)
    assert len(list(simulation.hear(looked(185, START + 10 * DAY, START + 10 * DAY)))) > 0


def test_a_customer_who_cannot_be_reviewed_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a silence of all ends, one customer's trouble is named, and the others are told."""

    def fragile(customer: Customer, *rest: object) -> object:
        if customer.customer_id == "71":
            raise ZeroDivisionError
        return review(customer, *rest)  # type: ignore[arg-type] # what it was given

    silence = Override(action=OverrideAction.SILENCE, all=True, who="ann", why="to look first")
    ended = silence.model_copy(update={"until": START})
    failing = [looked(185, START + HOUR), as_customer("71", looked(185, START + HOUR, account="a2", login="L2"))]
    monkeypatch.setattr(everybody, "review", fragile)
    simulation = Simulation(InForce.of(Policy(), CATALOGUE))
    events = [
        wide(silence, 0, EventType.OPERATOR_OVERRIDE, "silence"),
        *failing,
        wide(ended, 2, EventType.OPERATOR_OVERRIDE, "lift"),
    ]
    assert [message.key for message in play(simulation, events, START + 3 * HOUR)] == [CUSTOMER]
    assert [aside.event_id for aside in simulation.take_asides()] == ["lift of customer 71"]


def as_customer(customer_id: str, event: Event) -> Event:
    """Give a snapshot to another customer."""
    assert isinstance(event.data, AccountSnapshot)
    data = event.data.model_copy(update={"customer_id": customer_id})
    return Event(event.id, event.type, event.source, event.time, data)


def test_a_customer_has_a_limit_of_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What live sets aside is set aside here."""
    monkeypatch.setattr(refusals, "MAX_ACCOUNTS", 1)
    simulation = Simulation(InForce.of(Policy(), CATALOGUE))
    list(play(simulation, [looked(185), looked(185, account="a2")], None))
    assert [aside.detail for aside in simulation.take_asides()] == ["the customer would have more than 1 accounts"]


def test_summary_and_messages_do_not_hold_events(tmp_path: Path) -> None:
    """A line is dropped when it was decided on: many redeliveries of one event are one memory."""
    lines = [orjson.dumps(seen(185, id="same")) + b"\n"] * 2000
    assert told(run(tmp_path, lines)) == ["0h connect-fix issue 185"]
