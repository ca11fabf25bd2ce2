"""The vendor's loose types, one by one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.events import ConnectEvent, WebhookData
from schemas.vendor import (
    identifier,
    identifiers,
    plain_text,
    read_connect,
    read_snapshot,
    reason,
    status_code,
    truth,
    valid_identifier,
    vendor_date,
    webhook_data,
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("value", ["185", 185, 185.0, " 185 ", "185.0"])
def test_one_code_in_several_types(value: object) -> None:
    """Text, integer and whole float are the same code."""
    assert status_code(value) == 185


@pytest.mark.parametrize("value", [True, False, None, "", "x", "--5", "1_0", "²", 1.5, 2**31, 1e300, "9" * 19, [], {}])
def test_what_is_no_code_is_absent(value: object) -> None:
    """Booleans, free text, fractions and numbers out of range are no codes."""
    assert status_code(value) is None


@pytest.mark.parametrize("value", [1760086400, "1760086400", 1760086400.0, 1760086400.7, "2025-10-10T08:53:20Z"])
def test_one_date_in_several_types(value: object) -> None:
    """Epoch seconds in any type and ISO 8601 are the same moment."""
    at = vendor_date(value)
    assert at == datetime(2025, 10, 10, 8, 53, 20, tzinfo=UTC)


def test_a_date_without_zone_is_utc() -> None:
    """The vendor leaves the zone off in places; it means UTC (raw-spec-payment-bundle)."""
    assert vendor_date("2023-06-26T11:14:11") == datetime(2023, 6, 26, 11, 14, 11, tzinfo=UTC)


@pytest.mark.parametrize("value", [0, "0", -5, "-5", True, "", "soon", 10**18, "9" * 18, 1e300, float("nan"), [], {}])
def test_what_is_no_date_is_absent(value: object) -> None:
    """0, moments before 1970, numbers beyond the calendar and free text are absent."""
    assert vendor_date(value) is None


@pytest.mark.parametrize(("value", "text"), [("7", "7"), (7, "7"), (7.0, "7"), (" 7 ", "7"), (0, "0")])
def test_ids_become_text(value: object, text: str) -> None:
    """An id is text whatever type it came in."""
    assert identifier(value) == text


@pytest.mark.parametrize("value", [None, True, "", "  ", 1.5, 1e20, [], {}])
def test_what_is_no_id_is_absent(value: object) -> None:
    """A float that cannot be exact would name another account: absent."""
    assert identifier(value) is None


@pytest.mark.parametrize("value", ["a/b", "a b", "a\nb", "a\x7fb", "x" * 65])
def test_ids_that_would_break_a_key(value: str) -> None:
    """Slashes, white space, control characters and more than 64 characters make no id."""
    assert valid_identifier(value) is None


def test_a_list_of_ids_is_cleaned() -> None:
    """Ids are taken once and in order; what is none is left out; a single one is a list of one."""
    assert identifiers([7, "8", "7", None, "a b", {}]) == ("7", "8")
    assert identifiers("7") == ("7",)
    assert identifiers(None) == ()


@pytest.mark.parametrize(
    ("value", "meaning"), [(True, True), ("true", True), (" FALSE ", False), ("yes", None), (1, None), (None, None)]
)
def test_booleans(value: object, meaning: object) -> None:
    """Only true and false, as themselves or as text."""
    assert truth(value) is meaning


def test_free_text_is_not_kept() -> None:
    """A reason in free text could name somebody; it is kept as `other`, which is no success (R5)."""
    assert plain_text("creditCard") == "creditCard"
    assert plain_text("Jane Doe") is None
    assert [reason(value) for value in ("complete", "Jane Doe left", 5, None, "")] == [
        "complete",
        "other",
        "other",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("value", "command"),
    [
        ({"command_id": "c-1", "x": 1}, "c-1"),
        ('{"command_id": "c-1"}', "c-1"),
        ("\ud83d", None),
        ('{"command_id": "c-1", "name": "\\ud83d"}', "c-1"),
        ("not json", None),
        ("[1]", None),
        ({"command_id": 5}, None),
        ({"command_id": "Jane Doe"}, None),
        (None, None),
    ],
)
def test_command_id_of_webhook_data(value: object, command: str | None) -> None:
    """`webhookData` comes back as an object or as a JSON string; only the command id is taken."""
    assert webhook_data(value) == (None if command is None else {"command_id": command})


@given(ANY_JSON)
def test_nothing_the_vendor_sends_raises(value: object) -> None:
    """Whatever JSON stands in a field, reading it gives a value or nothing."""
    identifier(value)
    identifiers(value)
    status_code(value)
    date = vendor_date(value)
    assert date is None or date.tzinfo is not None
    truth(value)
    plain_text(value)
    reason(value)
    webhook_data(value)


def test_snapshot_as_we_write_it() -> None:
    """A snapshot of the log reads back."""
    snapshot = read_snapshot(
        b'{"customerId":"7","accountId":"5","aggregationStatusCode":185,"aggregationAttemptDate":"2025-10-10T08:53:20Z"}'
    )
    assert snapshot.aggregation_attempt_date == datetime(2025, 10, 10, 8, 53, 20, tzinfo=UTC)


def test_snapshot_by_hand() -> None:
    """Loose types are read; what cannot be read is absent."""
    snapshot = read_snapshot(
        b'{"customerId":7,"accountId":5,"institutionLoginId":7100000007,"aggregationStatusCode":"185",'
        b'"aggregationAttemptDate":1760086400,"lastUpdatedDate":0,"authorizationExpires":"true","accountType":5}'
    )
    assert (snapshot.customer_id, snapshot.account_id, snapshot.institution_login_id) == ("7", "5", "7100000007")
    assert (snapshot.aggregation_status_code, snapshot.authorization_expires) == (185, True)
    assert (snapshot.last_updated_date, snapshot.account_type) == (None, None)


def test_a_date_that_leaves_the_calendar_in_utc_is_absent() -> None:
    """The first hours of the year 1 east of Greenwich lie before it in UTC."""
    body = b'{"customerId":"1","accountId":"2","aggregationAttemptDate":"0001-01-01T00:00:00+05:00"}'
    assert read_snapshot(body).aggregation_attempt_date is None


def test_snapshot_dates_are_in_the_one_utc() -> None:
    """Whatever their zone, times are in Python's own UTC: comparing those is what decisions do most."""
    body = b'{"customerId":"1","accountId":"2","aggregationAttemptDate":"2026-11-01T04:00:00+01:00"}'
    attempted_at = read_snapshot(body).aggregation_attempt_date
    assert attempted_at == datetime(2026, 11, 1, 3, tzinfo=UTC)
    assert attempted_at.tzinfo is UTC


def test_snapshot_dates_are_never_naive() -> None:
    """A date without zone that fits the strict model is UTC as well: naive and aware times do not compare."""
    snapshot = read_snapshot(b'{"customerId":"7","accountId":"5","lastUpdatedDate":"2025-10-10T08:53:20"}')
    assert snapshot.last_updated_date == datetime(2025, 10, 10, 8, 53, 20, tzinfo=UTC)


@pytest.mark.parametrize("value", [b"", b"[]", b"7", b"{}", b'{"customerId":"7"}', b'{"accountId":"5"}', b"[" * 5000])
def test_snapshot_without_its_ids(value: bytes) -> None:
    """Without a customer or account id there is no snapshot."""
    with pytest.raises(ValueError):  # noqa: PT011 - the wording is pydantic's or orjson's
        read_snapshot(value)


def test_connect_as_we_write_it_and_by_hand() -> None:
    """A reduced Data Connect event reads back; loose types are read as well."""
    event = ConnectEvent(
        customer_id="7",
        institution_login_ids=("9",),
        account_ids=("5",),
        event_type="done",
        code=200,
        webhook_data=WebhookData(command_id="c-1"),
    )
    by_hand = (
        b'{"customerId":7,"institutionLoginIds":[9],"accountIds":5,"eventType":"done","code":"200",'
        b'"webhookData":"{\\"command_id\\":\\"c-1\\"}"}'
    )
    assert read_connect(event.model_dump_json().encode()) == read_connect(by_hand) == event


def test_connect_without_customer() -> None:
    """Without a customer id there is no case to look at."""
    with pytest.raises(ValidationError, match="customerId"):
        read_connect(b'{"eventType":"done"}')
    with pytest.raises(ValidationError):
        read_connect(b"[]")
