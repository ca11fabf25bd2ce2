"""Which customers were forgotten, as far as a history tells (R18): their ids may be shown to nobody from then on."""

from collections.abc import Callable, Iterable, Iterator

from schemas.events import EventType
from streams.fold.effects import SourceRecord, type_of
from streams.history.history import History, Place
from streams.kafka.topics import EVENTS

FORGOTTEN = EventType.CUSTOMER_FORGOTTEN.encode()
WITHHELD = "(withheld)"
"""Stands for an id that follows from that of a customer who was forgotten: of an event, or of a command."""


async def forgotten_in(
    history: History, partition: int, tick: Callable[[int], None] = lambda _: None
) -> frozenset[str]:
    """Read a partition of the inbound log from end to end, and give the ids of the customers who were forgotten in it.

    A forgotten customer's records of before and after it all lie in this partition, for as long as they are kept.
    `tick` hears how many more records were looked at.

    Raises:
        HistoryError: it cannot be read.
    """
    place, found = Place(EVENTS, partition), set[str]()
    span = (await history.spans([EVENTS]))[place]
    async for records in history.read(place, span):
        tick(len(records))
        found.update(forgotten_by(records))
    return frozenset(found)


def forgotten_by(records: Iterable[SourceRecord]) -> Iterator[str]:
    """Give the ids of those whom records of the inbound log have forgotten."""
    for record in records:
        if type_of(record) == FORGOTTEN and record.key is not None:
            yield record.key.decode(errors="replace")
