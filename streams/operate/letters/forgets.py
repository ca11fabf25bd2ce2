"""Whose customer was forgotten behind the record of a dead letter: put back, it would make the customer known again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from schemas.cloudevents import LAST_TIME
from schemas.events import EventType
from schemas.times import to_epoch_ms
from streams.fold.effects import SourceRecord
from streams.fold.intake import partition_of
from streams.kafka.access import Bootstrap
from streams.kafka.topics import EVENTS
from streams.operate.letters.kept import Kept, LetterId, Origin
from streams.operate.reading import committed_reader, operator_admin, to_end, topic_sizes, within

READ_SECONDS = 900.0
LAST_MS = to_epoch_ms(LAST_TIME)
FORGOTTEN = ("ce_type", EventType.CUSTOMER_FORGOTTEN.encode())
WHY_NOT = (
    "its customer was forgotten after it and would be known again by it (R18): `txpush sweep` reads at the vendor who "
    "is a customer now"
)


class Candidate(NamedTuple):
    """A dead letter whose record could be put back, and that record, which has a key."""

    kept: Kept
    record: SourceRecord

    @property
    def key(self) -> bytes:
        """The customer's id."""
        return self.record.key or b""


class Order(NamedTuple):
    """The latest order to forget a customer: where it is in the log, and its event time in milliseconds."""

    place: Origin
    timestamp: int

    def is_behind(self, candidate: Candidate) -> bool:
        """Tell whether it came after a record; where that lies in another partition, by the time of both."""
        origin = candidate.kept.origin
        if origin is not None and origin.partition == self.place.partition:
            return self.place.offset > origin.offset
        return self.timestamp >= candidate.record.timestamp


@dataclass(slots=True)
class Forgets:
    """The orders to forget customers that a log has, as far as it was read."""

    orders: dict[bytes, Order] = field(default_factory=dict)
    read_to: dict[TopicPartition, int] = field(default_factory=dict)

    def of(self, candidates: Iterable[Candidate]) -> frozenset[LetterId]:
        """Give the dead letters whose customer was forgotten behind them."""
        return frozenset(
            one.kept.id
            for one in candidates
            if (order := self.orders.get(one.key)) is not None and order.is_behind(one)
        )

    async def read_on(self, bootstrap: Bootstrap) -> None:
        """Read from where it was to where the log ends now.

        Raises:
            OperateError: there is more than can be read in a quarter of an hour.
            KafkaError, OSError, TimeoutError: no broker answers.
        """
        slow = (
            f"not all of {EVENTS} since the oldest of these records could be read within {READ_SECONDS:.0f} s, to know "
            "whose customer was forgotten: choose fewer, with --since or --partition"
        )
        async with committed_reader(bootstrap) as consumer, within(READ_SECONDS, slow):
            async for record in to_end(consumer, list(self.read_to), self.read_to):
                self.take(record)

    def take(self, record: Any) -> None:  # noqa: ANN401 - a record of an untyped library
        """Take a record of the log."""
        self.read_to[TopicPartition(EVENTS, record.partition)] = record.offset + 1
        if FORGOTTEN in record.headers:
            self.orders[record.key or b""] = Order(Origin(EVENTS, record.partition, record.offset), record.timestamp)


async def forgets_behind(bootstrap: Bootstrap, candidates: Sequence[Candidate]) -> Forgets:
    """Read the orders to forget customers that the log has behind the oldest of some records.

    Raises:
        OperateError: there is more than can be read in a quarter of an hour.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    if not candidates:
        return Forgets()
    async with operator_admin(bootstrap) as admin:
        partitions = (await topic_sizes(admin))[EVENTS]
    offsets: dict[TopicPartition, int] = {}
    times: dict[TopicPartition, int] = {}
    for one in candidates:
        place, origin = TopicPartition(EVENTS, partition_of(one.key, partitions)), one.kept.origin
        if origin is not None and origin.partition == place.partition:
            offsets[place] = min(origin.offset, offsets.get(place, origin.offset))
        else:
            times[place] = min(max(0, one.record.timestamp), times.get(place, LAST_MS))
    forgets = Forgets(read_to=await _starts(bootstrap, offsets, times))
    await forgets.read_on(bootstrap)
    return forgets


async def _starts(
    bootstrap: Bootstrap, offsets: Mapping[TopicPartition, int], times: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Give where to begin in each partition: at the offset, and not behind the first record of the time."""
    starts = list(offsets.items())
    if times:
        async with committed_reader(bootstrap) as consumer:
            ends = await consumer.end_offsets(list(times))
            found = await consumer.offsets_for_times(dict(times))
        starts += [(place, ends[place] if one is None else one.offset) for place, one in found.items()]
    return {place: min(start for where, start in starts if where == place) for place, _ in starts}
