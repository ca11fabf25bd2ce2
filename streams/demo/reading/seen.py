"""What an independent reader has seen on the topics: plain JSON and headers, none of the project's own readers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas.events import CONNECT_PREFIX
from streams.demo.expected import Course, Lookup, Said
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, HEALTH, LOOKUP, TICKETS

COMMANDS = frozenset({*CUSTOMER_COMMANDS, TICKETS})

Place = tuple[int, int]
"""Partition and offset of a record of the inbound log."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it came from Kafka, without its topic's partition count or timestamps."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a command; `subject` is its record key: the customer, of a ticket the institution."""

    topic: str
    subject: str
    command_id: str
    sequence: int
    said: Said
    event_ids: tuple[str, ...]
    at: datetime
    fix_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """One record of the inbound log that is about a customer; no account of an event of Data Connect."""

    event_id: str
    type: str
    customer: str
    account: str | None
    code: int | None

    @property
    def is_connect(self) -> bool:
        """Tell whether Data Connect sent it."""
        return self.type.startswith(CONNECT_PREFIX)


@dataclass(frozen=True, slots=True)
class Decided:
    """What the audit chain says of one inbound record."""

    phase: str | None
    rules: tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """Everything that was read so far; `committed` holds the agent's offsets in the inbound log, by partition."""

    messages: list[Message] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    phases: dict[str, str] = field(default_factory=dict)
    lookups: list[Lookup] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    places: defaultdict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[Place, Decided] = field(default_factory=dict)
    committed: Mapping[int, int] = field(default_factory=dict)
    records: int = 0
    leaks: list[str] = field(default_factory=list)
    secrets: tuple[bytes, ...] = ()

    def take(self, record: Record) -> None:
        """Take one record in."""
        self.records += 1
        self._search(record)
        if record.topic in COMMANDS:
            self.messages.append(_message(record))
        elif record.topic == EVENTS:
            self._take_event(record)
        elif record.topic == AUDIT:
            self._take_audit(orjson.loads(record.value))
        elif record.topic == DEAD_LETTER:
            self.letters.append(orjson.loads(record.value))
        elif record.topic == HEALTH:
            self._take_health(record.key.decode(), record.value)
        elif record.topic == LOOKUP:
            self.lookups.append(Lookup(record.key.decode(), orjson.loads(record.value)["action"]))

    def _take_health(self, account: str, value: bytes) -> None:
        """Take an account's health; that of a forgotten customer is a tombstone."""
        if value:
            self.phases[account] = orjson.loads(value)["phase"]
        else:
            self.phases.pop(account, None)

    def command(self, customer: str, number: int) -> list[Message]:
        """Give the messages of the customer's command with this number, counted from 0 in the order of their issue."""
        of_customer = [message for message in self.messages if message.subject == customer]
        ids = list(dict.fromkeys(message.command_id for message in of_customer))
        return [message for message in of_customer if message.command_id in ids[number : number + 1]]

    def last_of(self, customer: str) -> Message | None:
        """Give the customer's last message."""
        return next((message for message in reversed(self.messages) if message.subject == customer), None)

    def caused(self, event_ids: Iterable[str]) -> list[Message]:
        """Give the messages that name one of the events as their cause."""
        wanted = set(event_ids)
        return [message for message in self.messages if not wanted.isdisjoint(message.event_ids)]

    def courses(self) -> list[Course]:
        """Give each command with its messages in the order of their sequence, doubled ones once."""
        commands: dict[tuple[str, str, str], dict[int, Said]] = {}
        for message in self.messages:
            key = (message.topic, message.subject, message.command_id)
            commands.setdefault(key, {}).setdefault(message.sequence, message.said)
        return [
            Course(subject, topic, tuple(said for _, said in sorted(course.items(), key=lambda item: item[0])))
            for (topic, subject, _), course in commands.items()
        ]

    def doubled(self) -> list[Message]:
        """Give one message of each (command id, sequence) that came more than once."""
        first = {(message.command_id, message.sequence): message for message in self.messages}
        times = Counter((message.command_id, message.sequence) for message in self.messages)
        return [first[key] for key, count in times.items() if count > 1]

    def gaps(self) -> list[Message]:
        """Give the messages whose predecessor in the same command is missing."""
        known = {(message.command_id, message.sequence) for message in self.messages}
        return [m for m in self.messages if m.sequence and (m.command_id, m.sequence - 1) not in known]

    def _take_event(self, record: Record) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        event_id = headers["ce_id"]
        self.places[event_id].append((record.partition, record.offset))
        data = orjson.loads(record.value)
        if len(self.places[event_id]) == 1 and "customerId" in data:
            account, code = data.get("accountId"), data.get("aggregationStatusCode")
            self.heard.append(Heard(event_id, headers["ce_type"], data["customerId"], account, code))

    def _take_audit(self, audit: Mapping[str, Any]) -> None:
        if audit["topic"] == EVENTS:
            place = audit["partition"], audit["offset"]
            self.decided[place] = Decided(audit["phase_after"], tuple(audit["rules"]))

    def _search(self, record: Record) -> None:
        """Look for a name, number or balance anywhere in a record."""
        content = b"\n".join((record.key, record.value, *(value for _, value in record.headers)))
        self.leaks += [
            f"{secret.decode()!r} stands in {record.topic}/{record.partition}/{record.offset}"
            for secret in self.secrets
            if secret in content
        ]


def _message(record: Record) -> Message:
    data = orjson.loads(record.value)
    said = Said(data["action"], data["reason"]["code"], tuple(data["steps"]), data.get("withdraw_reason"))
    event_ids = tuple(data["evidence"]["event_ids"])
    at = datetime.fromisoformat(dict(record.headers)["ce_time"].decode())
    subject = record.key.decode()
    return Message(
        record.topic, subject, data["command_id"], data["sequence"], said, event_ids, at, data.get("fix_url")
    )
