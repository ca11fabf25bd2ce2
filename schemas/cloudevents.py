"""CloudEvents 1.0 in their two forms: binary mode for Kafka records, structured mode for files, one object a line."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from schemas.audit import DeadLetterReason
from schemas.events import (
    CONNECT_PREFIX,
    SCHEMA_VERSION,
    AccountChallenged,
    CanarySent,
    ClockTick,
    CommandReported,
    CustomerForgotten,
    Event,
    EventData,
    EventType,
    Incident,
    Override,
    PolicyActivated,
    SnapshotMarked,
    SnapshotTaken,
)
from schemas.signals import HealthyLogins, Signal, SignalType, TicketWanted
from schemas.times import from_epoch_ms, parse_rfc3339, rfc3339, to_epoch_ms
from schemas.vendor import plain_text, read_connect, read_snapshot

Headers = Sequence[tuple[str, bytes]]
"""Kafka record headers."""

SPEC_VERSION = ("ce_specversion", b"1.0")
CONTENT_TYPE = ("content-type", b"application/json")

_DATA_SCHEMA = "ce_dataschema"
_VERSIONED = re.compile(rb"urn:txpush-remediation:([0-9]{1,9}):")
_MAX_ATTRIBUTE_BYTES = 256
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2200, 1, 1, tzinfo=UTC)
"""Event times that rules can add their spans to; what lies outside was never meant."""


class UnreadableRecord(ValueError):  # noqa: N818 - named for the record, as the dead letter names it
    """A record that is not an event of this log: `reason` for the dead letter, the message for people.

    `whose` is the key of the one at whose state it fails, where that is what it fails at: others may do well.
    """

    def __init__(self, reason: DeadLetterReason, detail: str, *, whose: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.whose = whose


class NewerRecord(Exception):  # noqa: N818 - named for the record, as above
    """A record of a later version of the messages: read by this release it might be misread, set aside it is lost."""


def to_headers(event: Event) -> list[tuple[str, bytes]]:
    """Write the attributes of an event as Kafka headers (binary mode)."""
    headers = [
        SPEC_VERSION,
        ("ce_id", event.id.encode()),
        ("ce_type", event.type.encode()),
        ("ce_source", event.source.encode()),
        ("ce_time", rfc3339(event.time).encode()),
        CONTENT_TYPE,
    ]
    if event.subject is not None:
        headers.append(("ce_subject", event.subject.encode()))
    return headers


def to_value(data: EventData) -> bytes:
    """Write the data of an event as JSON; absent fields are left out, but for signals, which need all of theirs."""
    if isinstance(data, Signal | HealthyLogins | TicketWanted):
        return data.model_dump_json().encode()
    if isinstance(data, BaseModel):
        return data.model_dump_json(exclude_none=True).encode()
    return orjson.dumps(data)


def to_structured(event: Event) -> dict[str, Any]:
    """Give an event as one JSON object (structured mode)."""
    attributes = {
        "specversion": "1.0",
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": rfc3339(event.time),
        "partitionkey": event.partition_key,
        "datacontenttype": "application/json",
    }
    return {name: value for name, value in attributes.items() if value is not None} | {
        "data": orjson.loads(to_value(event.data))
    }


def attribute(headers: Headers, name: str) -> bytes | None:
    """Give a header as it is written, of equal ones the last as `from_record` does; None without one.

    CloudEvents' Kafka binding has one header an attribute, and Kafka lets there be several.
    """
    for header, value in reversed(headers):
        if header == name:
            return value
    return None


def id_of(headers: Headers) -> str:
    """Give the `ce_id` of a message as text, empty where it is missing."""
    return (attribute(headers, "ce_id") or b"").decode(errors="replace")


def fields_of(value: bytes | None) -> dict[str, Any]:
    """Give the data of a message as they are written, for who looks at a field of them; of what is no object, none."""
    try:
        data = orjson.loads(value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def from_record(headers: Headers, key: bytes | None, value: bytes | None, timestamp_ms: int) -> Event:
    """Read a Kafka record as an event.

    Raises:
        UnreadableRecord: an attribute is missing or too long, `ce_time` is not the record's timestamp, or the data
            does not fit.
        NewerRecord: `ce_dataschema` names a later version than ours; left out, it is the first.
    """
    attributes = dict(headers)
    if schema := attributes.get(_DATA_SCHEMA):
        _refuse_newer(schema)
    event_type = _attribute(attributes, "ce_type")
    return Event(
        _attribute(attributes, "ce_id"),
        event_type,
        _attribute(attributes, "ce_source"),
        _event_time(_attribute(attributes, "ce_time"), timestamp_ms),
        read_data(event_type, b"" if value is None else value),
        _attribute(attributes, "ce_subject") if attributes.get("ce_subject") else None,
        _key(key),
    )


def _refuse_newer(schema: bytes) -> None:
    named = _VERSIONED.match(schema)
    if named is not None and int(named[1]) > SCHEMA_VERSION:
        raise NewerRecord(
            f"a record is of version {int(named[1])} of the messages, and this release reads up to {SCHEMA_VERSION}"
        )


def _attribute(attributes: Mapping[str, bytes | None], name: str) -> str:
    value = attributes.get(name)
    if not value:
        raise UnreadableRecord(DeadLetterReason.NOT_A_CLOUD_EVENT, f"not a CloudEvent: the header {name} is missing")
    if len(value) > _MAX_ATTRIBUTE_BYTES:
        raise UnreadableRecord(
            DeadLetterReason.NOT_A_CLOUD_EVENT,
            f"the header {name} has {len(value)} bytes, more than {_MAX_ATTRIBUTE_BYTES}",
        )
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(f"the header {name}") from error


def _key(key: bytes | None) -> str | None:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8("the record key") from error


def _not_utf8(place: str) -> UnreadableRecord:
    return UnreadableRecord(DeadLetterReason.NOT_A_CLOUD_EVENT, f"{place} is not UTF-8")


def _event_time(text: str, timestamp_ms: int) -> datetime:
    try:
        at, given = from_epoch_ms(timestamp_ms), parse_rfc3339(text)
    except (OverflowError, ValueError) as error:
        detail = "ce_time and the record's timestamp are not both times: write RFC 3339, as 2026-11-01T03:00:00Z"
        raise UnreadableRecord(DeadLetterReason.BAD_TIME, detail) from error
    if not FIRST_TIME <= at < LAST_TIME:
        raise UnreadableRecord(DeadLetterReason.BAD_TIME, f"ce_time {text} is outside the years 2000 to 2199")
    if given != at and to_epoch_ms(given) != timestamp_ms:
        raise UnreadableRecord(
            DeadLetterReason.BAD_TIME, f"ce_time {text} is not the record's timestamp {rfc3339(at)}: write both alike"
        )
    return at


def read_data(event_type: str, value: bytes) -> EventData:
    """Read the data of an event by its type; types of other versions come back as they are.

    Raises:
        UnreadableRecord: the value is not JSON, or not what the type asks for.
    """
    try:
        if event_type in _SNAPSHOTS:
            return read_snapshot(value)
        if event_type.startswith(CONNECT_PREFIX):
            return read_connect(value)
        if event_type == EventType.CLOCK_TICK:
            return _TICK
        read = _READ.get(event_type, _mapping)
        return read(value)
    except (ValidationError, ValueError) as error:
        named = plain_text(event_type) or "a strange type"
        raise UnreadableRecord(_reason(error), f"data of {named}: {_first_line(error)}") from error


_SNAPSHOTS = frozenset({EventType.ACCOUNT_MODIFIED, EventType.ACCOUNT_DELETED, EventType.ACCOUNT_OBSERVED})
_TICK = ClockTick()


def _mapping(value: bytes) -> Mapping[str, Any]:
    data = orjson.loads(value)
    if not isinstance(data, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - bad data, not a bad argument
    return data


_READ: Mapping[str, Callable[[bytes], EventData]] = {
    EventType.ACCOUNT_CHALLENGED: AccountChallenged.model_validate_json,
    EventType.COMMAND_REPORTED: CommandReported.model_validate_json,
    EventType.CANARY_SENT: CanarySent.model_validate_json,
    EventType.INCIDENT_OPENED: Incident.model_validate_json,
    EventType.INCIDENT_CLOSED: Incident.model_validate_json,
    EventType.OPERATOR_OVERRIDE: Override.model_validate_json,
    EventType.CUSTOMER_FORGOTTEN: CustomerForgotten.model_validate_json,
    EventType.POLICY_ACTIVATED: PolicyActivated.model_validate_json,
    EventType.SNAPSHOT_MARKED: SnapshotMarked.model_validate_json,
    EventType.SNAPSHOT_TAKEN: SnapshotTaken.model_validate_json,
    SignalType.FAILING: Signal.model_validate_json,
    SignalType.LEFT: Signal.model_validate_json,
    SignalType.HEALTHY: HealthyLogins.model_validate_json,
    SignalType.TICKET_WANTED: TicketWanted.model_validate_json,
}


def _reason(error: ValueError) -> DeadLetterReason:
    if isinstance(error, ValidationError):
        wrong = {fault["loc"][:1] for fault in error.errors(include_url=False, include_input=False)}
        return DeadLetterReason.NO_ACCOUNT if wrong & _ACCOUNT_FIELDS else DeadLetterReason.BAD_DATA
    return DeadLetterReason.BAD_DATA


_ACCOUNT_FIELDS = frozenset({("customerId",), ("accountId",)})


def _first_line(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}"
    return (str(error).splitlines() or [type(error).__name__])[0]
