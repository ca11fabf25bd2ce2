"""Who is poisoned stops nobody else; what fails at everybody stops the partition (streams: guarantee 4)."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.events import Event
from schemas.state import CustomerState, Silence, encode
from streams.agent import decider, refusals, turn
from streams.domain import Customer, Decision, Outgoing, Rules, decide, next_due
from streams.fold.effects import PartitionPaused, ShareTooLarge
from streams.fold.share import MINIMUM, WINDOW, entries
from streams.kafka.topics import DEAD_LETTER
from streams.observe.parts.deciding import AGENT_TIMERS_FAILED
from tests.unit.fold.build import (
    CUSTOMERS,
    HOUR,
    MINUTE,
    PARTITION,
    POLICY,
    START,
    World,
    activated,
    agent_world,
    ids_of,
    incident,
    looked,
    tick,
)

HUGE, *OTHERS = CUSTOMERS


@pytest.fixture
def agent() -> World:
    """Give an agent's fold."""
    return agent_world()


def failing_for(*customers: str) -> Any:  # noqa: ANN401 - a stand-in for decide
    """Give decisions that fail for some customers."""

    def failing(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if one.partition_key in customers:
            raise ZeroDivisionError
        return decide(customer, one, *rest)

    return failing


def test_accounts_that_a_customer_has_no_room_for(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer with hundreds of accounts too many is refused them night after night, and nobody is held up."""
    monkeypatch.setattr(refusals, "MAX_ACCOUNTS", 2)
    agent.hear(*(looked(one, 0, START) for one in ids_of(PARTITION, MINIMUM)))
    for night in range(3):
        at = START + 24 * night * HOUR
        agent.hear(*(looked(HUGE, 103, at + n * MINUTE, account=f"a{n}") for n in range(400)))
    agent.hear(looked(OTHERS[0], 185, START + 80 * HOUR))
    assert len(agent.sent(DEAD_LETTER)) > WINDOW
    assert agent.sent("remediation.connect-fix")[-1]["customer_id"] == OTHERS[0]


def test_a_customer_at_whom_every_decision_fails(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose state no decision can be made on fills the dead letters, over a restart, and stops nothing."""
    agent.hear(*(looked(one, 0, START) for one in ids_of(PARTITION, MINIMUM)))
    monkeypatch.setattr(turn, "decide", failing_for(HUGE))
    agent.hear(*(looked(HUGE, 103, START + n * MINUTE) for n in range(300)))
    agent.restart()
    agent.hear(*(looked(HUGE, 103, START + n * MINUTE) for n in range(WINDOW)), looked(OTHERS[0], 185, START + HOUR))
    assert len(agent.sent(DEAD_LETTER)) == 300 + WINDOW


@pytest.mark.parametrize("count", [2, 20, 300])
def test_a_release_that_fails_at_everybody(agent: World, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Where every decision fails the partition pauses, few as its customers may be, before a window is drained."""
    customers = ids_of(PARTITION, count)
    agent.hear(*(looked(customers[n % count], 0, START + n * MINUTE) for n in range(WINDOW)))
    monkeypatch.setattr(turn, "decide", failing_for(*customers))
    with pytest.raises(ShareTooLarge):
        agent.hear(*(looked(customers[n % count], 103, START + n * MINUTE) for n in range(WINDOW)))


def test_timers_of_one_customer_that_fail(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails at a tick is the customer's whose timers they are, not the tick's; so is it with its own records."""

    def failing(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if customer is not None and customer.customer_id == HUGE:
            raise ZeroDivisionError
        return decide(customer, one, *rest)

    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    monkeypatch.setattr(turn, "decide", failing)
    agent.hear(tick(START + 48 * HOUR))
    agent.hear(looked(HUGE, 0, START + 48 * HOUR))
    control = agent.fold.tables[-1].partition(PARTITION)[str(PARTITION)]
    assert list(control.dead_of) == 2 * entries([HUGE])


def timers_fail_for(*customers: str) -> Any:  # noqa: ANN401 - a stand-in for next_due
    """Give due times that cannot be told for some customers."""

    def failing(customer: Customer, *rest: Any) -> datetime | None:  # noqa: ANN401 - as it is called
        if customer.customer_id in customers:
            raise ZeroDivisionError
        return next_due(customer, *rest)

    return failing


def reminded(agent: World) -> set[str]:
    """Give who was told twice, as a reminder does."""
    told = Counter(one["customer_id"] for one in agent.sent("remediation.connect-fix"))
    return {customer_id for customer_id, times in told.items() if times > 1}


@pytest.mark.parametrize("is_looked_at", [True, False], ids=["prepared", "ticked first"])
def test_due_times_of_one_customer_that_cannot_be_told(
    agent: World, monkeypatch: pytest.MonkeyPatch, *, is_looked_at: bool
) -> None:
    """A worker that opens the partition keeps the timers of all others, whatever comes first: the look or a tick."""
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    monkeypatch.setattr(decider, "next_due", timers_fail_for(HUGE))
    monkeypatch.setattr(turn, "next_due", timers_fail_for(HUGE))
    agent.restart()
    while is_looked_at and not agent.fold.prepare(PARTITION):
        pass
    agent.tallies.clear()
    agent.hear(tick(START + 48 * HOUR))
    assert reminded(agent) == set(OTHERS)
    assert agent.sent(DEAD_LETTER) == []
    assert sum(one.counts[AGENT_TIMERS_FAILED,] for one in agent.tallies) == (0 if is_looked_at else 1)


def test_due_times_that_cannot_be_told_any_more(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose due time can no longer be told where news move all timers takes no tick from the others."""
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    monkeypatch.setattr(turn, "next_due", timers_fail_for(HUGE))
    agent.hear(incident(START + 47 * HOUR, 103, 1, is_open=True), tick(START + 48 * HOUR))
    assert reminded(agent) == set(OTHERS)
    assert agent.sent(DEAD_LETTER) == []
    assert agent.tallies[-1].counts[AGENT_TIMERS_FAILED,] == 1
    assert (agent.fold.next_due(PARTITION) or START) > START + 48 * HOUR


@pytest.mark.parametrize("is_at_tick", [True, False], ids=["at a tick", "at its own event"])
def test_a_state_that_outgrows_a_record(agent: World, monkeypatch: pytest.MonkeyPatch, *, is_at_tick: bool) -> None:
    """What a broker would not take as a record of the state is refused its customer, and nobody is held up."""
    bank = "4" * 40
    agent.hear(*(looked(one, 185, START) for one in OTHERS), looked(HUGE, 185, START, institution_id=bank))
    before = agent.state()["logins"][f"{HUGE}/L1"]
    monkeypatch.setattr(turn, "encode", lambda one: encode(one) + b" " * 900_000 * (bank.encode() in encode(one)))
    own = looked(HUGE, 103, START + 29 * HOUR, institution_id=bank)
    agent.hear(*([tick(START + 30 * HOUR)] * 2 if is_at_tick else [own]))
    agent.hear(*(looked(one, 0, START + 31 * HOUR) for one in OTHERS))
    letters = agent.sent(DEAD_LETTER)
    assert [one["reason"] for one in letters] == ["bad_data"]
    assert "a state record of the customer would have 900" in letters[0]["detail"]
    assert agent.state()["logins"][f"{HUGE}/L1"] == before
    assert reminded(agent) == set(OTHERS)


def test_a_customer_record_that_outgrows_a_record(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer's own record is looked at once it has many entries."""
    monkeypatch.setattr(refusals, "WIDE", 40)
    monkeypatch.setattr(refusals, "MAX_RECORD_BYTES", 3000)
    agent.hear(*(looked(HUGE, 185, START + n * MINUTE) for n in range(100)))
    assert 2800 < len(agent.state()["customers"][HUGE]) <= 3000
    assert {one["reason"] for one in agent.sent(DEAD_LETTER)} == {"bad_data"}


def test_the_widest_customer_that_is_not_looked_at() -> None:
    """Below the number of entries from which it is looked at, no record of a customer is near the limit."""
    keys = [f"accounts/{n:04}" + '"' * 60 for n in range(refusals.WIDE)]
    until = datetime.max.replace(tzinfo=UTC)
    widest = CustomerState(START, silences=dict.fromkeys(keys, Silence(until)))
    assert len(encode(widest)) < refusals.MAX_RECORD_BYTES


@pytest.mark.parametrize("is_one_poll", [True, False], ids=["one poll", "a poll each"])
def test_other_rules_mend_timers(agent: World, monkeypatch: pytest.MonkeyPatch, *, is_one_poll: bool) -> None:
    """Who has failed at a tick is looked at anew under other rules, wherever the log is cut into polls."""
    shipped = POLICY.version

    def failing(customer: Customer | None, one: Event, rules: Rules, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if rules.policy.version == shipped and one.partition_key is None and customer and customer.customer_id == HUGE:
            raise ZeroDivisionError
        return decide(customer, one, rules, *rest)

    agent.hear(looked(HUGE, 185, START))
    monkeypatch.setattr(turn, "decide", failing)
    mended = activated(START + 31 * HOUR, POLICY.model_copy(update={"version": "mended"}))
    news = [tick(START + 30 * HOUR), mended, tick(START + 32 * HOUR)]
    for together in [news] if is_one_poll else [[one] for one in news]:
        agent.hear(*together)
    assert (len(agent.sent(DEAD_LETTER)), reminded(agent)) == (1, {HUGE})


def test_a_message_that_cannot_be_made(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a decision is kept where a message of it cannot be made: neither at a tick nor at an own event."""
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    before = agent.state()["logins"][f"{HUGE}/L1"]

    def failing(_links: object, message: Outgoing, _rules: Rules) -> None:
        if message.key == HUGE:
            raise ZeroDivisionError

    monkeypatch.setattr(turn, "fix_url", failing)
    agent.hear(tick(START + 30 * HOUR), tick(START + 30 * HOUR), looked(HUGE, 103, START + 31 * HOUR))
    assert agent.state()["logins"][f"{HUGE}/L1"] == before
    assert (len(agent.sent(DEAD_LETTER)), reminded(agent)) == (2, set(OTHERS))


def test_a_state_of_a_later_release_at_a_tick(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a state cannot be read is nobody's failure: the partition pauses, and nothing is set aside for it."""
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))

    def refused(*_: Any) -> datetime | None:  # noqa: ANN401 - as it is called
        raise PartitionPaused("a later release has worked here")

    monkeypatch.setattr(turn, "next_due", refused)
    with pytest.raises(PartitionPaused):
        agent.hear(looked(HUGE, 0, START + HOUR), incident(START + HOUR, 103, 1, is_open=True), tick(START + 30 * HOUR))
    assert agent.sent(DEAD_LETTER) == []


def test_a_tick_asks_for_the_timers_that_may_have_moved(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the others it knows when they are due: who stays due for later ticks costs each of them nothing."""
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    monkeypatch.setattr(turn, "next_due", timers_fail_for(*CUSTOMERS))
    agent.hear(tick(START + 30 * HOUR))
    assert reminded(agent) == set(CUSTOMERS)
