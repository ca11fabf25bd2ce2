"""Compares what the project makes of a random history with what the oracle makes of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.events import Override
from tests.oracle.core import messages, tickets, value_of
from tests.oracle.customer import judge
from tests.oracle.histories import history
from tests.oracle.institution import judge_signals
from tests.oracle.reading import Record
from tests.oracle.signal_histories import signal_history

OVERRIDE, POLICY = "operator.override", "policy.activated"


def differing(seed: int) -> str:
    """Fold one history of customers both ways and give the first difference in words; empty where there is none."""
    log = list(_looked_at(record for record in history(seed) if _is_sound(record)))
    return _first_difference(f"history({seed})", judge(log), messages(log), _of_customer)


def differing_signals(seed: int) -> str:
    """Do the same with one history of an institution's signals."""
    log = signal_history(seed)
    return _first_difference(f"signal_history({seed})", judge_signals(log), tickets(log), _of_institution)


def _is_sound(record: Record) -> bool:
    """Leave out overrides that the schema refuses: they are dead letters, which the oracle does not know."""
    if record["type"] != OVERRIDE:
        return True
    try:
        Override.model_validate_json(value_of(OVERRIDE, record["data"]))
    except ValidationError:
        return False
    return True


def _looked_at(log: Iterable[Record]) -> Iterator[Record]:
    """Give every customer an event that says nothing after an activation: the needs of all are looked at, in both."""
    customers: dict[str, None] = {}
    for record in log:
        yield record
        if customer := record["data"].get("customerId"):
            customers[customer] = None
        if record["type"] == POLICY:
            for one in customers:
                nothing = {"customerId": one, "eventType": "started"}
                yield {
                    **record, "id": f"{record['id']}-{one}", "type": "connect.started", "partitionkey": one,
                    "data": nothing,
                }  # fmt: skip


def _of_customer(message: Mapping[str, Any]) -> tuple[str, str]:
    return message["data"]["customer_id"], message["topic"]


def _of_institution(message: Mapping[str, Any]) -> tuple[str, str]:
    return message["data"]["institution_id"], message.get("topic", "incident")


def _first_difference(
    name: str,
    wanted: Iterable[Mapping[str, Any]],
    found: Iterable[Mapping[str, Any]],
    place: Callable[[Mapping[str, Any]], tuple[str, str]],
) -> str:
    """Compare by customer and topic: order between topics is nobody's to see."""
    ordered = [sorted(wanted, key=place), sorted(found, key=place)]
    for number in range(max(map(len, ordered))):
        one, other = (messages_[number] if number < len(messages_) else None for messages_ in ordered)
        if one != other:
            return f"{name}, message {number}:\n  oracle {_written(one)}\n  core   {_written(other)}"
    return ""


def _written(message: Mapping[str, Any] | None) -> str:
    return "nothing more" if message is None else orjson.dumps(message).decode()
