"""From a body to the records that must be durable before it may be answered 200; pure."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.cloudevents import CONTENT_TYPE, to_headers, to_value
from schemas.events import Event, Source
from schemas.notifications import (
    Receipt,
    Reduction,
    Refused,
    UnreadableBody,
    XmlBody,
    read_body,
    reduce_connect,
    reduce_txpush,
)
from schemas.times import to_epoch_ms
from streams.kafka.log import LogRecord
from streams.observe.labels import Route

_REDUCE: Mapping[Route, Callable[[Mapping[str, Any], Receipt], Reduction]] = {
    Route.TXPUSH: reduce_txpush,
    Route.CONNECT: reduce_connect,
}


@dataclass(frozen=True, slots=True)
class Topics:
    """Where events and dead letters go."""

    events: str
    dead_letter: str


Content = Mapping[str, Any] | UnreadableBody
"""A body that was read, or why it cannot be."""


class Intake(NamedTuple):
    """What one body comes to."""

    records: list[LogRecord]
    reduction: Reduction
    is_xml: bool = False
    correlation_id: str = ""
    """What the ids of its events begin with: the SHA-256 of the body."""


def content_of(body: bytes) -> Content:
    """Read a body."""
    try:
        return read_body(body)
    except UnreadableBody as error:
        return error


def take(route: Route, body: bytes, at: datetime, topics: Topics, content: Content | None = None) -> Intake:
    """Reduce a body; one that cannot be read becomes a dead letter, as sending it again would not help.

    Args:
        route: which kind of notification it should be.
        body: as it came over the wire, not empty.
        at: time of receipt, aware UTC with whole milliseconds: the event time.
        topics: where the records go.
        content: the body, where it has been read already.
    """
    receipt = Receipt(hashlib.sha256(body).hexdigest(), at)
    read = content_of(body) if content is None else content
    reduction = _reduced(route, read, receipt)
    timestamp_ms = to_epoch_ms(at)
    records = [record_of(event, timestamp_ms, topics.events) for event in reduction.events]
    records += [_of_refused(refused, route, receipt, topics.dead_letter) for refused in reduction.refused]
    return Intake(records, reduction, isinstance(read, XmlBody), receipt.sha256)


def _reduced(route: Route, content: Content, receipt: Receipt) -> Reduction:
    if isinstance(content, UnreadableBody):
        return _set_aside(content)
    try:
        return _REDUCE[route](content, receipt)
    except UnreadableBody as error:
        return _set_aside(error)


def _set_aside(error: UnreadableBody) -> Reduction:
    return Reduction(refused=[Refused(DeadLetterReason.UNREADABLE_BODY, str(error))])


def record_of(event: Event, timestamp_ms: int, topic: str) -> LogRecord:
    """Give the record of an event; its CreateTime is the event time."""
    key = None if event.partition_key is None else event.partition_key.encode()
    return LogRecord(topic, key, to_value(event.data), to_headers(event), timestamp_ms)


def _of_refused(refused: Refused, route: Route, receipt: Receipt, topic: str) -> LogRecord:
    letter = DeadLetter(
        reason=refused.reason,
        detail=refused.detail,
        origin=f"{Source.BRIDGE}/{route}",
        received_at=receipt.at,
        reduced=refused.reduced,
        body_sha256=receipt.sha256,
    )
    key = None if refused.key is None else refused.key.encode()
    return LogRecord(topic, key, letter.model_dump_json().encode(), [CONTENT_TYPE], to_epoch_ms(receipt.at))
