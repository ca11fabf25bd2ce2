"""A message as it is found in its topic: its id, its hash as decisions name it, and what is odd about it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import uuid5

import msgspec
import orjson

from schemas.canary import CANARY_TOPIC
from schemas.cloudevents import id_of
from schemas.commands import COMMAND_NAMESPACE
from schemas.events import Source
from schemas.problems import UNREADABLE
from schemas.times import from_epoch_ms, rfc3339
from streams.fold.effects import SourceRecord
from streams.fold.messages import hash_of, headers_of
from streams.kafka.topics import LOOKUP, TICKETS


class Found(NamedTuple):
    """What is compared of a message."""

    id: str
    sha256: str
    record: SourceRecord


Heard = Callable[[SourceRecord], None]

Identified = Callable[[SourceRecord], Found | None]
"""Gives what is compared of a record; None for one that is somebody else's."""


def message(record: SourceRecord) -> Found:
    """Identify a message of ours."""
    return Found(id_of(record.headers), hash_of(record.value), record)


class Letter(msgspec.Struct, frozen=True):
    """What is compared of a dead letter."""

    origin: str
    reason: str
    body_sha256: str


_read_letter = msgspec.json.Decoder(Letter).decode


def letter_of(record: SourceRecord) -> Letter | None:
    """Read a dead letter; None for what is none."""
    try:
        return _read_letter(record.value or b"")
    except UNREADABLE:
        return None


class Letters:
    """Identifies the dead letters of a partition of a log: by their origin, numbered where there are several of it.

    `others` hears of every other record of the topic's partition.
    """

    def __init__(self, log: str, partition: int, others: Heard = lambda _: None) -> None:
        self._prefix = f"{log}/{partition}/"
        self._others = others
        self._last = ""
        self._count = 0

    def __call__(self, record: SourceRecord) -> Found | None:
        """Give origin, reason and hash of the body; None for a letter of others, and for an operator's note."""
        letter = None if any(name == "ce_type" for name, _ in record.headers) else letter_of(record)
        if letter is None or not letter.origin.startswith(self._prefix):
            self._others(record)
            return None
        return Found(self.name(letter.origin), f"{letter.reason} {letter.body_sha256}", record)

    def name(self, origin: str) -> str:
        """Number a letter of an origin: a tick may have several."""
        self._count = self._count + 1 if origin == self._last else 1
        self._last = origin
        return f"{origin}#{self._count}"


def oddity(topic: str, record: SourceRecord) -> str | None:
    """Say which part of a message is not as its data have it; None where all is: no hash of the audit covers these."""
    expected = _attributes(topic, record)
    if expected is None:
        return "its data cannot be read"
    key, headers = expected
    if record.key != key.encode():
        return "its key is not that of its data"
    if tuple(record.headers) != headers:
        names = [name for (name, value), found in zip(headers, record.headers, strict=False) if (name, value) != found]
        return f"its header {names[0]} is not that of its data" if names else "it has other headers"
    return None


def _attributes(topic: str, record: SourceRecord) -> tuple[str, tuple[tuple[str, bytes], ...]] | None:
    """Give key and headers as the agents write them; `ce_time` is the record's timestamp."""
    try:
        data: Mapping[str, Any] = orjson.loads(record.value or b"")
        time = rfc3339(from_epoch_ms(record.timestamp))
        key, name, subject = _names(topic, data, time)
    except (orjson.JSONDecodeError, KeyError, TypeError, OverflowError):
        return None
    source = Source.INSTITUTIONS if topic == TICKETS else Source.AGENT
    return key, tuple(headers_of(str(name), topic, source, time, subject))


def _names(topic: str, data: Mapping[str, Any], time: str) -> tuple[str, str, str]:
    """Give key, id and subject."""
    if topic == CANARY_TOPIC:
        return data["customer_id"], data["canary_id"], f"canaries/{data['canary_id']}"
    if topic == LOOKUP:
        customer, asked = data["customer_id"], (data["action"], ",".join(data["account_ids"]), time)
        name = "/".join((customer, data["institution_login_id"] or "", *asked))
        return customer, f"lookup:{uuid5(COMMAND_NAMESPACE, name)}", f"customers/{customer}"
    name = f"{data['command_id']}:{data['sequence']}"
    if topic == TICKETS:
        institution, code = data["institution_id"], data["reason"]["code"]
        return institution, name, f"institutions/{institution}" + ("" if code is None else f"/codes/{code}")
    customer = data["customer_id"]
    return customer, name, f"customers/{customer}/logins/{data['institution_login_id']}"


_SIGNAL_ID = re.compile(r"(\d{1,9})/(\d{1,18})/(\d{1,9})")


class SignalId(NamedTuple):
    """The place of a signal's cause in the inbound log, and its number there."""

    partition: int
    offset: int
    number: int

    @classmethod
    def read(cls, text: str) -> "SignalId | None":
        """Read it; None for what no agent writes."""
        found = _SIGNAL_ID.fullmatch(text)
        return None if found is None else cls(*map(int, found.groups()))

    def __str__(self) -> str:
        """Give it as the signal has it."""
        return f"{self.partition}/{self.offset}/{self.number}"
