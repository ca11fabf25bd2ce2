"""The command topics as a list: the source behind the in-memory twin."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas.commands import COMMAND_TOPICS, Command, Ticket
from schemas.times import to_epoch_ms
from streams.clock import Clock, WallClock
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.sources.base import Extent, Revoked


class MemoryLog:
    """Topics of one partition each, and what the group has committed; it outlives the subscriptions on it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()
        self.records: defaultdict[Partition, list[RawRecord]] = defaultdict(list)
        self.committed: dict[Partition, int] = {}

    def put(self, *messages: Command | Ticket, at: datetime | None = None) -> None:
        """Append messages to their topics, with the event time `at` (the present time when None)."""
        moment = at or self._clock.now()
        for message in messages:
            self.put_raw(COMMAND_TOPICS[message.kind], message.model_dump_json().encode(), moment)

    def put_raw(self, topic: str, value: bytes | None, at: datetime) -> None:
        """Append a record of any content."""
        partition = Partition(topic, 0)
        records = self.records[partition]
        records.append(RawRecord(partition, len(records), value, to_epoch_ms(at)))


class MemorySource:
    """A `Source` on a MemoryLog; it is exhausted when all records are read, so that iterations end."""

    def __init__(self, log: MemoryLog, topics: Sequence[str]) -> None:
        self._log = log
        self._partitions = [Partition(topic, 0) for topic in topics]
        self._positions = dict.fromkeys(self._partitions, 0)
        self._changed = True
        self._held = False

    @property
    def exhausted(self) -> bool:
        """Whether all records are read, or may not be."""
        ended = all(at >= len(self._log.records[one]) for one, at in self._positions.items())
        return not self._changed and (ended or self._held)

    async def start(self, revoked: Revoked) -> None:
        """Join: all partitions are assigned, for good."""

    async def stop(self) -> None:
        """Leave."""

    async def assigned(self) -> Mapping[Partition, Extent] | None:
        """Give all partitions the first time, and whenever they are to be read again."""
        if not self._changed:
            return None
        self._changed = False
        return {one: Extent(self._log.committed.get(one), len(self._log.records[one])) for one in self._partitions}

    def seek(self, starts: Mapping[Partition, int]) -> None:
        """Read on from there."""
        self._positions |= starts

    def again(self) -> None:
        """Have the partitions given once more."""
        self._changed = True

    async def poll(self, seconds: float, *, hold: bool) -> Sequence[RawRecord]:  # noqa: ARG002 - nothing to wait for
        """Give all that is there, without waiting."""
        self._held = hold
        if hold:
            return []
        records = [record for one, at in self._positions.items() for record in self._log.records[one][at:]]
        self._positions = {one: len(self._log.records[one]) for one in self._partitions}
        return records

    async def position(self, partition: Partition) -> int:
        """Give the offset of the next record."""
        return self._positions[partition]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Keep the offsets in the log."""
        self._log.committed |= offsets
