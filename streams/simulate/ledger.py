"""Where the two sides write in a simulation: messages to print, signals to hand on, and what live would set aside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord, from_record, to_value
from schemas.events import Event
from schemas.times import to_epoch_ms
from streams.fold.effects import Headers, SourceRecord
from streams.fold.inforce import InForce
from streams.fold.ledger import Tally, Written, decision_failed
from streams.fold.lines import AgentOutcome
from streams.kafka.topics import SIGNALS

PARTITION = 0
"""A simulation is one partition: one clock for all."""
_ATTRIBUTES = ("specversion", "id", "type", "source", "subject", "time")


class RecordAt(NamedTuple):
    """Stands for a record of the log, of which decisions ask the offset only."""

    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


class Aside(NamedTuple):
    """An event that live would put into the dead letter, and why."""

    event_id: str
    reason: DeadLetterReason
    detail: str

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.reason}: {self.detail} ({self.event_id})"


@dataclass(frozen=True, slots=True)
class Message:
    """A command, a ticket or a lookup; `value` is the data, byte for byte as live writes it, `fix_url` apart."""

    topic: str
    key: str
    headers: Headers
    value: bytes

    def line(self) -> bytes:
        """Write it as a CloudEvent in structured mode, one line of JSON."""
        return orjson.dumps(self._object(orjson.Fragment(self.value)), option=orjson.OPT_APPEND_NEWLINE)

    def structured(self) -> dict[str, Any]:
        """Give the same as an object."""
        return self._object(orjson.loads(self.value))

    def _object(self, data: object) -> dict[str, Any]:
        headers = dict(self.headers)
        attributes = {name: headers[f"ce_{name}"].decode() for name in _ATTRIBUTES}
        media_type = headers["content-type"].decode()
        return attributes | {"partitionkey": self.key, "datacontenttype": media_type, "data": data}


class RunLedger:
    """The books of a whole run (see streams.fold.ledger.Ledger); `ticked_at` is its clock."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force = in_force
        self.ticked_at: datetime | None = None
        self.tally = Tally()
        self.messages: list[Message] = []
        self.signals: list[Event] = []
        self.announced: list[Event] = []
        """Incidents that the institutions' side has opened or closed."""
        self.counted: list[tuple[str, datetime]] = []
        """Institution and event time of each login that was seen to succeed and is to be counted (R9)."""
        self.asides: list[Aside] = []

    def heard(self, event_type: str, outcome: AgentOutcome) -> None:
        """Tell nobody: a simulation has its summary."""

    def decided(self, record: SourceRecord, event_id: str, key: str | None, **_: object) -> None:
        """Keep no chain: nobody audits a simulation."""

    def tell(self, topic: str, key: str, value: bytes | None) -> None:
        """Let health go: nobody reads it here."""

    def announce(self, log: str, event: Event) -> Written:
        """Take an incident for the customers' side."""
        self.announced.append(event)
        return Written(log, event.id, to_value(event.data))

    def send(self, message: Written, key: str, headers: Headers, at: datetime, partition: int | None = None) -> None:
        """Take a message for whom it is meant: signals for the institutions' side, the rest for the reader."""
        del partition
        if message.topic == SIGNALS:
            self.signals.append(from_record(headers, key.encode(), message.value, to_epoch_ms(at)))
        else:
            self.messages.append(Message(message.topic, key, headers, message.value))

    def take_incidents(self) -> list[Event]:
        """Give the incidents that the institutions' side has opened or closed since the last call."""
        announced, self.announced = self.announced, []
        return announced

    def set_aside(self, record: SourceRecord, error: UnreadableRecord) -> None:
        """Note what live would put into the dead letter."""
        self.note_aside("", error)
        del record

    def failed(self, record: SourceRecord, error: Exception, *, whose: str | None, at: str = "") -> None:
        """Note the same of what a decision raised."""
        self.set_aside(record, decision_failed(error, whose=whose, at=at, told=str(error)))

    def timer_failed(self, error: Exception) -> None:
        """Note that live would go on without a timer."""
        self.note_aside("", decision_failed(error, at="timers: ", told=str(error)))

    def note_aside(self, event_id: str, error: UnreadableRecord) -> None:
        """Note the same of an event."""
        self.asides.append(Aside(event_id, error.reason, error.detail))
