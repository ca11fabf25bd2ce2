"""Records and timers that are set aside as dead letters, while all others go on."""

from typing import Any

import orjson
import pytest

from schemas.audit import DeadLetterReason
from schemas.events import Event, Source
from streams.agent import refusals, turn
from streams.domain import Customer, Decision, decide
from streams.kafka.topics import DEAD_LETTER
from tests.unit.fold.build import (
    CUSTOMERS,
    DAY,
    HOUR,
    PARTITION,
    START,
    STRANGER,
    LogRecord,
    World,
    connected,
    deleted,
    event,
    looked,
    record,
    tick,
)
from tests.unit.fold.logfold.build import dead, failing_at_ticks_of, unreadable

FIX = "remediation.connect-fix"
ONE, TWO, THREE, _ = CUSTOMERS


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(0, looked(STRANGER, 0, START)), DeadLetterReason.WRONG_PARTITION),
        (record(0, looked(ONE, 0, START), TWO), DeadLetterReason.WRONG_PARTITION),
        (record(0, event("connect.done", START, connected(ONE, "done", START).data)), DeadLetterReason.WRONG_PARTITION),
        (record(0, tick(START, Source.BRIDGE)), DeadLetterReason.SOURCE_NOT_ALLOWED),
        (LogRecord(0, 0, None, b"hello"), DeadLetterReason.NOT_A_CLOUD_EVENT),
        (unreadable(0), DeadLetterReason.BAD_DATA),
    ],
    ids=["partition", "customer", "no-key", "source", "no-event", "no-json"],
)
def test_a_bad_record_is_set_aside(agent: World, bad: LogRecord, reason: DeadLetterReason) -> None:
    """A record that is none of this partition's is a dead letter and a link; the next one is decided on."""
    agent.poll([bad, record(1, looked(THREE, 185, START))])
    assert dead(agent) == [(reason, f"aggregation.events/{PARTITION}/0")]
    assert [one["customer_id"] for one in agent.sent(FIX)] == [THREE]
    assert [orjson.loads(one.value or b"")["dead_letter"] for one in agent.audits] == [reason, None]
    assert set(agent.state()["customers"]) == {THREE}


def test_a_decision_that_fails_is_set_aside(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whose decision raises does not stop the others, nor tell what was in the record."""

    def failing(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if one.partition_key == ONE:
            raise ZeroDivisionError(f"secrets of {ONE}")
        return decide(customer, one, *rest)

    monkeypatch.setattr(turn, "decide", failing)
    agent.hear(looked(ONE, 185, START), looked(TWO, 185, START))
    (letter,) = agent.sent(DEAD_LETTER)
    assert (letter["reason"], letter["detail"]) == (
        "decision_failed",
        "ZeroDivisionError: the log of the worker has the trace",
    )
    assert [one["customer_id"] for one in agent.sent(FIX)] == [TWO]
    assert set(agent.state()["customers"]) == {TWO}


def test_a_customer_has_room_for_so_many_accounts(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account too many is set aside, and what the customer had stays as it was."""
    monkeypatch.setattr(refusals, "MAX_ACCOUNTS", 1)
    agent.hear(looked(ONE, 185, START), looked(ONE, 103, START + HOUR, account="too-many"))
    (letter,) = agent.sent(DEAD_LETTER)
    assert letter["detail"] == "the customer would have more than 1 accounts"
    assert len(agent.state()["accounts"]) == 1
    assert [one["reason"]["code"] for one in agent.sent(FIX)] == [185]


def test_a_timer_that_fails_holds_up_nobody(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whose timers raise is set aside until their next event; the timers of the others fire."""
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(*(looked(one, 0, START) for one in (ONE, TWO)), *(deleted(one, START) for one in (ONE, TWO)))
    agent.hear(tick(START + 31 * DAY))
    assert [letter["reason"] for letter in agent.sent(DEAD_LETTER)] == ["decision_failed"]
    assert [key.partition("/")[0] for key in agent.state()["accounts"]] == [ONE]
    due = agent.fold.next_due(PARTITION)
    assert due is None or due > START + 31 * DAY


def test_a_timer_that_fails_waits_within_a_poll(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second tick in the poll does not fire it again: polls as they happen to be cut change no dead letter."""
    agent.hear(looked(ONE, 0, START), deleted(ONE, START))
    monkeypatch.setattr(turn, "decide", failing_at_ticks_of(ONE))
    agent.hear(tick(START + 31 * DAY), tick(START + 32 * DAY))
    assert len(dead(agent)) == 1
