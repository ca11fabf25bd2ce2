"""What the log of the worker has of decisions that failed."""

import logging
from typing import Any

import pytest

from schemas.events import Event
from streams.agent import turn
from streams.domain import Customer, Decision, decide
from streams.fold import failures as failures_
from streams.fold.failures import Failures
from streams.kafka.topics import DEAD_LETTER
from streams.observe.logs.limit import BURST
from tests.unit.fold.build import CUSTOMERS, DAY, MINUTE, START, agent_world, looked, tick
from tests.written import written_log

ONE, *_ = CUSTOMERS


def fail(kind: type[Exception], number: int = 0) -> Exception:
    """Give an error as it was raised."""
    try:
        raise kind(number)  # noqa: TRY301 - for its trace
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, bool]]:
    """Give the first words of each line, and whether it has a trace."""
    of_failures = [one for one in caplog.records if one.name == failures_.log.name]
    return [(one.getMessage().partition(":")[0], one.exc_info is not None) for one in of_failures]


def test_the_first_of_a_kind_has_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    """Every kind of failure is shown once in full, wherever in a flood of others it comes."""
    failures = Failures()
    for number in range(1000):
        failures.tell(f"record {number}", fail(KeyError, number))
    failures.tell("record 1000", fail(ZeroDivisionError))
    failures.tell("record 1001", ValueError())
    assert told(caplog) == [
        ("record 0", True),
        ("record 9", False),
        ("record 99", False),
        ("record 999", False),
        ("record 1000", True),
        ("record 1001", True),
    ]
    assert "the same for the 100th time since the start (KeyError at " in caplog.records[2].getMessage()


def test_kinds_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many kinds they are one, whose first has its trace."""
    monkeypatch.setattr(failures_, "KINDS", 2)
    failures = Failures()
    for kind in (KeyError, ZeroDivisionError, OSError, TypeError, KeyError):
        failures.tell("it", fail(kind))
    assert [has_trace for _, has_trace in told(caplog)] == [True, True, True]


def test_a_poisoned_customer_does_not_flood_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events and timers are dead letters each; the log has one trace over any number of polls, and few warnings."""

    def failing(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if customer is not None and customer.customer_id == ONE:
            raise ZeroDivisionError
        return decide(customer, one, *rest)

    agent = agent_world()
    agent.hear(*(looked(one, 185, START) for one in CUSTOMERS))
    monkeypatch.setattr(turn, "decide", failing)
    with caplog.at_level(logging.INFO), written_log() as written:
        written.begin()
        for number in range(4 * BURST):
            agent.hear(looked(ONE, 0, START + number * MINUTE))
        agent.hear(tick(START + 2 * DAY))
        warnings = [line for line in written.objects if line["level"] == "warning"]
        assert BURST <= len(warnings) < 2 * BURST
    assert len(agent.sent(DEAD_LETTER)) >= 4 * BURST
    place = "record aggregation.events/1"
    first, tenth = f"{place}/4 could not be decided on", f"{place}/13 could not be decided on"
    assert told(caplog) == [(first, True), (tenth, False)]
