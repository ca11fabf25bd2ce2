"""From a body to the records that have to be durable."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.cloudevents import from_record
from schemas.events import AccountSnapshot
from streams.bridge.intake import Topics, take
from streams.observe.labels import Route

PAYLOADS = Path(__file__).parents[2] / "payloads"
AT = datetime(2026, 11, 1, 3, 0, 0, 123000, tzinfo=UTC)
TOPICS = Topics("events", "letters")


def test_a_record_of_the_log() -> None:
    """Key, headers, timestamp and value are what a reader of the log takes for the event."""
    body = (PAYLOADS / "synthetic-txpush-account-modified-185.json").read_bytes()
    (record,) = take(Route.TXPUSH, body, AT, TOPICS).records
    assert record.timestamp_ms is not None
    event = from_record(record.headers, record.key, record.value, record.timestamp_ms)
    assert (record.topic, record.key, event.time) == ("events", b"7000000042", AT)
    assert event.id == f"{hashlib.sha256(body).hexdigest()}:0"
    assert isinstance(event.data, AccountSnapshot)


def test_a_redelivery_has_the_same_ids() -> None:
    """The id depends on the body alone, not on when it came."""
    body = (PAYLOADS / "synthetic-txpush-account-modified-945-multi-record.json").read_bytes()
    first, again = (take(Route.TXPUSH, body, AT.replace(hour=hour), TOPICS) for hour in (3, 4))
    ids = [event.id for event in first.reduction.events]
    assert ids == [event.id for event in again.reduction.events]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("route", "body", "is_xml"),
    [
        (Route.TXPUSH, b"not json", False),
        (Route.TXPUSH, b"<event/>", True),
        (Route.TXPUSH, b'{"eventType":"done","customerId":"7"}', False),
        (Route.CONNECT, b'{"event":{}}', False),
    ],
)
def test_an_unreadable_body_is_a_dead_letter(route: Route, body: bytes, is_xml: bool) -> None:  # noqa: FBT001 - an example
    """A body that is no notification is set aside with its hash, without the body."""
    intake = take(route, body, AT, TOPICS)
    (record,) = intake.records
    letter = DeadLetter.model_validate_json(record.value)
    assert (record.topic, record.key, intake.is_xml) == ("letters", None, is_xml)
    assert (letter.reason, letter.reduced) == (DeadLetterReason.UNREADABLE_BODY, None)
    assert letter.body_sha256 == hashlib.sha256(body).hexdigest()
    assert (letter.origin, letter.received_at) == (f"/remediation/bridge/{route}", AT)


def test_a_refused_record_is_a_dead_letter_beside_the_others() -> None:
    """One record without an account: its dead letter has the customer as key, the rest goes through."""
    records = [{"id": "5", "customerId": "7"}, {"customerId": "7", "name": "Jane Doe"}]
    body = orjson.dumps({"event": {"class": "account", "type": "modified", "records": records}})
    event, letter = take(Route.TXPUSH, body, AT, TOPICS).records
    assert (event.topic, letter.topic, letter.key) == ("events", "letters", b"7")
    assert DeadLetter.model_validate_json(letter.value).reason is DeadLetterReason.NO_ACCOUNT
    assert b"Jane" not in letter.value


def test_a_ping_needs_no_record() -> None:
    """What is not stored has nothing to wait for."""
    assert take(Route.CONNECT, b'{"eventType":"ping","payload":{}}', AT, TOPICS).records == []
