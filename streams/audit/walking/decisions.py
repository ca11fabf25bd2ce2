"""An audit record as the proof reads it."""

from dataclasses import dataclass

import msgspec

from schemas.problems import UNREADABLE
from schemas.times import parse_rfc3339, to_epoch_ms
from streams.fold.effects import SourceRecord
from streams.history import Number


class _Message(msgspec.Struct, frozen=True, gc=False):
    topic: str
    id: str
    sha256: str


class _Said(msgspec.Struct, frozen=True, gc=False):
    topic: str
    partition: Number
    offset: Number
    event_id: str
    event_time: str
    messages: tuple[_Message, ...]
    dead_letter: str | None
    inputs_sha256: str
    previous: str


_read = msgspec.json.Decoder(_Said).decode


@dataclass(frozen=True, slots=True)
class Decision:
    """One link of a chain; `at` is its own offset among the audit records, `value` its bytes, `hash` theirs."""

    at: int
    key: bytes | None
    value: bytes
    hash: str
    topic: str
    partition: int
    offset: int
    event_id: str
    event_time: str
    time_ms: int
    """The same in milliseconds since 1970."""
    messages: tuple[tuple[str, str, str], ...]
    """Topic, id and SHA-256 of each."""
    dead_letter: str | None
    inputs: str
    previous: str


class UnreadableDecision(ValueError):  # noqa: N818 - named for the record
    """The bytes are no audit record."""


def read_decision(record: SourceRecord, sha256: str) -> Decision:
    """Read an audit record with the hash of its bytes.

    Raises:
        UnreadableDecision: they are none.
    """
    value = record.value or b""
    try:
        said = _read(value)
        time_ms = to_epoch_ms(parse_rfc3339(said.event_time))
    except UNREADABLE as error:
        raise UnreadableDecision("these bytes are no audit record") from error
    return Decision(
        record.offset,
        record.key,
        value,
        sha256,
        said.topic,
        said.partition,
        said.offset,
        said.event_id,
        said.event_time,
        time_ms,
        tuple((one.topic, one.id, one.sha256) for one in said.messages),
        said.dead_letter,
        said.inputs_sha256,
        said.previous,
    )
