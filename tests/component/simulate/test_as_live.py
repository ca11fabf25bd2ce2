"""A simulation says what the two agents say, byte for byte: held against them on a broker in memory."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

import orjson
import pytest

from schemas.events import (
    AccountChallenged,
    AccountSnapshot,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventType,
    Override,
    OverrideAction,
    Source,
)
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.simulate import Simulation
from streams.simulate.run import run
from streams.testing import Topology
from streams.testing.topology import COMMANDS
from tests.unit.domain.build import CATALOGUE, DAY, HOUR, MINUTE, START, fresh_id

CODES = (0, 0, 0, 0, 185, 185, 185, 103, 109, 948, 169, 949, 931, 102, 906, 7777)
CUSTOMERS, STEPS = 8, 150


def story(random: Random) -> Iterator[Event]:
    """Give what may happen to some customers in three weeks, at times of which no two are alike."""
    at = START
    for _ in range(STEPS):
        at += timedelta(milliseconds=random.randint(1, 6 * HOUR // timedelta(milliseconds=1)))
        customer = str(70 + random.randrange(CUSTOMERS))
        yield random.choices((looked, fixed, other), (20, 4, 1))[0](random, customer, at)


def looked(random: Random, customer: str, at: datetime) -> Event:
    account = random.choice("ab")
    data = AccountSnapshot(
        customer_id=customer,
        account_id=customer + account,
        institution_id="102105",
        institution_login_id=None if random.random() < 0.05 else f"L{customer}",
        aggregation_status_code=random.choice(CODES),
        aggregation_attempt_date=at - random.choice((1, 1, 1, 600)) * MINUTE,
        authorization_end_date=START + 10 * DAY if account == "b" else None,
        authorization_expires=account == "b",
    )
    return Event(fresh_id(), EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data, None, customer)


def fixed(random: Random, customer: str, at: datetime) -> Event:
    named = (f"L{customer}",) if random.random() < 0.7 else ()
    data = ConnectEvent(
        customer_id=customer, institution_id="102105", institution_login_ids=named, event_type="done", code=None
    )
    return Event(fresh_id(), "connect.done", Source.BRIDGE, at, data, None, customer)


def other(random: Random, customer: str, at: datetime) -> Event:
    return random.choice((silenced, challenged, forgotten))(random, customer, at)


def silenced(random: Random, customer: str, at: datetime) -> Event:
    of = None if random.random() < 0.5 else customer
    data = Override(
        action=OverrideAction.SILENCE, customer_id=of, all=of is None, until=at + DAY, who="ann", why="to try"
    )
    return Event(fresh_id(), EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, data, None, of)


def challenged(_random: Random, customer: str, at: datetime) -> Event:
    data = AccountChallenged(customer_id=customer, institution_login_id=f"L{customer}")
    return Event(fresh_id(), EventType.ACCOUNT_CHALLENGED, Source.BRIDGE, at, data, None, customer)


def forgotten(_random: Random, customer: str, at: datetime) -> Event:
    data = CustomerForgotten(customer_id=customer, who="ann", why="to try")
    return Event(fresh_id(), EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, at, data, None, customer)


def storm(random: Random, code: int) -> Iterator[Event]:
    """Give a night of one institution: healthy logins, then many that fail together, then healthy ones again."""
    for minute, failing in ((0, 0), (40, code), (100, 0)):
        for number in range(40):
            at = START + minute * MINUTE + timedelta(milliseconds=number * 20_000 + random.randrange(1000))
            customer = str(700 + number)
            data = AccountSnapshot(
                customer_id=customer,
                account_id=f"{customer}a",
                institution_id="102105",
                institution_login_id=f"L{customer}",
                aggregation_status_code=failing,
                aggregation_attempt_date=at,
            )
            yield Event(fresh_id(), EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data, None, customer)


def live(events: Iterable[Event], until: datetime, policy: Policy) -> dict[str, list[bytes]]:
    """Give the values that each topic gets from the agents, in order."""
    with Topology(partitions=1, policy=policy, start=START - DAY) as topology:
        for event in events:
            topology.send(event)
        topology.advance_to(until)
        return {topic: [one.value or b"" for one in topology.read(topic)] for topic in COMMANDS}


def simulated(events: Iterable[Event], until: datetime, policy: Policy) -> dict[str, list[bytes]]:
    """Give the same of a simulation."""
    simulation = Simulation(InForce.of(policy, CATALOGUE))
    found: dict[str, list[bytes]] = {topic: [] for topic in COMMANDS}
    for message in run(simulation, events, until):
        found[message.topic].append(message.value)
    assert simulation.take_asides() == []
    return found


@pytest.mark.parametrize("seed", range(6))
def test_stories_come_out_as_live(seed: int) -> None:
    """Failures, repairs, overrides, silences for all, forgotten customers, and all the timers that they set."""
    events = list(story(Random(seed)))  # noqa: S311 - the same story every time
    until, policy = events[-1].time + 120 * DAY, Policy()
    expected = live(events, until, policy)
    assert simulated(events, until, policy) == expected
    assert sum(map(len, expected.values())) > STEPS / 3


@pytest.mark.parametrize("code", [185, 905])
def test_an_incident_comes_out_as_live(code: int) -> None:
    """What the institutions' side finds holds the customers back, at once: both sides, on one clock."""
    events = list(storm(Random(code), code))  # noqa: S311 - the same night every time
    until, policy = START + 30 * DAY, Policy()
    expected = live(events, until, policy)
    assert simulated(events, until, policy) == expected
    assert [action(value) for value in expected["remediation.support-ticket"]] == ["issue", "complete"]


def action(value: bytes) -> str:
    """Read what a message says."""
    return str(orjson.loads(value)["action"])
