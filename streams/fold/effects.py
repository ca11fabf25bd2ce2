"""What an application gives to the machinery: a fold over the records of one partition, and its effects."""

from collections import defaultdict
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, Protocol

from schemas.cloudevents import attribute
from schemas.events import Event
from schemas.state import Record

Headers = Sequence[tuple[str, bytes]]


class Table(Protocol):
    """State by key, partition by partition; it changes with the transaction of a partition only."""

    name: str
    topic: str
    """The changelog."""
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]

    def partition(self, partition: int) -> Mapping[str, Any]:
        """Give the values of one partition, live; raises KeyError where it is not owned."""

    def take(self, partition: int, values: MutableMapping[str, Any]) -> None:
        """Own a partition with its restored values."""

    def drop(self, partition: int) -> None:
        """Give a partition up."""

    def apply(self, partition: int, changes: Mapping[str, Any]) -> None:
        """Show what a transaction has committed."""


class SourceRecord(Protocol):
    """A record of the input log, as aiokafka gives it."""

    @property
    def offset(self) -> int:
        """Its position in the partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, set by the producer."""

    @property
    def key(self) -> bytes | None:
        """The partition key."""

    @property
    def value(self) -> bytes | None:
        """The data."""

    @property
    def headers(self) -> Headers:
        """Attributes by name."""


def type_of(record: SourceRecord) -> bytes | None:
    """Give the `ce_type` of a record as it is written; None without one."""
    return attribute(record.headers, "ce_type")


class OutRecord(Record, frozen=True):
    """One record to write; `timestamp_ms` None is the time of writing."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int | None = None


@dataclass(slots=True)
class Outbox:
    """Records to write in the transaction of a poll, in order per topic and partition."""

    records: defaultdict[tuple[str, int], list[OutRecord]] = field(default_factory=lambda: defaultdict(list))

    def add(self, topic: str, partition: int, record: OutRecord) -> None:
        """Append a record to a partition of a topic."""
        self.records[topic, partition].append(record)

    def __len__(self) -> int:
        """Count the records."""
        return sum(map(len, self.records.values()))


@dataclass(slots=True)
class Effects:
    """What a poll leads to: records, and changed table values (None drops a key)."""

    outbox: Outbox = field(default_factory=Outbox)
    announced: list[tuple[str, Event]] = field(default_factory=list)
    """Events for every partition of a log, by the log's name: written before the transaction and outside of it, so they
    may be written again after a crash. Their ids follow from what they say.
    """
    changes: dict[Table, Mapping[str, Any]] = field(default_factory=dict)
    note: Any = None
    """What the fold wants back in `committed`, counters for example."""
    left: int = 0
    """The last so many records of the poll were not looked at: there was no time."""


class PartitionPaused(Exception):  # noqa: N818 - a state, not a fault
    """The fold refuses to go on with a partition; the message says why and what an operator can do."""


class ShareTooLarge(PartitionPaused):
    """Too many of the latest records would be dead letters; `Fold.resumed` tells when an operator has accepted them."""


class Fold(Protocol):
    """An application's part: it reads its tables and decides; it writes, waits and asks nothing else.

    Called by one task at a time. PartitionPaused stops the partition with nothing of the poll kept; any other exception
    ends the process.
    """

    @property
    def tables(self) -> Sequence[Table]:
        """The tables that hold the state, restored before `opened`."""

    def opened(self, partition: int) -> None:
        """Take over a partition whose tables have just been restored."""

    def next_offset(self, partition: int) -> int | None:
        """Give the offset from which the restored state goes on; None where it has none yet."""

    def announcement(self, partition: int) -> Event | None:
        """Give what the log has to hear before all else, the rules in force for example."""

    def closed(self, partition: int) -> None:
        """Forget a partition: another worker may have it by now."""

    def fold(self, partition: int, records: Sequence[SourceRecord], seconds: float = inf) -> Effects:
        """Decide on the records of one poll, in order; the tables still show the state before it.

        It ends with the record in which `seconds` are over: nothing else of the worker goes on meanwhile. It takes none
        at all where what opening has left for later took that long; called again it goes on with that.
        """

    def resumed(self, partition: int, records: Sequence[SourceRecord]) -> bool:
        """Look at records ahead of a ShareTooLarge, in order, for an operator's word to go on.

        True ends the pause: what lies before that word is folded then, however many dead letters it has.
        """

    def prepare(self, partition: int) -> bool:
        """Do a slice, of milliseconds, of what opening has left for later; True when nothing is left.

        Until then a timer may be missing from `next_due` unless it is asked for, which does all the rest at once.
        """

    def committed(self, partition: int, effects: Effects) -> None:
        """Hear that the effects stand: the tables show the new state."""

    def next_due(self, partition: int) -> datetime | None:
        """Give the time of the earliest timer of the partition."""
