"""An event of a service: a CloudEvent in structured mode that becomes a record of the log, or words that say why."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.events import AccountChallenged, CanarySent, CommandReported, Event, EventType, Source
from schemas.problems import words_of
from schemas.times import parse_rfc3339
from streams.bridge.answers import Answer, Rejected, told
from streams.bridge.services.callers import Caller
from streams.observe.labels import Outcome

MEDIA_TYPE = b"application/cloudevents+json"
MAX_EVENT_BYTES = 64 * 1024
MAX_TOLD = 10
"""Faults of one event that are told at once."""

_Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class MadeUpCanary(CanarySent):
    """A canary as a service may post it: nothing of it is under the key of a customer, or an id that others have."""

    customer_id: str = Field(max_length=64, pattern=r"^canary-[0-9]+$")
    canary_id: str = Field(max_length=64, alias="canary_id", pattern=r"^[0-9A-Za-z-]+$")


Data = AccountChallenged | CommandReported | CanarySent
_DATA: Mapping[str, Callable[[Mapping[str, Any]], Data]] = {
    EventType.ACCOUNT_CHALLENGED: AccountChallenged.model_validate,
    EventType.COMMAND_REPORTED: CommandReported.model_validate,
    EventType.CANARY_SENT: MadeUpCanary.model_validate,
}


class Envelope(BaseModel):
    """The attributes that count; others are ignored, as CloudEvents has it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text
    time: _Text | None = None
    datacontenttype: Literal["application/json"] | None = None
    partitionkey: _Text | None = None
    data: dict[str, Any]


def read_event(caller: Caller, content_type: bytes, body: bytes, at: datetime) -> Event:
    """Read an event that a service posted.

    It goes into the log with the bridge as its source and the time of receipt, as every record of the bridge does: the
    clock of a service must not move that of a customer. Its id follows from caller, source and id, so that the same
    event, posted again, counts once.

    Args:
        caller: who sends it.
        content_type: value of that header.
        body: as it came.
        at: time of receipt, aware UTC with whole milliseconds.

    Raises:
        Rejected: with 400, 403 or 415, in words that quote no value.
    """
    if content_type.partition(b";")[0].strip().lower() != MEDIA_TYPE:
        text = f"the body has to be one event in structured mode, content-type {MEDIA_TYPE.decode()}"
        raise Rejected(told(415, Outcome.WRONG_MEDIA_TYPE, text))
    envelope = _envelope(body)
    if envelope.type not in caller.types:
        text = f"{caller.name} may send {', '.join(sorted(caller.types))} only: see the callers' file"
        raise Rejected(told(403, Outcome.NOT_ALLOWED, text))
    data = _data(envelope)
    said = orjson.dumps((caller.name, envelope.source, envelope.id))
    return Event(
        id=f"{hashlib.sha256(said).hexdigest()}:0",
        type=envelope.type,
        source=Source.BRIDGE,
        time=at,
        data=data,
        subject=_subject(data),
        partition_key=data.customer_id,
    )


def _envelope(body: bytes) -> Envelope:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Rejected(_invalid([f"the body is not JSON: {error.msg}"])) from None
    try:
        envelope = Envelope.model_validate(content)
        if envelope.time is not None:
            parse_rfc3339(envelope.time)
    except ValidationError as error:
        raise Rejected(_invalid(_faults(error, ""))) from None
    except ValueError:
        raise Rejected(_invalid(["time: not an RFC 3339 time"])) from None
    return envelope


def _data(envelope: Envelope) -> Data:
    try:
        data = _DATA[envelope.type](envelope.data)
    except ValidationError as error:
        raise Rejected(_invalid(_faults(error, "data"))) from None
    if envelope.partitionkey not in (None, data.customer_id):
        raise Rejected(_invalid(["partitionkey: has to be the customerId of data, or left out"]))
    return data


def _subject(data: Data) -> str:
    if isinstance(data, CanarySent):
        return f"canaries/{data.canary_id}"
    if isinstance(data, CommandReported):
        return f"commands/{data.command_id}"
    return f"accounts/{data.account_id}" if data.account_id else f"logins/{data.institution_login_id}"


def _faults(error: ValidationError, place: str) -> list[str]:
    faults = error.errors(include_url=False, include_input=False)[:MAX_TOLD]
    return [
        f"{'.'.join(str(part) for part in (place, *fault['loc']) if part != '') or 'the body'}: {words_of(fault)}"
        for fault in faults
    ]


def _invalid(faults: list[str]) -> Answer:
    return told(400, Outcome.BAD_REQUEST, "\n".join(faults))
