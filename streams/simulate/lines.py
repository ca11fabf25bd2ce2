"""Reads a line of a file: an event of the log in structured mode, or a captured body."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.audit import DeadLetterReason
from schemas.cloudevents import FIRST_TIME, LAST_TIME, UnreadableRecord, read_data
from schemas.events import CONNECT_PREFIX, SCHEMA_VERSION, Event, EventType
from schemas.times import from_epoch_ms, parse_rfc3339, to_epoch_ms
from schemas.vendor import with_whole_characters
from streams.domain import customer_of
from streams.simulate.captures import BadCapture, read_capture

MAX_ATTRIBUTE = 256
_TYPES = frozenset(EventType)
_SCHEMA = "urn:txpush-remediation:"


class UnreadableLine(ValueError):  # noqa: N818 - named for the line
    """The line is no event and no capture; the message says what is wrong with it, and what to do."""


class Read(NamedTuple):
    """What a line comes to: events, and what live would put into the dead letter."""

    events: Sequence[Event]
    refused: Sequence[str] = ()
    is_capture: bool = False


class Line(msgspec.Struct):
    """The members of either form; absent ones are empty."""

    specversion: str = "1.0"
    id: str = ""
    type: str = ""
    source: str = ""
    time: str = ""
    subject: str | None = None
    partitionkey: str | None = None
    dataschema: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    received_at: str = ""
    body: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(Line).decode


def read_line(text: bytes) -> Read:
    """Read a line that is not blank.

    Raises:
        UnreadableLine: it is neither an event nor a capture, or lacks what one needs.
    """
    try:
        line = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        halved = _halved_capture(text)
        if halved is None:
            raise UnreadableLine(f"not an event: {error}; write one JSON object a line, as `jq -c .` does") from None
        line = halved
    except RecursionError:
        raise UnreadableLine("nested too deeply; no event is: remove the line") from None
    return _capture(line) if _is_capture(line) else _event(line)


def _halved_capture(text: bytes) -> Line | None:
    """Read a capture with half a surrogate pair in it, as the bridge reads its body; no event of the log has one."""
    whole = with_whole_characters(text)
    try:
        line = None if whole is None else _decode(whole)
    except msgspec.MsgspecError:
        return None
    return line if line is not None and _is_capture(line) else None


def _is_capture(line: Line) -> bool:
    return bool(line.received_at or bytes(line.body))


def read_time(text: str, name: str) -> datetime:
    """Read an event time, cut to milliseconds; raises UnreadableLine."""
    try:
        at = parse_rfc3339(text)
    except (OverflowError, ValueError):
        raise UnreadableLine(f"{name} {text!r} is no time; write RFC 3339, as 2026-11-01T03:00:00Z") from None
    if not FIRST_TIME <= at < LAST_TIME:
        raise UnreadableLine(f"{name} {text} is outside the years 2000 to 2199; mend it")
    return from_epoch_ms(to_epoch_ms(at))


def _capture(line: Line) -> Read:
    at = read_time(line.received_at, "received_at")
    try:
        reduction = read_capture(line.source, bytes(line.body), at)
    except BadCapture as error:
        raise UnreadableLine(str(error)) from None
    return Read(reduction.events, [f"{one.reason}: {one.detail}" for one in reduction.refused], is_capture=True)


def _event(line: Line) -> Read:
    _check(line)
    at = read_time(line.time, "time")
    try:
        data = read_data(line.type, bytes(line.data))
    except UnreadableRecord as error:
        if error.reason is DeadLetterReason.NO_ACCOUNT or not _is_decided_on(line.type):
            return Read((), (f"{error.reason}: {error.detail}",))
        raise UnreadableLine(f"{error.detail}; mend the data, or remove the line") from None
    event = Event(line.id, line.type, line.source, at, data, line.subject, line.partitionkey)
    if event.partition_key is None:
        event = replace(event, partition_key=customer_of(event))
    return Read((event,))


def _is_decided_on(event_type: str) -> bool:
    return event_type in _TYPES or event_type.startswith(CONNECT_PREFIX)


def _check(line: Line) -> None:
    missing = [name for name in ("id", "type", "time") if not getattr(line, name)]
    if missing:
        raise UnreadableLine(
            f"neither an event nor a capture: {', '.join(missing)} missing; an event has id, type, source, time and "
            "data, a capture has received_at, source and body"
        )
    if not line.specversion.startswith("1."):
        raise UnreadableLine(f"specversion {line.specversion!r} is not 1.0; convert the events to CloudEvents 1.0")
    if max(len(line.id), len(line.type)) > MAX_ATTRIBUTE:
        raise UnreadableLine(f"id or type is longer than {MAX_ATTRIBUTE} characters; shorten it")
    version = (line.dataschema or "").removeprefix(_SCHEMA).partition(":")[0]
    if line.dataschema and line.dataschema.startswith(_SCHEMA) and version.isdecimal():
        _refuse_newer(version)


def _refuse_newer(version: str) -> None:
    digits = version.lstrip("0") or "0"
    if len(digits) > len(str(SCHEMA_VERSION)) or int(digits) > SCHEMA_VERSION:
        raise UnreadableLine(
            f"version {version[:9]} of the messages, and this release reads up to {SCHEMA_VERSION}: use a later one"
        )
