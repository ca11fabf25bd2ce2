"""Accounts read over the API, and the events that tell of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.cloudevents import from_record, to_headers, to_value
from schemas.events import AccountSnapshot, EventType, Source
from schemas.notifications import Receipt, reduce_txpush
from schemas.observations import UnreadableAccount, missed, observed, read_account
from schemas.times import to_epoch_ms

AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
SNAPSHOT = AccountSnapshot(customer_id="7", account_id="5", institution_login_id="71", aggregation_status_code=185)
PAYLOADS = Path(__file__).parents[2] / "payloads"


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("synthetic-txpush-account-*.json")), ids=lambda path: path.stem)
def test_an_account_is_reduced_as_a_notification_is(path: Path) -> None:
    """The same record gives the same snapshot, whichever way it came."""
    body = orjson.loads(path.read_bytes())
    events = reduce_txpush(body, Receipt("ab" * 32, AT)).events
    assert [read_account(record) for record in body["event"]["records"]] == [event.data for event in events]


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        ({"id": "5"}, "customerId"),
        ({"customerId": "7"}, "accountId"),
        ({}, "accountId, customerId"),
        ({"id": "canary/x", "customerId": "7"}, "accountId"),
        ({"id": "5", "customerId": "7", "institutionLoginId": "canary x"}, "institutionLoginId"),
    ],
)
def test_an_account_that_cannot_be_read(record: dict[str, Any], wrong: str) -> None:
    """What is wrong is named, and not quoted."""
    with pytest.raises(UnreadableAccount) as told:
        read_account(record)
    assert str(told.value) == f"{wrong}: absent or not an id"
    assert (told.value.__cause__, told.value.__context__) == (None, None)


def test_an_observation() -> None:
    """It is an event of the log that reads back as it was written."""
    event = observed(SNAPSHOT, AT, Source.EXECUTOR)
    assert (event.type, event.source, event.time) == (EventType.ACCOUNT_OBSERVED, Source.EXECUTOR, AT)
    assert (event.subject, event.partition_key, event.data) == ("accounts/5", "7", SNAPSHOT)
    assert len(event.id) == 66
    assert from_record(to_headers(event), b"7", to_value(event.data), to_epoch_ms(AT)) == event


def test_a_baseline() -> None:
    """What a first sweep reads says so, and is another event."""
    event = observed(SNAPSHOT, AT, Source.SWEEP, baseline=True)
    assert isinstance(event.data, AccountSnapshot)
    assert event.data.baseline
    assert not SNAPSHOT.baseline
    assert event.id != observed(SNAPSHOT, AT, Source.SWEEP).id


def test_the_id_is_of_the_reading() -> None:
    """The same reading is the same event; another time, reader or content is another one."""
    first = observed(SNAPSHOT, AT, Source.EXECUTOR)
    healthy = SNAPSHOT.model_copy(update={"aggregation_status_code": 0})
    others = [
        observed(SNAPSHOT, AT + timedelta(milliseconds=1), Source.EXECUTOR),
        observed(SNAPSHOT, AT, Source.SWEEP),
        observed(healthy, AT, Source.EXECUTOR),
    ]
    assert observed(SNAPSHOT, AT, Source.EXECUTOR).id == first.id
    assert len({first.id, *(one.id for one in others)}) == 4


def test_a_deletion() -> None:
    """An account that was looked for and is gone is told as the vendor tells it, but for the source (R12)."""
    event = missed(SNAPSHOT, AT, Source.SWEEP)
    assert (event.type, event.source, event.time) == (EventType.ACCOUNT_DELETED, Source.SWEEP, AT)
    assert (event.subject, event.partition_key, event.data) == ("accounts/5", "7", SNAPSHOT)
    assert from_record(to_headers(event), b"7", to_value(event.data), to_epoch_ms(AT)) == event


def test_a_deletion_after_a_return_is_another() -> None:
    """The same looking is the same event, a later one is not: an account can be deleted twice."""
    ids = [missed(SNAPSHOT, AT + timedelta(milliseconds=later), Source.SWEEP).id for later in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
