"""Accounts as the vendor's API gives them, and the events that tell of them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas.cloudevents import to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.notifications import KEPT
from schemas.times import rfc3339
from schemas.vendor import loosened


class UnreadableAccount(ValueError):  # noqa: N818 - named for the account, as the other unreadable things are
    """An account without a customer or account id, or with one that is none; the message quotes no value."""


def read_account(record: Mapping[str, Any]) -> AccountSnapshot:
    """Reduce a `CustomerAccount` or `CustomerAccountSimple` of the vendor's to what decisions need.

    Raises:
        UnreadableAccount: see there.
    """
    fields = {name: record[name] for name in KEPT if name in record}
    fields["accountId"], fields["accountType"] = record.get("id"), record.get("type")
    try:
        return AccountSnapshot.model_validate(loosened(fields))
    except ValidationError as error:
        wrong = sorted({str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False)})
    raise UnreadableAccount(f"{', '.join(wrong)}: absent or not an id")


def observed(snapshot: AccountSnapshot, at: datetime, source: Source, *, baseline: bool = False) -> Event:
    """Tell of an account that was read over the API.

    The id is that of what was seen, when, and by whom: the same reading written twice is one event, while a code that
    went and came back between two readings is two, even on accounts without dates (R1).

    Args:
        snapshot: the account as it was read.
        at: when it was read, aware UTC with whole milliseconds: the event time.
        source: the executor, or the sweep.
        baseline: read by a first sweep, not heard of as news (R17).
    """
    return _event(EventType.ACCOUNT_OBSERVED, snapshot.model_copy(update={"baseline": baseline}), at, source)


def missed(account: AccountSnapshot, at: datetime, source: Source) -> Event:
    """Tell of an account that was looked for over the API and is not there any more: deleted (R12).

    The id is made as that of `observed`: after a return the same account can be deleted again.

    Args:
        account: its ids, and where it was known last.
        at: when it was looked for, aware UTC with whole milliseconds: the event time.
        source: the sweep.
    """
    return _event(EventType.ACCOUNT_DELETED, account, at, source)


def _event(event_type: EventType, data: AccountSnapshot, at: datetime, source: Source) -> Event:
    seen = f"{source}\n{rfc3339(at)}\n".encode() + to_value(data)
    event_id = f"{hashlib.sha256(seen).hexdigest()}:0"
    return Event(event_id, event_type, source, at, data, f"accounts/{data.account_id}", data.customer_id)
