"""An audit record as the proof reads it."""

from dataclasses import dataclass
from typing import Any

import orjson

from streams.fold.effects import SourceRecord


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
        said: dict[str, Any] = orjson.loads(value)
        return Decision(
            record.offset,
            record.key,
            value,
            sha256,
            str(said["topic"]),
            int(said["partition"]),
            int(said["offset"]),
            said["event_id"],
            said["event_time"],
            tuple((one["topic"], one["id"], one["sha256"]) for one in said["messages"]),
            said["dead_letter"],
            said["inputs_sha256"],
            said["previous"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableDecision("these bytes are no audit record") from error
