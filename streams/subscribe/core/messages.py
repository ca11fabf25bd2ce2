"""Records of the command topics as typed messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS, Action, Command, Ticket
from schemas.problems import place_of, words_of
from schemas.times import from_epoch_ms
from streams.subscribe.errors import UnreadableCommandError

C = TypeVar("C", bound=Command | Ticket)

_KINDS = {topic: kind for kind, topic in COMMAND_TOPICS.items()}


class Partition(NamedTuple):
    """One partition of one command topic."""

    topic: str
    number: int


class RawRecord(NamedTuple):
    """A record as it was read, whatever it came from."""

    partition: Partition
    offset: int
    value: bytes | None
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Message(Generic[C]):
    """One message of a command and its place in the log; `time` is the event time that caused it."""

    command: C
    time: datetime
    partition: Partition
    offset: int

    @property
    def id(self) -> str:
        """The CloudEvents id, `<command_id>:<sequence>`."""
        return f"{self.command.command_id}:{self.command.sequence}"

    @property
    def action(self) -> Action:
        """What the message says about its command."""
        return self.command.action

    @property
    def not_after(self) -> datetime | None:
        """The last moment at which to contact; None where the message sets none."""
        return self.command.not_after if isinstance(self.command, Command) else None


def message_of(record: RawRecord) -> Message[Any]:
    """Read a record: a Ticket from the tickets' topic, a Command from the others; unknown fields are ignored.

    Raises:
        UnreadableCommandError: it is neither, or of a later version with words this one does not know.
    """
    kind = _KINDS[record.partition.topic]
    model = Ticket if kind is Kind.SUPPORT_TICKET else Command
    try:
        command = model.model_validate_json(record.value or b"", extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _unreadable(record, f"{place_of(first, 'value')}: {words_of(first)}") from None
    if command.kind is not kind:
        raise _unreadable(record, f"kind {command.kind} does not belong there")
    try:
        at = from_epoch_ms(record.timestamp_ms)
    except OverflowError:
        raise _unreadable(record, f"timestamp {record.timestamp_ms}: no time") from None
    return Message(command, at, record.partition, record.offset)


def _unreadable(record: RawRecord, why: str) -> UnreadableCommandError:
    place = f"{record.partition.topic} [{record.partition.number}] offset {record.offset}"
    return UnreadableCommandError(f"{place} is no command that this version can read: {why}")
