"""How customers are named in what a replay says: those who were forgotten, or all, by keyed hashes."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span
from streams.history.forgotten import forgotten_by
from streams.kafka.topics import EVENTS
from streams.pseudonyms import Kind, Pseudonyms
from streams.replay.compare.difference import Difference

WITHHELD = "(withheld)"


@dataclass(frozen=True, slots=True)
class Naming:
    """How to name customers; the same in every process of a replay.

    Attributes:
        keys: of the hashes, the first for new names; at least one.
        hides_all: nobody is named in clear.
    """

    keys: tuple[bytes, ...]
    hides_all: bool = False


class Names:
    """Names the customers of a partition."""

    def __init__(self, naming: Naming) -> None:
        self._pseudonyms = Pseudonyms(naming.keys)
        self._hides_all = naming.hides_all
        self._forgotten: set[str] = set()

    def hear(self, records: Sequence[SourceRecord]) -> None:
        """Note who is forgotten."""
        self._forgotten.update(forgotten_by(records))

    async def read_around(self, history: History, place: Place, folded: Span) -> None:
        """Read what else the log has, for whoever is forgotten before or later; who is hidden anyhow needs no reading.

        Raises:
            HistoryError: it cannot be read.
        """
        if self._hides_all or place.topic != EVENTS:
            return
        span = (await history.spans([place.topic]))[place]
        for part in (Span(span.begin, folded.begin), Span(folded.end, span.end)):
            chunks: Any = history.read(place, part.within(span))
            async with aclosing(chunks):
                async for records in chunks:
                    self.hear(records)

    def named(self, difference: Difference) -> Difference:
        """Give a difference as it may be shown: ids of events and commands follow from those of the customer, too."""
        customer = difference.customer
        if customer is None or not difference.is_of_customer or not (self._hides_all or customer in self._forgotten):
            return difference
        name = self._pseudonyms.name(Kind.CUSTOMER, customer)
        return msgspec.structs.replace(difference, customer=name, id=WITHHELD, shown=_nameless(difference.shown))


def _nameless(shown: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Leave of the messages of decisions their topics."""
    told = dict(shown)
    if "messages" in told:
        then, now = ([one.partition(" ")[0] for one in side] for side in told["messages"])
        told["messages"] = (then, now)
    return told
