"""Whose customer was forgotten behind the record of a dead letter: that record stays aside (R18)."""

from typing import Any

import pytest

from schemas.times import to_epoch_ms
from streams.kafka.topics import EVENTS
from streams.operate.letters.forgets import Forgets
from streams.operate.letters.retry import Done, Order, Plan, _put_each
from tests.component.operate.double import NOW
from tests.component.operate.test_letters import RECORD, Changed, Sent, kept
from tests.unit.fold.build import LogRecord

AT_MS = to_epoch_ms(kept().letter.received_at)


def order_at(partition: int, offset: int, timestamp: int = 0, key: bytes = b"7") -> Any:  # noqa: ANN401 - as the library gives it
    """Give an order to forget a customer as it lies in the log."""

    class Stored(LogRecord):
        topic = EVENTS

    record = Stored(offset, timestamp, key, b"{}", [("ce_type", b"customer.forgotten")])
    object.__setattr__(record, "partition", partition)
    return record


@pytest.mark.parametrize(
    ("order", "is_refused"),
    [
        (order_at(1, 43), True),
        (order_at(1, 41), False),
        (order_at(1, 43, key=b"8"), False),
        (order_at(2, 5, AT_MS), True),
        (order_at(2, 5, AT_MS - 1), False),
    ],
    ids=["behind it", "before it", "of another", "later elsewhere", "earlier elsewhere"],
)
async def test_what_is_behind_an_order_to_forget(order: Any, is_refused: bool) -> None:  # noqa: ANN401, FBT001 - an example
    """A record is not put back where its customer was forgotten behind it; another partition is told by the times."""
    forgets = Forgets({b"7": None})
    forgets.take(order)
    assert forgets.has(kept()) == is_refused
    assert len(forgets.orders) == 1
    done = Done()
    await _put_each(Sent(), Changed(RECORD), Plan([kept()], forgets=forgets), Order("ann", "mended", NOW), done)
    assert (done.stopped == "1/0: its customer has just been forgotten") == is_refused
    assert done.written == (not is_refused)
