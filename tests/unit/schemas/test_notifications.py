"""Bodies of the vendor to events of the log."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.audit import DeadLetterReason
from schemas.cloudevents import to_value
from schemas.events import AccountSnapshot, ConnectEvent, Source, WebhookData
from schemas.notifications import (
    MAX_REFUSED,
    Receipt,
    UnreadableBody,
    XmlBody,
    read_body,
    reduce_connect,
    reduce_txpush,
)

PAYLOADS = Path(__file__).parents[2] / "payloads"
CAPTURES = Path(__file__).parents[4] / "shared" / "payloads"
AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
RECEIPT = Receipt("ab" * 32, AT)


def payload(name: str) -> dict[str, Any]:
    """Read a sample body."""
    return read_body((PAYLOADS / f"synthetic-{name}.json").read_bytes())


def notification(*records: object, class_name: object = "account", type_name: object = "modified") -> dict[str, Any]:
    """Give a TxPUSH envelope."""
    return {"event": {"class": class_name, "type": type_name, "records": list(records)}}


def account(**fields: object) -> dict[str, Any]:
    """Give a record of an account."""
    return {"id": "5", "customerId": "7", **fields}


def test_a_modified_account() -> None:
    """An account record keeps what decisions need, typed, and nothing else."""
    (event,) = reduce_txpush(payload("txpush-account-modified-185"), RECEIPT).events
    assert event.data == AccountSnapshot(
        customer_id="7000000042",
        account_id="5900000001",
        institution_id="102105",
        institution_login_id="7100000007",
        aggregation_status_code=185,
        aggregation_attempt_date=datetime(2025, 10, 10, 8, 53, 20, tzinfo=UTC),
        aggregation_success_date=datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC),
        last_updated_date=datetime(2025, 10, 10, 8, 53, 25, tzinfo=UTC),
        account_type="checking",
    )
    assert (event.id, event.type) == ("ab" * 32 + ":0", "txpush.account.modified")
    assert (event.source, event.time, event.subject, event.partition_key) == (
        Source.BRIDGE,
        AT,
        "accounts/5900000001",
        "7000000042",
    )


@pytest.mark.parametrize(
    ("name", "event_type", "codes"),
    [
        ("txpush-account-deleted", "txpush.account.deleted", [0]),
        ("txpush-account-modified-0-after-fix", "txpush.account.modified", [0]),
        ("txpush-account-modified-102-sparse", "txpush.account.modified", [102]),
        ("txpush-account-modified-103-no-institutionLoginId", "txpush.account.modified", [103]),
        ("txpush-account-modified-945-multi-record", "txpush.account.modified", [945, 945]),
        ("txpush-account-modified-948-new-institution", "txpush.account.modified", [948]),
        ("txpush-account-modified-code-as-string", "txpush.account.modified", [187]),
    ],
)
def test_samples(name: str, event_type: str, codes: list[int]) -> None:
    """Every sample gives one event a record, each with its index in the id."""
    reduction = reduce_txpush(payload(name), RECEIPT)
    snapshots = [event.data for event in reduction.events if isinstance(event.data, AccountSnapshot)]
    assert [snapshot.aggregation_status_code for snapshot in snapshots] == codes
    assert [event.id for event in reduction.events] == [f"{RECEIPT.sha256}:{n}" for n in range(len(codes))]
    assert {event.type for event in reduction.events} == {event_type}
    assert not reduction.refused


def test_transactions_come_to_nothing() -> None:
    """Transactions are counted and not stored, whatever their type."""
    reduction = reduce_txpush(payload("txpush-transaction-created"), RECEIPT)
    assert (reduction.events, reduction.refused, reduction.not_stored) == ([], [], 1)


def test_one_bad_record_does_not_stop_the_others() -> None:
    """A record without its ids is refused; the rest of the notification goes through with its own index."""
    records = [account(), {"id": "5"}, {"customerId": "7"}, "x", account(id="6"), account(institutionLoginId="a b")]
    reduction = reduce_txpush(notification(*records), RECEIPT)
    assert [event.id[-1] for event in reduction.events] == ["0", "4"]
    assert [(refused.reason, refused.key) for refused in reduction.refused] == [
        (DeadLetterReason.NO_ACCOUNT, None),
        (DeadLetterReason.NO_ACCOUNT, "7"),
        (DeadLetterReason.BAD_DATA, None),
        (DeadLetterReason.BAD_DATA, "7"),
    ]


@pytest.mark.parametrize("bad", ["a/b", "Jane Doe", "x" * 65, "", None, True, 1e300, {}, []])
def test_ids_that_cannot_be_keys(bad: object) -> None:
    """An id that is none is refused, and neither the detail nor the reduced record quotes it."""
    (refused,) = reduce_txpush(notification(account(customerId=bad)), RECEIPT).refused
    assert (refused.reason, refused.key, refused.reduced) == (DeadLetterReason.NO_ACCOUNT, None, '{"accountId":"5"}')
    assert "customerId" in refused.detail
    assert "Jane" not in refused.detail


def test_the_same_record_twice_is_two_events() -> None:
    """Whether two records say the same is for the agent to decide."""
    events = reduce_txpush(notification(account(), account()), RECEIPT).events
    assert len({event.id for event in events}) == 2


def test_unreadable_dates_are_counted() -> None:
    """0 and free text count as absent and are counted; a missing date is not."""
    reduction = reduce_txpush(
        notification(account(aggregationAttemptDate="soon", lastUpdatedDate=0, aggregationSuccessDate=1760086400)),
        RECEIPT,
    )
    assert reduction.unreadable_dates == 2


def test_consent_is_read() -> None:
    """The consent window is two fields with types of their own."""
    (event,) = reduce_txpush(
        notification(account(authorizationEndDate=1607459357, authorizationExpires="true")), RECEIPT
    ).events
    assert isinstance(event.data, AccountSnapshot)
    assert event.data.authorization_expires is True
    assert event.data.authorization_end_date == datetime(2020, 12, 8, 20, 29, 17, tzinfo=UTC)


def test_an_unknown_type_keeps_ids_only() -> None:
    """A type that is not known is stored under its name, with nothing but ids, and counted."""
    body = notification(account(name="Jane Doe", balance=5), type_name="created")
    reduction = reduce_txpush(body, RECEIPT)
    (event,) = reduction.events
    assert (event.type, event.data) == ("txpush.account.created", {"customerId": "7", "accountId": "5"})
    assert (event.subject, event.partition_key, reduction.unknown_types) == ("accounts/5", "7", 1)


def test_an_unknown_class_keeps_ids_only() -> None:
    """Of another class `id` names something else; a record without a customer has no partition and is refused."""
    body = notification({"id": "1", "customerId": "7"}, {"id": "2"}, class_name="consent", type_name="expired")
    reduction = reduce_txpush(body, RECEIPT)
    assert [(event.type, event.data, event.subject) for event in reduction.events] == [
        ("txpush.consent.expired", {"customerId": "7"}, None)
    ]
    assert [refused.reason for refused in reduction.refused] == [DeadLetterReason.NO_ACCOUNT]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": []},
        {"event": {"class": "account", "type": "modified"}},
        notification(class_name=5),
        notification(type_name=None),
        notification(class_name="a b"),
        notification(type_name="x" * 60),
        notification(class_name="a.b"),
        {"event": {"class": "account", "type": "modified", "records": {"0": {}}}},
    ],
)
def test_another_envelope_is_unreadable(body: dict[str, Any]) -> None:
    """Without class, type and a list of records it is no notification."""
    with pytest.raises(UnreadableBody, match="event"):
        reduce_txpush(body, RECEIPT)


def test_every_record_of_a_body_is_one_event() -> None:
    """However many there are: what is answered 200 is in the log, or is looked at by somebody."""
    reduction = reduce_txpush(notification(*(account(id=str(number)) for number in range(12_000))), RECEIPT)
    assert [event.id for event in reduction.events] == [f"{RECEIPT.sha256}:{number}" for number in range(12_000)]


@pytest.mark.parametrize("bad", [{}, "no object", account(id="a/b")])
@pytest.mark.parametrize(("count", "letters", "last"), [(3000, 3000, None), (3001, 3001, 1), (9000, 3001, 6000)])
def test_refused_records_are_told_one_by_one_and_then_together(
    bad: object, count: int, letters: int, last: int | None
) -> None:
    """A body of nothings may not become a hundred times its bytes of dead letters."""
    reduction = reduce_txpush(notification(*[bad] * count, account()), RECEIPT)
    assert (len(reduction.events), len(reduction.refused)) == (1, letters)
    assert letters <= MAX_REFUSED + 1
    words = f"record {count - 1}" if last is None else f"{last} more records that cannot be events"
    assert reduction.refused[-1].detail.startswith(words)


HALVES = [
    b'{"a":"\\ud83d","b":NaN}',
    b'{"a":"\\ud83d","b":-Infinity}',
    b'{"a":"\\ud83d","b":1e400}',
    b'{"a":"\\ud83d",}',
    b'"\\ud83d"',
    b'{"a":"\\ud83d\xff"}',
    b'{"a":"\\ud83d\n"}',
    b'\xef\xbb\xbf{"a":"\\ud83d"}',
    '{"a":"\\ud83d"}'.encode("utf-16"),
    b'{"a":"\\ud83d","b":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a":"\\ud83d","b":' + b"9" * 5000 + b"}",
]
"""Half a surrogate pair beside what is no JSON."""


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"7", b"{", b"[" * 100_000, b'{"a":NaN}', b"\xff", *HALVES])
def test_a_body_that_is_no_object(body: bytes) -> None:
    """What is not a JSON object is unreadable, however deep or broken it is."""
    with pytest.raises(UnreadableBody, match="the body is not"):
        read_body(body)


def test_half_a_surrogate_pair_costs_its_text_alone() -> None:
    """A name cut off within an emoji is JSON that Python, JavaScript and Java write; the notification is kept."""
    body = json.dumps(notification(account(name="Checking \ud83d"), account(id="6", name="\ud83d\ude00"))).encode()
    assert b'Checking \\ud83d"' in body
    reduction = reduce_txpush(read_body(body), RECEIPT)
    assert [event.subject for event in reduction.events] == ["accounts/5", "accounts/6"]
    assert not reduction.refused


def test_half_a_surrogate_pair_is_in_no_id() -> None:
    """What it becomes can be written, and is no part of a key."""
    body = json.dumps(notification(account(customerId="7\udc00"), account(customerId="8", type="x\ud83d"))).encode()
    reduction = reduce_txpush(read_body(body), RECEIPT)
    assert [event.partition_key for event in reduction.events] == ["8"]
    assert [refused.reason for refused in reduction.refused] == [DeadLetterReason.NO_ACCOUNT]
    assert read_body(b'{"a":"\\uD83D","b":"\\\\ud83d"}') == {"a": "\N{REPLACEMENT CHARACTER}", "b": "\\ud83d"}


@pytest.mark.parametrize("body", [b"<event/>", b'  \n<?xml version="1.0"?>', b"\xef\xbb\xbf<event/>"])
def test_xml_is_told_apart(body: bytes) -> None:
    """XML means that the subscription was made with another Accept header: it says what to do."""
    with pytest.raises(XmlBody, match="Accept: application/json"):
        read_body(body)


def test_a_repair_at_the_bank() -> None:
    """`added` lists accounts under their logins: ids are collected, everything else is dropped."""
    body = {
        "customerId": "7",
        "eventType": "added",
        "eventId": "1688829092668-518e7b2cd7948bcdb968c433",
        "payload": {
            "institutionId": "102176",
            "accounts": [
                {"id": "1", "institutionLoginId": 9, "name": "IRA", "number": "202020", "balance": 7030},
                {"id": 2, "institutionLoginId": 9},
                {"id": "3", "institutionLoginId": 8},
            ],
            "oauth": True,
        },
        "webhookData": {"command_id": "c-1", "name": "Jane Doe"},
    }
    (event,) = reduce_connect(body, RECEIPT).events
    assert event.data == ConnectEvent(
        customer_id="7",
        institution_id="102176",
        institution_login_ids=("9", "8"),
        account_ids=("1", "2", "3"),
        event_type="added",
        event_id="1688829092668-518e7b2cd7948bcdb968c433",
        webhook_data=WebhookData(command_id="c-1"),
    )
    assert (event.id, event.type, event.subject) == (f"{RECEIPT.sha256}:0", "connect.added", "customers/7")


def test_deleted_accounts_are_listed_by_id() -> None:
    """`accountsDeleted` has a list of ids, and no objects."""
    body = {"customerId": "7", "eventType": "accountsDeleted", "payload": {"accounts": ["5", 6]}}
    (event,) = reduce_connect(body, RECEIPT).events
    assert isinstance(event.data, ConnectEvent)
    assert event.data.account_ids == ("5", "6")


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"payload": {"code": 102, "reason": "error"}}, 102, "error"),
        ({"payload": {}, "code": "200", "reason": "complete"}, 200, "complete"),
        ({"payload": None, "code": True, "reason": "Jane Doe left"}, None, "other"),
        ({"payload": {"code": 10**30}}, None, None),
    ],
)
def test_code_and_reason(fields: dict[str, Any], code: int | None, reason: str | None) -> None:
    """Both may stand in the payload or beside it."""
    (event,) = reduce_connect({"customerId": "7", "eventType": "done", **fields}, RECEIPT).events
    assert isinstance(event.data, ConnectEvent)
    assert (event.data.code, event.data.reason) == (code, reason)


def test_a_ping_comes_to_nothing() -> None:
    """The test ping names no customer: answered, counted, not stored."""
    reduction = reduce_connect(payload("dataconnect-ping"), RECEIPT)
    assert (reduction.events, reduction.refused, reduction.not_stored) == ([], [], 1)


@pytest.mark.parametrize("name", ["credentialsUpdated", "done", "invalidCredentials", "started", "unableToConnect"])
def test_connect_samples(name: str) -> None:
    """Every sample gives its one event."""
    reduction = reduce_connect(payload(f"dataconnect-{name}"), RECEIPT)
    assert [event.type for event in reduction.events] == [f"connect.{name}"]
    assert reduction.unknown_types == 0


def test_an_unknown_connect_type_is_stored_and_counted() -> None:
    """A new event type travels under its own name."""
    reduction = reduce_connect({"customerId": "7", "eventType": "somethingNew"}, RECEIPT)
    assert ([event.type for event in reduction.events], reduction.unknown_types) == (["connect.somethingNew"], 1)


def test_connect_without_customer_is_refused() -> None:
    """Any event but a ping needs its customer."""
    (refused,) = reduce_connect({"eventType": "done"}, RECEIPT).refused
    assert (refused.reason, refused.reduced) == (DeadLetterReason.NO_ACCOUNT, "{}")


@pytest.mark.parametrize("event_type", [None, 5, "", "a b", "x" * 60, "a/b"])
def test_connect_without_a_plain_type_is_unreadable(event_type: object) -> None:
    """The type becomes part of `ce_type`: a short plain word or nothing."""
    with pytest.raises(UnreadableBody, match="eventType"):
        reduce_connect({"customerId": "7", "eventType": event_type}, RECEIPT)


PRIVATE = {
    "accountNickname",
    "accountNumberDisplay",
    "amount",
    "availableBalanceAmount",
    "balance",
    "description",
    "name",
    "number",
    "realAccountNumberLast4",
}


def private_values(value: object) -> set[str]:
    """Collect names, numbers and balances anywhere in a body."""
    if isinstance(value, list):
        return set().union(*map(private_values, value))
    if not isinstance(value, dict):
        return set()
    here = {str(inner) for name, inner in value.items() if name in PRIVATE}
    return here.union(*map(private_values, value.values()))


def test_nothing_private_gets_through() -> None:
    """No name, number or balance of any sample is in the bytes that would be produced."""
    bodies = [read_body(path.read_bytes()) for path in sorted(PAYLOADS.glob("synthetic-*.json"))]
    if CAPTURES.is_dir():
        captures = [read_body(path.read_bytes()) for path in sorted(CAPTURES.glob("raw-dataconnect-*.json"))]
        bodies += [capture.get("body", capture) for capture in captures]
    for body in bodies:
        reduction = (reduce_txpush if "event" in body else reduce_connect)(body, RECEIPT)
        produced = b"".join(to_value(event.data) for event in reduction.events).decode()
        assert not {value for value in private_values(body) if value in produced}
    assert {"401.26", "Everyday Checking", "4000001111"} <= set().union(*map(private_values, bodies))


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the vendor's captures are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "accounts", "logins"),
    [("added-capture", 4, ("6026370998",)), ("adding-capture", 0, ()), ("accountsDeleted-docs", 1, ())],
)
def test_real_captures(name: str, accounts: int, logins: tuple[str, ...]) -> None:
    """What was captured on the wire is read in full."""
    capture = read_body((CAPTURES / f"raw-dataconnect-{name}.json").read_bytes())
    (event,) = reduce_connect(capture.get("body", capture), RECEIPT).events
    assert isinstance(event.data, ConnectEvent)
    assert (len(event.data.account_ids), event.data.institution_login_ids) == (accounts, logins)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["id", "customerId", "institutionId", "institutionLoginId", "aggregationStatusCode", "type", "eventType"]
FIELDS += ["aggregationAttemptDate", "authorizationExpires", "payload", "accounts", "webhookData", "code", "reason"]
RECORDS = st.dictionaries(st.sampled_from(FIELDS), ANY_JSON)


@given(
    st.lists(RECORDS | ANY_JSON),
    st.sampled_from(["account", "transaction", "other"]),
    st.sampled_from(["modified", "x"]),
)
def test_no_txpush_body_crashes(records: list[object], class_name: str, type_name: str) -> None:
    """Every record is an event, refused or not stored; none is lost."""
    reduction = reduce_txpush(notification(*records, class_name=class_name, type_name=type_name), RECEIPT)
    assert len(reduction.events) + len(reduction.refused) + reduction.not_stored == len(records)
    for event in reduction.events:
        to_value(event.data)


@given(RECORDS)
def test_no_connect_body_crashes(body: dict[str, Any]) -> None:
    """Every body with a type is one event, one refusal or a ping."""
    reduction = reduce_connect({**body, "eventType": "done"}, RECEIPT)
    assert len(reduction.events) + len(reduction.refused) == 1
