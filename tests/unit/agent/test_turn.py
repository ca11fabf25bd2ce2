"""A poll of the agent: what is about the whole partition, and what is left of the forgotten."""

from datetime import datetime
from typing import Any

import orjson
import pytest

from schemas.events import Event, EventType, OverrideAction, Source
from streams.domain import Outcome
from streams.kafka.topics import HEALTH
from streams.observe.labels import Gathered
from streams.observe.parts.deciding import AGENT_EVENTS
from tests.unit.fold.build import (
    BANKS,
    CUSTOMERS,
    DAY,
    HOUR,
    MINUTE,
    PARTITION,
    START,
    World,
    agent_world,
    deleted,
    event,
    forgotten,
    incident,
    looked,
    overridden,
    tick,
)

FIX = "remediation.connect-fix"
ONE, TWO, THREE, FOUR = CUSTOMERS
SILENCE, RELEASE = OverrideAction.SILENCE, OverrideAction.RELEASE_BASELINE


@pytest.fixture
def agent() -> World:
    return agent_world()


def issued(world: World) -> list[tuple[str, str]]:
    """Give customer and time of every contact, in order."""
    found = world.out.get((FIX, PARTITION), [])
    read = [(orjson.loads(one.value or b""), dict(one.headers)["ce_time"].decode()) for one in found]
    return [(one["customer_id"], at) for one, at in read if one["action"] in ("issue", "remind")]


def said(at: datetime) -> str:
    """Give a time as headers have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def swept(customer: str, at: datetime, **more: Any) -> Event:  # noqa: ANN401 - further fields
    """Give what a first sweep reads: an attempt of three days ago."""
    return looked(customer, 185, at, baseline=True, aggregation_attempt_date=at - 3 * DAY, **more)


def audited(world: World) -> list[tuple[int, str | None, list[str]]]:
    """Give offset, key and rules of every audit record."""
    found = [(orjson.loads(one.value or b""), one.key) for one in world.audits]
    return [(one["offset"], None if key is None else key.decode(), one["rules"]) for one, key in found]


# -- R9: incidents


def test_end_of_an_incident(agent: World) -> None:
    """What waited for an incident goes out when it closes, at that time, in the order of customers."""
    agent.hear(incident(START, 185, 1, is_open=True))
    agent.hear(*(looked(one, 185, START + HOUR) for one in (THREE, ONE)), looked(TWO, 103, START + HOUR))
    assert issued(agent) == [(TWO, said(START + HOUR))]
    agent.hear(incident(START + 2 * HOUR, 185, 2, is_open=False))
    assert issued(agent)[1:] == [(one, said(START + 2 * HOUR)) for one in sorted((ONE, THREE))]
    assert audited(agent)[-3:] == [(4, None, ["R9"]), (4, ONE, ["R8"]), (4, THREE, ["R8"])]


def test_within_a_poll(agent: World) -> None:
    """All that holds as well for an incident that opens and closes within one poll."""
    opened, closed = incident(START, 185, 1, is_open=True), incident(START + 2 * HOUR, 185, 2, is_open=False)
    agent.hear(opened, looked(ONE, 185, START + HOUR), closed)
    assert issued(agent) == [(ONE, said(START + 2 * HOUR))]


def test_told_twice(agent: World) -> None:
    """An incident told of again changes nothing: no audit record, no review."""
    agent.hear(incident(START, 185, 1, is_open=True), looked(ONE, 185, START + HOUR))
    count = len(agent.audits)
    agent.hear(incident(START + HOUR, 185, 1, is_open=False), incident(START, 185, 1, is_open=True))
    assert len(agent.audits) == count
    assert issued(agent) == []


def test_incidents_outlast_a_restart(agent: World) -> None:
    """A new owner knows which incidents are open."""
    agent.hear(incident(START, 102, 1, is_open=True))
    agent.restart()
    agent.hear(looked(ONE, 185, START + HOUR))
    assert issued(agent) == []
    agent.hear(incident(START + 2 * HOUR, 102, 2, is_open=False))
    assert issued(agent) == [(ONE, said(START + 2 * HOUR))]


def test_behind_the_clock(agent: World) -> None:
    """An end that is read after a later tick counts as at that tick: event time never runs back."""
    agent.hear(incident(START, 185, 1, is_open=True), looked(ONE, 185, START + HOUR), tick(START + 5 * HOUR))
    agent.hear(incident(START + 2 * HOUR, 185, 2, is_open=False))
    assert issued(agent) == [(ONE, said(START + 5 * HOUR))]


def test_an_incident_that_nobody_closes(agent: World) -> None:
    """A tick is due an hour after the longest time that one lasts, and what waited goes out at that time."""
    agent.hear(incident(START, 185, 1, is_open=True), looked(ONE, 185, START + HOUR))
    agent.restart()
    assert agent.fold.next_due(PARTITION) == START + 13 * HOUR
    agent.hear(tick(START + DAY))
    assert issued(agent) == [(ONE, said(START + 13 * HOUR))]


def test_incidents_are_counted_as_what_they_are(agent: World) -> None:
    """An incident heard of is one, and one told of again a duplicate; neither is an operator's override."""
    opened = incident(START, 185, 1, is_open=True)
    agent.hear(opened, opened, incident(START + HOUR, 185, 2, is_open=False))
    counts = agent.tallies[0].counts
    assert counts[AGENT_EVENTS, EventType.INCIDENT_OPENED, Outcome.INCIDENT] == 1
    assert counts[AGENT_EVENTS, EventType.INCIDENT_OPENED, Outcome.DUPLICATE] == 1
    assert counts[AGENT_EVENTS, EventType.INCIDENT_CLOSED, Outcome.INCIDENT] == 1


# -- R16: silences


def test_silence_of_all_until(agent: World) -> None:
    """The stop button holds every contact; at its end the tick sends what waits, in the order of customers."""
    agent.hear(overridden(SILENCE, START, all=True, until=START + DAY))
    agent.hear(*(looked(one, 185, START + HOUR) for one in (TWO, ONE)))
    assert agent.fold.next_due(PARTITION) == START + DAY
    agent.hear(tick(START + DAY + HOUR))
    assert issued(agent) == [(one, said(START + DAY)) for one in sorted((ONE, TWO))]


def test_silence_of_all_lifted(agent: World) -> None:
    """Another override ends it: what waits goes out then."""
    agent.hear(overridden(SILENCE, START, all=True), looked(ONE, 185, START + HOUR))
    assert agent.fold.next_due(PARTITION) is None
    at = START + 3 * DAY
    agent.hear(overridden(SILENCE, at, all=True, until=at))
    assert issued(agent) == [(ONE, said(at))]
    assert agent.fold.next_due(PARTITION) == at + DAY


def test_silence_moves_timers(agent: World) -> None:
    """A silence moves what was already due to go out: it goes at the end of the silence, or not until it is lifted."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 0, START + HOUR), looked(ONE, 103, START + 2 * HOUR))
    assert agent.fold.next_due(PARTITION) == START + DAY
    agent.hear(overridden(SILENCE, START + 3 * HOUR, all=True, until=START + 9 * DAY))
    assert agent.fold.next_due(PARTITION) == START + 9 * DAY
    agent.hear(overridden(SILENCE, START + 4 * HOUR, all=True), tick(START + 20 * DAY))
    assert agent.fold.next_due(PARTITION) is None
    assert len(issued(agent)) == 1


def test_silence_of_an_institution(agent: World) -> None:
    """A silence of an institution holds its customers and nobody else, over a restart as well."""
    agent.hear(overridden(SILENCE, START, institution_id=BANKS[0]))
    agent.restart()
    agent.hear(looked(ONE, 185, START + HOUR), looked(TWO, 185, START + HOUR, institution_id=BANKS[1]))
    assert issued(agent) == [(TWO, said(START + HOUR))]


def test_same_silence_again(agent: World) -> None:
    """A silence that is set already is no news."""
    agent.hear(overridden(SILENCE, START, all=True))
    agent.hear(overridden(SILENCE, START + HOUR, all=True))
    assert len(agent.audits) == 1


# -- R17: the baseline


def test_release_at_a_rate(agent: World) -> None:
    """Baseline cases are released one by one, at the rate that the operator sets, by customer."""
    agent.hear(*(swept(one, START) for one in (THREE, ONE, TWO)))
    assert agent.fold.next_due(PARTITION) is None
    agent.hear(overridden(RELEASE, START + HOUR, all=True, rate_per_hour=2))
    assert issued(agent) == [(ONE, said(START + HOUR))]
    assert agent.fold.next_due(PARTITION) == START + HOUR + 30 * MINUTE
    agent.hear(tick(START + 10 * HOUR))
    assert issued(agent) == [(one, said(START + HOUR + 30 * n * MINUTE)) for n, one in enumerate((ONE, TWO, THREE))]


def test_release_over_a_restart(agent: World) -> None:
    """The times of a release are part of the state."""
    agent.hear(*(swept(one, START) for one in (ONE, TWO)))
    agent.hear(overridden(RELEASE, START + HOUR, all=True, rate_per_hour=1))
    agent.restart()
    assert agent.fold.next_due(PARTITION) == START + 2 * HOUR


def test_release_while_silent(agent: World) -> None:
    """A release lifts no silence."""
    agent.hear(*(swept(one, START) for one in (ONE, TWO)), overridden(SILENCE, START + MINUTE, all=True))
    agent.hear(overridden(RELEASE, START + HOUR, all=True), tick(START + 2 * DAY))
    assert issued(agent) == []


def test_release_of_an_institution(agent: World) -> None:
    """A release names an institution, or all."""
    agent.hear(swept(ONE, START), swept(TWO, START, institution_id=BANKS[1]))
    agent.hear(overridden(RELEASE, START + HOUR, institution_id=BANKS[1]))
    assert issued(agent) == [(TWO, said(START + HOUR))]


# -- R18: the forgotten


def test_tombstones(agent: World) -> None:
    """Of a forgotten customer the tables keep nothing, and the health of every account is erased."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 0, START + MINUTE, account="a2"), looked(TWO, 0, START))
    agent.hear(forgotten(ONE, START + HOUR))
    last = {one.key: one.value for one in agent.out[HEALTH, PARTITION]}
    assert [last[f"{ONE}/{account}".encode()] for account in ("a1", "a2")] == [None, None]
    assert last[f"{TWO}/a1".encode()] is not None
    state = agent.state()
    assert [list(state[name]) for name in ("accounts", "customers", "logins")] == [[f"{TWO}/a1"], [TWO], []]
    assert [one["action"] for one in agent.sent(FIX)] == ["issue", "withdraw"]


def test_seen_and_forgotten_in_a_poll(agent: World) -> None:
    """What a poll has heard of an account that is forgotten within it is not said."""
    agent.hear(looked(ONE, 185, START), forgotten(ONE, START + HOUR))
    assert [one.value for one in agent.out[HEALTH, PARTITION]] == [None]


def test_comes_back_in_a_poll(agent: World) -> None:
    """An account that comes back within the poll is said anew, after the tombstone."""
    agent.hear(looked(ONE, 185, START), forgotten(ONE, START + HOUR), looked(ONE, 0, START + 2 * HOUR))
    tombstone, health = agent.out[HEALTH, PARTITION]
    assert tombstone.value is None
    assert orjson.loads(health.value or b"")["phase"] == "healthy"


def test_comes_back_with_the_event_that_finds_it_forgotten(agent: World) -> None:
    """An account whose customer's time is over just before its next event is said anew, after the tombstone."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START + HOUR))
    agent.hear(looked(ONE, 0, START + 90 * DAY))
    *_, tombstone, health = agent.out[HEALTH, PARTITION]
    assert tombstone.value is None
    assert orjson.loads(health.value or b"")["phase"] == "healthy"


def test_forgotten_just_after_an_account_went(agent: World) -> None:
    """An account whose state a timer drops just before the order is erased with the rest."""
    agent.hear(looked(ONE, 0, START), looked(ONE, 0, START + MINUTE, account="a2"), deleted(ONE, START))
    agent.hear(forgotten(ONE, START + 31 * DAY))
    last = {one.key: one.value for one in agent.out[HEALTH, PARTITION]}
    assert set(last.values()) == {None}


def test_tombstones_of_what_was_dropped(agent: World) -> None:
    """The health of accounts whose state was dropped long before is erased as well: it is kept for ever otherwise."""
    agent.hear(looked(ONE, 0, START), looked(ONE, 0, START + MINUTE, account="a2"), deleted(ONE, START + HOUR))
    agent.hear(tick(START + 31 * DAY))
    agent.hear(forgotten(ONE, START + 32 * DAY))
    last = {one.key: one.value for one in agent.out[HEALTH, PARTITION]}
    assert set(last.values()) == {None}


# -- the rest


def test_later_versions(agent: World) -> None:
    """An event about a partition that this version does not know is counted, and changes nothing."""
    agent.hear(event("of.a.later.version", START, {"n": 1}, None, Source.BRIDGE))
    assert not agent.audits
    assert agent.tallies[0].counts[AGENT_EVENTS, Gathered.OTHER, Outcome.UNHANDLED] == 1


def test_customers_of_a_poll(agent: World) -> None:
    """An event about all sees the customers of its own poll, too, and not those that are forgotten in it."""
    agent.hear(overridden(SILENCE, START, all=True), looked(ONE, 185, START))
    agent.hear(
        looked(TWO, 185, START + HOUR),
        forgotten(ONE, START + HOUR),
        overridden(SILENCE, START + 2 * HOUR, all=True, until=START + HOUR),
    )
    assert issued(agent) == [(TWO, said(START + 2 * HOUR))]
    assert FOUR not in agent.state()["customers"]
