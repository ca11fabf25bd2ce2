"""Whose customer was forgotten behind the record of a dead letter: put back, it would make the customer known again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from schemas.contract.channels import Component
from schemas.events import EventType
from schemas.times import to_epoch_ms
from streams.fold.effects import type_of
from streams.fold.intake import partition_of
from streams.kafka.access import Bootstrap
from streams.kafka.since import offsets_since
from streams.kafka.topics import EVENTS
from streams.operate.letters.kept import Kept, Origin
from streams.operate.reading import committed_reader, operator_admin, to_end, topic_sizes, within

READ_SECONDS = 900.0
FORGOTTEN = EventType.CUSTOMER_FORGOTTEN.encode()
FORGOTTEN_BEHIND = (
    "its customer was forgotten after it and would be known again by it (R18): `txpush sweep` reads at the vendor who "
    "is a customer now"
)


class ForgetOrder(NamedTuple):
    """The latest order to forget a customer: where it is in the log, and its event time in milliseconds."""

    place: Origin
    timestamp: int

    def is_behind(self, kept: Kept) -> bool:
        """Tell whether it came after the record of a letter; where that lay in another partition, by their times."""
        origin = kept.origin
        if origin is not None and origin.partition == self.place.partition:
            return self.place.offset > origin.offset
        return self.timestamp >= to_epoch_ms(kept.letter.received_at)


@dataclass(slots=True)
class Forgets:
    """The orders to forget some customers that the log has, as far as it was read."""

    orders: dict[bytes, ForgetOrder | None] = field(default_factory=dict)
    """The latest of each customer that is asked about, by the customer's id; None where there is none."""
    read_to: dict[TopicPartition, int] = field(default_factory=dict)
    """The next offset of each partition in which there may be one."""

    def has(self, kept: Kept) -> bool:
        """Tell whether the customer of a dead letter was forgotten behind its record."""
        order = self.orders.get(kept.key or b"")
        return order is not None and order.is_behind(kept)

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
        if record.key in self.orders and type_of(record) == FORGOTTEN:
            place = Origin(EVENTS, record.partition, record.offset)
            self.orders[record.key] = ForgetOrder(place, record.timestamp)


async def forgets_behind(bootstrap: Bootstrap, letters: Sequence[Kept]) -> Forgets:
    """Read the orders to forget the customers of some dead letters that the log has behind the oldest of their records.

    Raises:
        OperateError: there is more than can be read in a quarter of an hour.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    keyed = [(one, one.key) for one in letters if one.component is Component.AGENT and one.key is not None]
    if not keyed:
        return Forgets()
    async with operator_admin(bootstrap) as admin:
        partitions = (await topic_sizes(admin))[EVENTS]
    offsets: dict[TopicPartition, int] = {}
    times: dict[TopicPartition, int] = {}
    for one, key in keyed:
        place, origin = TopicPartition(EVENTS, partition_of(key, partitions)), one.origin
        if origin is not None and origin.partition == place.partition:
            offsets[place] = min(origin.offset, offsets.get(place, origin.offset))
        else:
            at = to_epoch_ms(one.letter.received_at)
            times[place] = min(at, times.get(place, at))
    forgets = Forgets(dict.fromkeys(key for _, key in keyed), await _starts(bootstrap, offsets, times))
    await forgets.read_on(bootstrap)
    return forgets


async def _starts(
    bootstrap: Bootstrap, offsets: Mapping[TopicPartition, int], times: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Give where to begin in each partition: at the offset, and not behind the first record of the time."""
    starts = dict(offsets)
    if times:
        async with committed_reader(bootstrap) as consumer:
            for place, start in (await offsets_since(consumer, times)).items():
                starts[place] = min(start, starts.get(place, start))
    return starts
