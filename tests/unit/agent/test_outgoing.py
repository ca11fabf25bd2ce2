"""What a poll writes beside commands: signals with ids of their own, counts, and the health of accounts (R9)."""

from datetime import datetime

import orjson
import pytest

from schemas.events import AccountChallenged, EventType
from streams.fold.effects import OutRecord
from streams.kafka.topics import HEALTH, LOOKUP, SIGNALS
from tests.unit.fold.build import (
    BANKS,
    CUSTOMERS,
    HOUR,
    MINUTE,
    PARTITION,
    START,
    World,
    agent_world,
    event,
    looked,
    tick,
)

ONE, TWO, THREE, _ = CUSTOMERS


@pytest.fixture
def agent() -> World:
    return agent_world()


def said(at: datetime) -> str:
    """Give a time as headers have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def signals(world: World, kind: str) -> list[OutRecord]:
    """Give the records of a kind of signal, in order."""
    records = [one for (topic, _), found in world.out.items() if topic == SIGNALS for one in found]
    return [one for one in records if dict(one.headers)["ce_type"].decode() == kind]


def ids(records: list[OutRecord]) -> list[str]:
    """Give the ids of records."""
    return [dict(one.headers)["ce_id"].decode() for one in records]


def test_numbers_of_a_tick(agent: World) -> None:
    """The signals that one tick brings for several customers each have an id of their own."""
    agent.hear(*(looked(one, 777_777, START) for one in (ONE, TWO)))
    agent.hear(tick(START + 80 * HOUR))
    wanted = signals(agent, "institution.ticket.wanted")
    assert ids(wanted) == [f"{PARTITION}/2/0", f"{PARTITION}/2/1"]
    assert [orjson.loads(one.value or b"")["customer_id"] for one in wanted] == [ONE, TWO]


def test_numbers_of_a_record(agent: World) -> None:
    """The signals of one record count up from 0, and the next record begins anew."""
    agent.hear(looked(ONE, 185, START), looked(ONE, 103, START + HOUR), looked(ONE, 185, START + 2 * HOUR))
    records = signals(agent, "institution.login.failing") + signals(agent, "institution.login.left")
    assert sorted(ids(records)) == [f"{PARTITION}/{n}" for n in ("0/0", "1/0", "1/1", "2/0", "2/1")]


def test_wish_without_a_code(agent: World) -> None:
    """A wish for an account whose login is not known is about no code."""
    agent.hear(looked(ONE, 185, START, institution_login_id=None), tick(START + 2 * HOUR))
    (one,) = signals(agent, "institution.ticket.wanted")
    assert dict(one.headers)["ce_subject"].decode() == f"institutions/{BANKS[0]}/codes/"
    (lookup,) = agent.out[LOOKUP, PARTITION]
    assert dict(lookup.headers)["ce_type"] == LOOKUP.encode()
    assert (lookup.key, orjson.loads(lookup.value or b"")["action"]) == (ONE.encode(), "locate")


def test_counts(agent: World) -> None:
    """Logins that succeed are counted once an institution and poll, in the place of the last of them."""
    agent.hear(
        looked(ONE, 0, START),
        looked(TWO, 0, START + MINUTE, institution_id=BANKS[1]),
        looked(THREE, 0, START + MINUTE),
        looked(ONE, 0, START + HOUR),
    )
    records = signals(agent, "institution.logins.healthy")
    counted = {one.key: orjson.loads(one.value or b"")["logins"] for one in records}
    assert counted == {BANKS[0].encode(): 2, BANKS[1].encode(): 1}
    assert sorted(ids(records)) == [f"{PARTITION}/1/healthy/{BANKS[1]}", f"{PARTITION}/3/healthy/{BANKS[0]}"]
    assert {dict(one.headers)["ce_time"].decode() for one in records} == {said(START + MINUTE), said(START + HOUR)}


def test_counted_once_in_a_window(agent: World) -> None:
    """A login counted, or reported, within 30 minutes is not counted in the next poll."""
    agent.hear(looked(ONE, 0, START), looked(TWO, 185, START))
    agent.hear(looked(ONE, 0, START + 30 * MINUTE), looked(TWO, 0, START + 30 * MINUTE))
    assert len(signals(agent, "institution.logins.healthy")) == 1
    agent.hear(looked(ONE, 0, START + 31 * MINUTE))
    assert len(signals(agent, "institution.logins.healthy")) == 2


def test_counts_outlast_a_restart(agent: World) -> None:
    """Which logins were counted is part of the state, though a count alone is no decision to audit."""
    agent.hear(looked(ONE, 0, START))
    agent.restart()
    agent.hear(looked(ONE, 0, START + 20 * MINUTE))
    assert len(signals(agent, "institution.logins.healthy")) == 1


def test_health_of_the_login(agent: World) -> None:
    """What changes a login is said of each of its accounts."""
    agent.hear(looked(ONE, 0, START), looked(ONE, 0, START + MINUTE, account="a2", institution_login_id="L1"))
    challenge = AccountChallenged(customer_id=ONE, institution_login_id="L1")
    agent.hear(event(EventType.ACCOUNT_CHALLENGED, START + HOUR, challenge, ONE))
    suspected = [one["account_id"] for one in agent.sent(HEALTH) if one["otp"] == "suspected"]
    assert suspected == ["a1", "a2"]
