"""What tests of the fold of a log ask of it, and what they give it that is bad."""

from collections.abc import Callable
from typing import Any

import orjson

from schemas.events import Event, EventType
from streams.domain import Customer, Decision, decide
from streams.kafka.topics import DEAD_LETTER
from tests.unit.fold.build import CUSTOMERS, START, LogRecord, World, looked, record


def dead(world: World) -> list[tuple[str, str]]:
    """Give reason and origin of every dead letter."""
    return [(one["reason"], one["origin"]) for one in world.sent(DEAD_LETTER)]


def audited(world: World) -> list[tuple[int, str | None]]:
    """Give offset and key of every audit record."""
    found = [(orjson.loads(one.value or b""), one.key) for one in world.audits]
    return [(one["offset"], None if key is None else key.decode()) for one, key in found]


def failing_at_ticks_of(customer_id: str) -> Callable[..., Decision]:
    """Give a `decide` that fails at the timers of one customer."""

    def failing_at_ticks(customer: Customer | None, one: Event, *rest: Any) -> Decision:  # noqa: ANN401 - as it is called
        if one.type == EventType.CLOCK_TICK and customer is not None and customer.customer_id == customer_id:
            raise ZeroDivisionError
        return decide(customer, one, *rest)

    return failing_at_ticks


def unreadable(offset: int) -> LogRecord:
    """Give a record whose data is not JSON."""
    one = record(offset, looked(CUSTOMERS[0], 0, START))
    return LogRecord(offset, one.timestamp, one.key, b"{", one.headers)
