"""Of equal headers of a record all readers take the one that decisions are made by."""

import pytest

from schemas.cloudevents import attribute, from_record, to_headers, to_value
from schemas.events import CustomerForgotten, Event, EventType, Source
from schemas.signals import SignalType
from schemas.times import from_epoch_ms
from streams.audit.messages.found import message
from streams.audit.messages.signals import is_signal
from streams.audit.walking.interval import event_id_of
from streams.fold.effects import type_of
from streams.history.exports.lines import ExportedRecord
from streams.history.forgotten import forgotten_by
from streams.replay.compare.message import Recorded
from streams.snapshots.marks import is_mark

AT_MS = 1_793_502_000_000


def twice(name: str, first: str, last: str) -> ExportedRecord:
    """Give an order to forget a customer, with two headers of a name."""
    event = Event(
        "operator:1",
        EventType.CUSTOMER_FORGOTTEN,
        Source.OPERATOR,
        from_epoch_ms(AT_MS),
        CustomerForgotten(customer_id="7", who="ann", why="asked for"),
        None,
        "7",
    )
    headers = [(header, value) for header, value in to_headers(event) if header != name]
    both = ((name, first.encode()), *headers, (name, last.encode()))
    return ExportedRecord(1, AT_MS, b"7", to_value(event.data), both)


def test_an_id_is_the_last_one() -> None:
    """The audit and a replay name a message as its decision does."""
    record = twice("ce_id", "first", "last")
    assert from_record(record.headers, record.key, record.value, AT_MS).id == "last"
    assert attribute(record.headers, "ce_id") == b"last"
    assert (message(record).id, Recorded.of(record).message.id, event_id_of(record)) == ("last", "last", "last")


@pytest.mark.parametrize(
    ("first", "last", "is_forgotten"),
    [(EventType.CUSTOMER_FORGOTTEN, "of.another.type", False), ("of.another.type", EventType.CUSTOMER_FORGOTTEN, True)],
)
def test_whoever_the_agent_has_not_forgotten_is_not_forgotten(first: str, last: str, *, is_forgotten: bool) -> None:
    """An export withholds nobody whom live goes on with."""
    record = twice("ce_type", first, last)
    assert from_record(record.headers, record.key, record.value, AT_MS).type == last
    assert type_of(record) == last.encode()
    assert list(forgotten_by([record])) == ["7"] * is_forgotten


def test_a_signal_and_a_mark_are_what_their_last_types_say() -> None:
    """And by their last sources: what decisions pass over is none."""
    assert is_signal(twice("ce_type", "x", SignalType.LEFT))
    assert not is_signal(twice("ce_type", SignalType.LEFT, "x"))
    assert is_mark(twice("ce_type", "x", EventType.SNAPSHOT_MARKED))
    assert not is_mark(twice("ce_type", EventType.SNAPSHOT_MARKED, "x"))


def test_what_is_not_there_is_none() -> None:
    """Nor is a header of another name, whatever its letters."""
    assert attribute((("ce_ID", b"1"), ("id", b"2")), "ce_id") is None
