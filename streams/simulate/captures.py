"""Captured bodies, as the bridge, the executor and operators turn them into events of the log."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from msgspec.structs import replace
from pydantic import ValidationError

from schemas.audit import DeadLetterReason
from schemas.events import Event, EventType, Override, Source
from schemas.notifications import (
    Receipt,
    Reduction,
    Refused,
    UnreadableBody,
    read_body,
    reduce_connect,
    reduce_txpush,
)
from schemas.problems import place_of, words_of
from schemas.times import to_epoch_ms
from schemas.vendor import read_json


class BadCapture(ValueError):  # noqa: N818 - named for the capture
    """No such source, or an operator's body that is no decision; the message says what to write."""


def read_capture(source: str, body: bytes, at: datetime) -> Reduction:
    """Reduce a captured body; one that the bridge cannot read becomes a dead letter here, too.

    Args:
        source: `txpush`, `connect`, `api` (a CustomerAccount) or `operator` (the data of an `operator.override`).
        body: JSON; a body that was captured as text is a JSON string of it.
        at: when it was received, the event time.

    Raises:
        BadCapture: see there.
    """
    reduce = _REDUCE.get(source)
    if reduce is None:
        raise BadCapture(f"source {source!r} is none of {', '.join(_REDUCE)}; name where the body came from")
    raw = _raw(body)
    try:
        return reduce(read_body(raw), Receipt(hashlib.sha256(raw).hexdigest(), at))
    except UnreadableBody as error:
        return Reduction(refused=[Refused(DeadLetterReason.UNREADABLE_BODY, str(error))])


def _raw(body: bytes) -> bytes:
    """Give the bytes that came over the wire, or the like: spaces between are of no matter to an id."""
    try:
        content = read_json(body or b"null")
    except orjson.JSONDecodeError as error:
        raise BadCapture(f"body is not JSON: {error}; write the body as it was captured") from None
    try:
        return content.encode() if isinstance(content, str) else orjson.dumps(content)
    except TypeError as error:  # orjson reads deeper than it writes
        raise BadCapture("body is nested too deeply; remove the line") from error


def _reduce_api(body: Mapping[str, Any], receipt: Receipt) -> Reduction:
    """Reduce an account as `Get Customer Account by ID` gives it: as a record of a notification, but observed.

    Whoever read it knew the customer from elsewhere, as a sweep does; the executor answers about known ones only (R18).
    """
    envelope = {"event": {"class": "account", "type": "modified", "records": [body]}}
    reduction = reduce_txpush(envelope, receipt)
    reduction.events = [
        replace(event, type=EventType.ACCOUNT_OBSERVED, source=Source.SWEEP) for event in reduction.events
    ]
    return reduction


def _read_override(body: Mapping[str, Any], receipt: Receipt) -> Reduction:
    try:
        data = Override.model_validate_json(orjson.dumps(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadCapture(
            "an operator's body is the data of an override (action, who, why and whom): "
            f"{place_of(first, 'body')}: {words_of(first)}; write other decisions of operators as events"
        ) from None
    subject = None if data.customer_id is None else f"customers/{data.customer_id}"
    # Nothing sends a decision again: the same words later are another decision.
    event_id = f"{receipt.sha256}:{to_epoch_ms(receipt.at)}"
    event = Event(event_id, EventType.OPERATOR_OVERRIDE, Source.OPERATOR, receipt.at, data, subject, data.customer_id)
    return Reduction(events=[event])


_REDUCE: Mapping[str, Callable[[Mapping[str, Any], Receipt], Reduction]] = {
    "txpush": reduce_txpush,
    "connect": reduce_connect,
    "api": _reduce_api,
    "operator": _read_override,
}
