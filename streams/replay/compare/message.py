"""A message as it is in its topic, derived or recorded."""

from typing import NamedTuple

import orjson

from schemas.catalogue import Kind
from schemas.cloudevents import id_of
from schemas.problems import UNREADABLE
from streams.domain.cases.commands import command_id
from streams.fold.effects import Headers, SourceRecord
from streams.fold.messages import without_link


class Message(NamedTuple):
    """A message as it is in its topic."""

    id: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int | None

    @classmethod
    def of(cls, key: bytes | None, value: bytes | None, headers: Headers, timestamp: int | None) -> "Message":
        """Take a record; its id is the attribute `ce_id`."""
        told = tuple(headers)
        return cls(id_of(told), key, value or b"", told, timestamp)

    def without_link(self) -> "Message":
        """Give it as it is decided: its link is added outside."""
        return self._replace(value=without_link(self.value))

    @property
    def is_own(self) -> bool:
        """Whether it is a command whose id follows from what it says, under the key of whom it names."""
        try:
            data = orjson.loads(self.value)
            customer, login, episode = data["customer_id"], data["institution_login_id"], data["episode"]
            own = command_id(customer, login, Kind(data["kind"]), f"{episode['opened_at']}/{episode['ordinal']}")
            return (self.id, self.key) == (f"{own}:{data['sequence']}", customer.encode())
        except (*UNREADABLE, AttributeError, KeyError, TypeError):
            return False


class Recorded(NamedTuple):
    """A message that was read, and its offset."""

    message: Message
    offset: int

    @classmethod
    def of(cls, record: SourceRecord) -> "Recorded":
        """Take a record as it was read."""
        return cls(Message.of(record.key, record.value, record.headers, record.timestamp), record.offset)

    def without_link(self) -> "Recorded":
        """Give it as it was decided."""
        return Recorded(self.message.without_link(), self.offset)
