"""Events to Kafka records and back."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.audit import DeadLetterReason
from schemas.cloudevents import Headers, UnreadableRecord, fields_of, from_record, to_headers, to_structured, to_value
from schemas.events import AccountSnapshot, ClockTick, ConnectEvent, Event, EventData, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms

AT = datetime(2026, 11, 1, 3, 0, 0, 123000, tzinfo=UTC)
SNAPSHOT = AccountSnapshot(customer_id="7", account_id="5", aggregation_status_code=185)


def event(event_type: str = EventType.ACCOUNT_MODIFIED, data: EventData = SNAPSHOT) -> Event:
    """Give an event of the bridge."""
    return Event("ab:0", event_type, Source.BRIDGE, AT, data, "accounts/5", "7")


def read(
    headers: Headers, value: bytes = to_value(SNAPSHOT), timestamp_ms: int = to_epoch_ms(AT), key: bytes | None = b"7"
) -> Event:
    """Read a record with what is given."""
    return from_record(headers, key, value, timestamp_ms)


def headers(**changed: bytes | None) -> list[tuple[str, bytes]]:
    """Give the headers of `event()` with some changed, or left out where None."""
    merged = dict(to_headers(event())) | changed
    return [(name, value) for name, value in merged.items() if value is not None]


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (EventType.ACCOUNT_MODIFIED, SNAPSHOT),
        (EventType.ACCOUNT_DELETED, SNAPSHOT),
        (EventType.ACCOUNT_OBSERVED, SNAPSHOT),
        ("connect.done", ConnectEvent(customer_id="7", event_type="done", account_ids=("5",))),
        (EventType.CLOCK_TICK, ClockTick()),
        ("txpush.account.created", {"customerId": "7"}),
    ],
)
def test_an_event_survives_the_record(event_type: str, data: EventData) -> None:
    """Headers, key, value and timestamp together are the event, whatever its type."""
    given = event(event_type, data)
    assert read(to_headers(given), to_value(given.data)) == given


def test_headers_are_cloudevents_in_binary_mode() -> None:
    """The attributes are `ce_` headers; the timestamp of the record is `ce_time`."""
    assert to_headers(event()) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"ab:0"),
        ("ce_type", b"txpush.account.modified"),
        ("ce_source", b"/remediation/bridge"),
        ("ce_time", b"2026-11-01T03:00:00.123000Z"),
        ("content-type", b"application/json"),
        ("ce_subject", b"accounts/5"),
    ]


def test_structured_mode() -> None:
    """In a file the same event is one JSON object with `partitionkey` beside the data."""
    assert to_structured(event()) == {
        "specversion": "1.0",
        "id": "ab:0",
        "type": "txpush.account.modified",
        "source": "/remediation/bridge",
        "subject": "accounts/5",
        "time": "2026-11-01T03:00:00.123000Z",
        "partitionkey": "7",
        "datacontenttype": "application/json",
        "data": {"customerId": "7", "accountId": "5", "aggregationStatusCode": 185},
    }


def test_absent_fields_are_left_out() -> None:
    """A snapshot is as short as what is known."""
    assert orjson.loads(to_value(SNAPSHOT)) == {"customerId": "7", "accountId": "5", "aggregationStatusCode": 185}


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_time"])
@pytest.mark.parametrize("value", [None, b"", b"\xff", b"x" * 257])
def test_a_bad_attribute_is_no_cloudevent(name: str, value: bytes | None) -> None:
    """A header that is missing, empty, not UTF-8 or too long goes to the dead letter and names itself."""
    with pytest.raises(UnreadableRecord, match=name) as caught:
        read(headers(**{name: value}))
    assert caught.value.reason is DeadLetterReason.NOT_A_CLOUD_EVENT


def test_a_key_that_is_not_text() -> None:
    """The key is an id: bytes that are no UTF-8 are none."""
    with pytest.raises(UnreadableRecord, match="record key"):
        read(headers(), key=b"\xff")


def test_subject_and_key_may_be_absent() -> None:
    """Both are optional attributes."""
    found = from_record(headers(ce_subject=None, ce_type=b"clock.tick"), None, None, to_epoch_ms(AT))
    assert (found.subject, found.partition_key) == (None, None)


@pytest.mark.parametrize("schema", [None, b"", b"\xff", b"urn:another:2:x"])
def test_a_schema_that_names_no_version_is_the_first(schema: bytes | None) -> None:
    """A header without a value is one that was left out."""
    named: Any = ("ce_dataschema", schema)  # Kafka has headers without a value, whatever the type says
    assert read([*headers(), named]).id == "ab:0"


@pytest.mark.parametrize(
    ("text", "timestamp_ms"),
    [
        (b"2026-11-01T03:00:00.124Z", to_epoch_ms(AT)),
        (b"2026-11-01T03:00:00", to_epoch_ms(AT)),
        (b"yesterday", to_epoch_ms(AT)),
        (b"2026-11-01T03:00:00Z", 10**18),
        (b"2026-11-01T03:00:00Z", -(10**15)),
    ],
)
def test_time_must_be_the_timestamp(text: bytes, timestamp_ms: int) -> None:
    """`ce_time` and the timestamp are one moment, or the record is set aside."""
    with pytest.raises(UnreadableRecord) as caught:
        read(headers(ce_time=text), timestamp_ms=timestamp_ms)
    assert caught.value.reason is DeadLetterReason.BAD_TIME


def test_fractions_below_a_millisecond_are_cut() -> None:
    """A producer with a finer clock is understood: the record's timestamp counts."""
    found = read(headers(ce_type=b"clock.tick", ce_time=b"2026-11-01T03:00:00.123999Z"))
    assert found.time == from_epoch_ms(to_epoch_ms(AT))


@pytest.mark.parametrize(
    ("event_type", "value", "reason"),
    [
        (b"txpush.account.modified", b'{"customerId":"7"}', DeadLetterReason.NO_ACCOUNT),
        (b"account.observed", b'{"accountId":"5"}', DeadLetterReason.NO_ACCOUNT),
        (b"connect.done", b'{"eventType":"done"}', DeadLetterReason.NO_ACCOUNT),
        (b"txpush.account.modified", b"", DeadLetterReason.BAD_DATA),
        (b"txpush.account.modified", b"[]", DeadLetterReason.BAD_DATA),
        (
            b"txpush.account.modified",
            b'{"customerId":"7","accountId":"5","institutionId":"a b"}',
            DeadLetterReason.BAD_DATA,
        ),
        (b"policy.activated", b"{}", DeadLetterReason.BAD_DATA),
        (b"something.new", b"7", DeadLetterReason.BAD_DATA),
        (b"something.new", b"[" * 5000, DeadLetterReason.BAD_DATA),
    ],
)
def test_data_that_does_not_fit(event_type: bytes, value: bytes, reason: DeadLetterReason) -> None:
    """Data that its type cannot take is set aside with the reason."""
    with pytest.raises(UnreadableRecord) as caught:
        read(headers(ce_type=event_type), value)
    assert caught.value.reason is reason


def test_the_detail_quotes_no_value() -> None:
    """The dead letter says which field is wrong, not what stood there."""
    with pytest.raises(UnreadableRecord) as caught:
        read(headers(), b'{"customerId":"Jane Doe","accountId":"5"}')
    assert "Jane" not in caught.value.detail


@pytest.mark.parametrize(
    ("changed", "value"), [({"ce_time": b"Carla Canary"}, b"{}"), ({"ce_type": b"Carla Canary"}, b"Carla Canary")]
)
def test_what_cannot_be_read_is_not_quoted(changed: dict[str, bytes], value: bytes) -> None:
    """Whoever writes something else into the log may have written a name: the dead letter does not repeat it."""
    with pytest.raises(UnreadableRecord) as refused:
        read(headers(**changed), value)
    assert "anary" not in refused.value.detail


NAMES = st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type"])


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=20))), st.none() | st.binary(), st.none() | st.binary(), st.integers()
)
def test_no_record_raises_anything_else(
    given_headers: list[tuple[str, bytes]], key: bytes | None, value: bytes | None, timestamp_ms: int
) -> None:
    """Whatever lies in the log is an event or an UnreadableRecord, never a crash."""
    try:
        from_record(given_headers, key, value, timestamp_ms)
    except UnreadableRecord as unreadable:
        assert unreadable.detail  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("value", "fields"),
    [(b'{"a":1,"b":null}', {"a": 1, "b": None}), (b"[1]", {}), (b"7", {}), (b"{", {}), (b"", {}), (None, {})],
)
def test_what_is_no_object_has_no_fields(value: bytes | None, fields: dict[str, Any]) -> None:
    """Whoever looks at a field of what others may have written finds none, and fails at nothing."""
    assert fields_of(value) == fields
