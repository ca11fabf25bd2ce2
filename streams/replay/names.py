"""How customers are named in what a replay says: those who were forgotten, or all, by keyed hashes."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span
from streams.history.forgotten import WITHHELD, forgotten_by
from streams.kafka.topics import EVENTS
from streams.pseudonyms import Kind, Pseudonyms, kind_of
from streams.replay.compare.difference import DECISION, SNAPSHOT, Difference

MOST_LOOKED_UP = 1000
"""Records that are looked up for whose they are; where there are more, no id is told of any."""


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
        self._nameless: set[int] = set()
        """Offsets of decisions without a key that differ: on dead letters, and on what concerns many."""
        self._withheld: set[int] = set()
        """Those of them that are about who was forgotten."""

    def hear(self, records: Sequence[SourceRecord]) -> None:
        """Note who is forgotten."""
        self._forgotten.update(forgotten_by(records))

    def note(self, difference: Difference) -> None:
        """Take a difference, of which it may have to be read whose it is."""
        if _is_nameless(difference) and len(self._nameless) <= MOST_LOOKED_UP and difference.offset is not None:
            self._nameless.add(difference.offset)

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
        if self._forgotten and len(self._nameless) <= MOST_LOOKED_UP:
            await self._look_up(history, place, span)

    async def _look_up(self, history: History, place: Place, span: Span) -> None:
        for offset in sorted(self._nameless):
            chunks: Any = history.read(place, Span(offset, offset + 1).within(span))
            async with aclosing(chunks):
                async for records in chunks:
                    self._withheld.update(one.offset for one in records if self._is_of_forgotten(one))

    def _is_of_forgotten(self, record: SourceRecord) -> bool:
        """Tell whether a record is of who was forgotten, or has their id in it: one set aside may have another key."""
        whose, said = (record.key or b"").decode(errors="replace"), record.value or b""
        return whose in self._forgotten or any(one.encode() in said for one in self._forgotten)

    def named(self, difference: Difference) -> Difference:
        """Give a difference as it may be shown: ids of events and commands follow from those of the customer, too."""
        if difference.is_anybodys:
            told = difference.id if difference.is_of_customer and not self._forgotten else WITHHELD
            difference = msgspec.structs.replace(difference, id=told, is_anybodys=False)
        customer = difference.customer
        if customer is None and difference.is_of_customer and self._hides(difference):
            return msgspec.structs.replace(difference, id=WITHHELD, shown=_without_names(difference.shown))
        if customer is None or not difference.is_of_customer or not (self._hides_all or customer in self._forgotten):
            return difference
        if kind_of(customer) is Kind.CUSTOMER:
            return difference  # of an export that has names in place of ids, in ids of commands as well
        name = self._pseudonyms.name(Kind.CUSTOMER, customer)
        return msgspec.structs.replace(difference, customer=name, id=WITHHELD, shown=_without_names(difference.shown))

    def _hides(self, difference: Difference) -> bool:
        """Tell whether the id of a difference without a customer may be one of who is not to be named."""
        if self._hides_all or not self._forgotten:
            return self._hides_all
        if not _is_nameless(difference):
            return difference.what != SNAPSHOT
        return len(self._nameless) > MOST_LOOKED_UP or difference.offset in self._withheld


def _is_nameless(difference: Difference) -> bool:
    return difference.customer is None and difference.what == DECISION and difference.is_of_customer


def _without_names(shown: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Leave of the messages of decisions their topics."""
    told = dict(shown)
    if "messages" in told:
        then, now = ([one.partition(" ")[0] for one in side] for side in told["messages"])
        told["messages"] = (then, now)
    return told
