"""From a vendor's notification to events of the log: one record is one event, with only what decisions need."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.audit import DeadLetterReason
from schemas.events import CONNECT_PREFIX, AccountSnapshot, ConnectEvent, Event, EventData, EventType, Source
from schemas.vendor import DATE_FIELDS, ID_FIELDS, loosened, loosened_connect, read_json, valid_identifier

MAX_REFUSED = 3000
"""Records of one notification that are refused one by one; what is beyond is refused together.

As many accounts as the vendor sends fit a body of 1 MiB. There may be as many events as a body holds.
"""

CONNECT_TYPES = frozenset(
    {
        "accountsDeleted",
        "added",
        "adding",
        "credentialsUpdated",
        "discovered",
        "done",
        "institutionNotFound",
        "institutionNotSupported",
        "institutionSupported",
        "invalidCredentials",
        "mfa",
        "ping",
        "started",
        "unableToConnect",
    }
)
"""Data Connect event types that are documented or were seen; others are stored and counted."""

KEPT = (*ID_FIELDS, *DATE_FIELDS, "aggregationStatusCode", "authorizationExpires")
"""Fields of an account that keep their name; its `id` and `type` become `accountId` and `accountType`."""

_TYPE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
_ACCOUNT_TYPES = {"modified": EventType.ACCOUNT_MODIFIED, "deleted": EventType.ACCOUNT_DELETED}


class UnreadableBody(ValueError):  # noqa: N818 - named for the body, as the dead letter names it
    """The body is not a notification at all; the message says why and quotes nothing of it."""


class XmlBody(UnreadableBody):
    """The subscription was made without `Accept: application/json`: subscribe again with it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be an event: for the dead letter, with its valid ids and nothing else."""

    reason: DeadLetterReason
    detail: str
    key: str | None = None
    reduced: str | None = None


@dataclass(slots=True)
class Reduction:
    """What one notification comes to; a test ping or a transaction comes to nothing."""

    events: list[Event] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unreadable_dates: int = 0
    unknown_types: int = 0
    not_stored: int = 0
    beyond: int = 0
    """Refused records that the last of `refused` stands for, where there are more than may be told one by one."""

    def refuse(self, refused: Refused) -> None:
        """Refuse a record."""
        if len(self.refused) <= MAX_REFUSED:
            self.refused.append(refused)
        if len(self.refused) > MAX_REFUSED:
            self.beyond += 1
            detail = f"{self.beyond} more records that cannot be events"
            self.refused[-1] = Refused(DeadLetterReason.BAD_DATA, detail)


class Receipt(NamedTuple):
    """When a body came in (aware UTC, whole milliseconds) and its SHA-256 in lower-case hex, the root of event ids."""

    sha256: str
    at: datetime

    def event(self, event_type: str, data: EventData, index: int, subject: str | None, customer_id: str) -> Event:
        """Give the event of the record at `index`: with the same id when the body is delivered again."""
        return Event(f"{self.sha256}:{index}", event_type, Source.BRIDGE, self.at, data, subject, customer_id)


def read_body(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object.

    Raises:
        XmlBody: XML.
        UnreadableBody: not JSON, nested too deep, or not an object.
    """
    try:
        content = read_json(body)
    except orjson.JSONDecodeError as error:
        if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
            raise XmlBody("the body is XML: subscribe again with Accept: application/json") from None
        raise UnreadableBody(f"the body is not JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise UnreadableBody("the body is not a JSON object")
    return content


def reduce_txpush(body: Mapping[str, Any], receipt: Receipt) -> Reduction:
    """Reduce a TxPUSH notification `{"event": {"class", "type", "records"}}`.

    Raises:
        UnreadableBody: another envelope.
    """
    class_name, type_name, records = _envelope(body)
    reduction = Reduction()
    if class_name == "transaction":
        reduction.not_stored = len(records)
        return reduction
    known = _ACCOUNT_TYPES.get(type_name) if class_name == "account" else None
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            reduction.refuse(_refused(DeadLetterReason.BAD_DATA, f"record {index} is not an object", {}))
            continue
        fields = {name: record[name] for name in KEPT if name in record}
        if class_name == "account":
            fields["accountId"], fields["accountType"] = record.get("id"), record.get("type")
        if known is None:
            _add_unknown(reduction, f"txpush.{class_name}.{type_name}", fields, index, receipt)
        else:
            _add_account(reduction, known, fields, index, receipt)
    return reduction


def reduce_connect(body: Mapping[str, Any], receipt: Receipt) -> Reduction:
    """Reduce a Data Connect webhook.

    Raises:
        UnreadableBody: without a plain event type.
    """
    event_type = body.get("eventType")
    if not isinstance(event_type, str) or not _TYPE_WORD.fullmatch(event_type):
        raise UnreadableBody("the body has no plain eventType")
    reduction = Reduction(unknown_types=int(event_type not in CONNECT_TYPES))
    if event_type == "ping" and body.get("customerId") is None:
        reduction.not_stored = 1
        return reduction
    try:
        data = ConnectEvent.model_validate(loosened_connect(_connect_fields(body)))
    except ValidationError as error:
        reduction.refused.append(_refused(*_fault(error, 0), body))
        return reduction
    subject = f"customers/{data.customer_id}"
    reduction.events.append(receipt.event(CONNECT_PREFIX + event_type, data, 0, subject, data.customer_id))
    return reduction


def _envelope(body: Mapping[str, Any]) -> tuple[str, str, list[Any]]:
    event = body.get("event")
    if not isinstance(event, dict):
        raise UnreadableBody("the body has no event object")
    class_name, type_name, records = event.get("class"), event.get("type"), event.get("records")
    if not isinstance(records, list):
        raise UnreadableBody("event.records is not a list")
    if not (isinstance(class_name, str) and isinstance(type_name, str)):
        raise UnreadableBody("event.class and event.type are not both text")
    if not (_TYPE_WORD.fullmatch(class_name) and _TYPE_WORD.fullmatch(type_name)):
        raise UnreadableBody("event.class and event.type are not both plain words")
    return class_name, type_name, records


def _add_account(
    reduction: Reduction, event_type: str, fields: Mapping[str, Any], index: int, receipt: Receipt
) -> None:
    typed = loosened(fields)
    try:
        data = AccountSnapshot.model_validate(typed)
    except ValidationError as error:
        reduction.refuse(_refused(*_fault(error, index), fields))
        return
    if None in typed.values():
        reduction.unreadable_dates += sum(fields.get(name) is not None and typed[name] is None for name in DATE_FIELDS)
    subject = f"accounts/{data.account_id}"
    reduction.events.append(receipt.event(event_type, data, index, subject, data.customer_id))


def _add_unknown(
    reduction: Reduction, event_type: str, fields: Mapping[str, Any], index: int, receipt: Receipt
) -> None:
    ids = _valid_ids(fields)
    if "customerId" not in ids:
        detail = f"record {index}: customerId: absent or not an id"
        reduction.refuse(_refused(DeadLetterReason.NO_ACCOUNT, detail, fields))
        return
    reduction.unknown_types += 1
    subject = f"accounts/{ids['accountId']}" if "accountId" in ids else None
    reduction.events.append(receipt.event(event_type, ids, index, subject, ids["customerId"]))


def _connect_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    payload = body.get("payload")
    details = payload if isinstance(payload, dict) else {}
    listed = details.get("accounts")
    accounts = listed if isinstance(listed, list) else []
    objects = [account for account in accounts if isinstance(account, dict)]
    return {
        "customerId": body.get("customerId"),
        "institutionId": details.get("institutionId"),
        "institutionLoginIds": [details.get("institutionLoginId"), *(a.get("institutionLoginId") for a in objects)],
        "accountIds": [account.get("id") if isinstance(account, dict) else account for account in accounts],
        "eventType": body.get("eventType"),
        "eventId": body.get("eventId"),
        "code": details.get("code", body.get("code")),
        "reason": details.get("reason", body.get("reason")),
        "webhookData": body.get("webhookData"),
    }


def _fault(error: ValidationError, index: int) -> tuple[DeadLetterReason, str]:
    """Say what is wrong without the value: it may be somebody's name."""
    wrong = [str(fault["loc"][0]) for fault in error.errors(include_url=False, include_input=False)]
    reason = DeadLetterReason.NO_ACCOUNT if {"customerId", "accountId"} & set(wrong) else DeadLetterReason.BAD_DATA
    return reason, f"record {index}: {', '.join(wrong)}: absent or not an id"


def _refused(reason: DeadLetterReason, detail: str, fields: Mapping[str, Any]) -> Refused:
    ids = _valid_ids(fields)
    return Refused(reason, detail, ids.get("customerId"), orjson.dumps(ids).decode())


def _valid_ids(fields: Mapping[str, Any]) -> dict[str, str]:
    found = {name: valid_identifier(fields.get(name)) for name in ID_FIELDS}
    return {name: text for name, text in found.items() if text is not None}
