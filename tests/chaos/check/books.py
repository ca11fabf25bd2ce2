"""The plain books of one partition: what its records should lead to, written down one event at a time."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.catalogue import Catalogue
from schemas.cloudevents import UnreadableRecord, from_record
from schemas.events import Event, PolicyActivated
from schemas.policy import Policy
from schemas.state import ControlState, encode
from schemas.state.partitions import STATE_VERSION
from schemas.times import rfc3339, to_epoch_ms
from streams.domain import ENGINE_VERSION, Outgoing, Rules
from tests.chaos.check.export import Headers, Place, Record

BRIDGE, EXECUTOR, SWEEP, AGENT, INSTITUTIONS, OPERATOR = _SOURCES = tuple(
    f"/remediation/{name}" for name in ("bridge", "executor", "sweep", "agent", "institutions", "operator")
)
OURS = frozenset(_SOURCES)
"""Who may write into the logs at all."""
NO_INPUTS = bytes(32)
MASK = 0xFFFFFFFF
LOOKED_AT = 1000
"""Records that the share of dead letters is over."""


@dataclass(frozen=True, slots=True)
class Message:
    """A record that should be in a topic, whole."""

    key: bytes
    value: bytes
    headers: Headers
    timestamp: int

    @property
    def subject(self) -> str:
        """What it is about (`ce_subject`)."""
        return dict(self.headers).get("ce_subject", b"").decode()


@dataclass(slots=True)
class Expected:
    """What a partition of a log should lead to."""

    messages: dict[Place, list[Message]] = field(default_factory=dict)
    health: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By the table's name: what each key should hold; keys that are not here should hold nothing."""
    audits: list[dict[str, Any]] = field(default_factory=list)
    letters: list[tuple[str, str]] = field(default_factory=list)
    """Reason and hash of the value of each record that should have been set aside."""
    inputs: bytes = NO_INPUTS
    ticked_at: datetime | None = None
    next_offset: int | None = None


class Books:
    """Keeps clock, rules in force, chain inputs and dead letters of one partition of a log."""

    def __init__(self, log: str, partition: int, partitions: int, sources: Mapping[str, frozenset[str]]) -> None:
        self.log = log
        self.partition = partition
        self.expected = Expected()
        self._partitions = partitions
        self._sources = sources
        self._dead: list[bool] = []
        self.use(Policy.load(), Catalogue.load())

    def use(
        self, policy: Policy, catalogue: Catalogue, engine: str = ENGINE_VERSION, since: datetime | None = None
    ) -> None:
        """Put rules in force."""
        self.rules = Rules(policy, catalogue, since)
        self._in_force = {
            "policy_sha256": policy.sha256, "catalogue_sha256": catalogue.sha256, "engine_version": engine
        }  # fmt: skip

    def read(self, record: Record) -> Event:
        """Roll a record into the chain and read it; raises UnreadableRecord for one that should be set aside."""
        self._dead.append(False)
        self.expected.next_offset = record.offset + 1
        told = [record.key, record.value, *(part for name, value in record.headers for part in (name.encode(), value))]
        parts = b"".join(b"-" if part is None else str(len(part)).encode() + b":" + part for part in told)
        place = record.offset.to_bytes(8, "big") + record.timestamp.to_bytes(8, "big", signed=True)
        self.expected.inputs = hashlib.sha256(self.expected.inputs + place + parts).digest()
        event = from_record(record.headers, record.key, record.value, record.timestamp)
        if event.source not in self._sources.get(_family(event.type), OURS):
            raise UnreadableRecord(DeadLetterReason.SOURCE_NOT_ALLOWED, event.source)
        if record.key is not None and place_of(record.key, self._partitions) != self.partition:
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, event.partition_key or "")
        return event

    def activate(self, record: Record, event: Event, activation: PolicyActivated) -> None:
        """Change the rules."""
        since = max(event.time, self.expected.ticked_at or event.time)
        self.use(activation.policy, activation.catalogue, activation.engine_version, since)
        value = activation.model_dump_json().encode()
        self.expected.tables.setdefault("policies", {})[str(self.partition)] = value
        self.audit(record, event.id, rules=("policy",))

    def set_aside(self, record: Record, error: UnreadableRecord) -> None:
        """Expect a dead letter; a tick may have several, and counts for each."""
        if self._dead[-1]:
            self._dead.append(True)
        self._dead[-1] = True
        self.expected.letters.append((str(error.reason), hashlib.sha256(record.value or b"").hexdigest()))
        self.audit(record, record.header("ce_id"), dead_letter=str(error.reason))

    def say(self, place: Place, message: Message) -> None:
        """Expect a message."""
        self.expected.messages.setdefault(place, []).append(message)

    def command(self, sent: Outgoing, source: str) -> dict[str, str]:
        """Expect a command in the partition of its cause, and give how an audit record names it."""
        value = sent.data.model_dump_json().encode()
        headers = headers_of(sent.id, sent.topic, source, rfc3339(sent.time), sent.subject)
        message = Message(sent.key.encode(), value, headers, to_epoch_ms(sent.time))
        self.say((sent.topic, self.partition), message)
        return named(sent.topic, sent.id, value)

    def audit(
        self,
        record: Record,
        event_id: str,
        *,
        key: str | None = None,
        phases: tuple[str | None, str | None] = (None, None),
        rules: Sequence[str] = (),
        messages: Sequence[Mapping[str, str]] = (),
        state: Sequence[bytes] = (),
        dead_letter: str | None = None,
    ) -> None:
        """Expect an audit record; its link to the one before is looked at apart."""
        self.expected.audits.append(
            {
                "key": key,
                "event_id": event_id,
                "topic": self.log,
                "partition": self.partition,
                "offset": record.offset,
                "event_time": record.timestamp,
                "phase_before": phases[0],
                "phase_after": phases[1],
                "rules": list(rules),
                "messages": list(messages),
                "dead_letter": dead_letter,
                **self._in_force,
                "state_sha256": hashlib.sha256(b"".join(state)).hexdigest(),
                "inputs_sha256": self.expected.inputs.hex(),
            }
        )
        self.expected.inputs = NO_INPUTS

    def tick(self, at: datetime) -> datetime:
        """Move the partition's clock and give it."""
        before = self.expected.ticked_at
        self.expected.ticked_at = at if before is None else max(before, at)
        return self.expected.ticked_at

    def control(self, audit_head: str, log_name: str) -> bytes:
        """Give what the control table should hold, with the hash of the last audit record as it was found."""
        window = self._dead[-LOOKED_AT:]
        return encode(
            ControlState(
                ticked_at=self.expected.ticked_at,
                audit_head=audit_head,
                inputs=self.expected.inputs.hex(),
                rules_since=self.rules.since,
                looked_at=len(window),
                dead_ago=tuple(ago for ago in reversed(range(len(window))) if window[-1 - ago]),
                version=STATE_VERSION,
                next_offset=self.expected.next_offset,
                log=log_name,
            )
        )


def headers_of(message_id: str, message_type: str, source: str, time: str, subject: str) -> Headers:
    """Give the CloudEvents attributes of a message (binary mode)."""
    named_ = {"specversion": "1.0", "id": message_id, "type": message_type, "source": source, "time": time}
    attributes = tuple((f"ce_{name}", text.encode()) for name, text in {**named_, "subject": subject}.items())
    return (*attributes, ("content-type", b"application/json"))


def named(topic: str, message_id: str, value: bytes) -> dict[str, str]:
    """Give how an audit record names a message."""
    return {"topic": topic, "id": message_id, "sha256": hashlib.sha256(value).hexdigest()}


def _family(event_type: str) -> str:
    return "connect." if event_type.startswith("connect.") else event_type


def place_of(key: bytes, partitions: int) -> int:
    """Place a key by murmur2, as the Java client does; written out anew, so that a fault of ours would show."""
    length = len(key)
    hashed = (0x9747B28C ^ length) & MASK
    for at in range(0, length - length % 4, 4):
        word = int.from_bytes(key[at : at + 4], "little") * 0x5BD1E995 & MASK
        word = (word ^ word >> 24) * 0x5BD1E995 & MASK
        hashed = (hashed * 0x5BD1E995 & MASK) ^ word
    if rest := key[length - length % 4 :]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & MASK
    hashed = (hashed ^ hashed >> 13) * 0x5BD1E995 & MASK
    return ((hashed ^ hashed >> 15) & 0x7FFFFFFF) % partitions
