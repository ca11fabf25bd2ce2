"""The inbound records between two decisions: their roll, and what has happened to them where it does not fit."""

from schemas.cloudevents import attribute
from streams.audit.faults import Fault, Kind
from streams.audit.walking.cursor import Cursor
from streams.audit.walking.decisions import Decision
from streams.audit.walking.tries import MOST_TRIES, Search, Suspicion
from streams.fold.chain import NO_INPUTS, Chain
from streams.fold.effects import SourceRecord
from streams.fold.lines import short_text
from streams.history import Place
from streams.kafka.topics import EVENTS

MOST_HELD = 1000
"""Records of an interval that are kept to be looked at where they do not fit."""
SEARCHED = 2
"""Intervals for which what happened is looked for; behind them it is mostly one cause."""
SWAP_TRIES = 2000
"""Hashes of a search where what follows has moved up: a record was removed, or two were swapped."""


class Interval:
    """Rolls up the records since the last decision, from the first offset that may be one of them."""

    __slots__ = ("_chain", "count", "first", "is_held", "records", "roll_from")

    def __init__(self, first: int, roll_from: str = NO_INPUTS) -> None:
        self.first = first
        self.roll_from = roll_from
        self._chain = Chain("", roll_from)
        self.records: list[SourceRecord] = []
        self.is_held = True
        self.count = 0

    @property
    def roll(self) -> str:
        """What they have come to, hex."""
        return self._chain.inputs

    def absorb(self, record: SourceRecord) -> None:
        """Take the next one."""
        self._chain.absorb(record)
        self.count += 1
        if len(self.records) < MOST_HELD:
            self.records.append(record)
        else:
            self.is_held = False

    def gap(self, until: int) -> int | None:
        """Give the first offset up to one, and with it, that no record has; None where each has one."""
        expected = self.first
        for record in self.records:
            if record.offset != expected:
                return expected
            expected = record.offset + 1
        return expected if expected <= until else None


class Explainer:
    """Says what has happened to the records of an interval, with the cursor that reads on behind it."""

    def __init__(self, records: Cursor) -> None:
        self._records = records
        self._searches = 0
        self._excused: int | None = None
        """The other of two records that were swapped: told of already."""
        self.is_lost = False
        """Offsets are others than they were: nothing behind can fit, and nothing more is told."""

    @property
    def _place(self) -> Place:
        return self._records.place

    async def explain(
        self, interval: Interval, until: int, expected: str, who: str, following: Decision | None
    ) -> Fault | None:
        """Give the fault of an interval up to an offset, and with it, that does not roll to what is expected.

        `following` is the decision behind it. None where the fault was told of with an earlier interval.
        """
        if self.is_lost or any(record.offset == self._excused for record in interval.records):
            return None
        first = interval.records[0].offset if interval.records else until
        between = f"between {first} and {until}" if first < until else f"at {until}"
        moved = await self._moved(interval, until, following)
        if self._place.topic == EVENTS and interval.is_held and (gap := interval.gap(until)) is not None:
            text = f"a record was removed: {who} has rolled over it, and there is none now"
            return Fault(Kind.MISSING, self._place, gap, text)
        tries = MOST_TRIES if moved >= 0 else SWAP_TRIES
        found = await self._found(interval, expected, tries, is_moved_on=moved > 0)
        self.is_lost = moved > 0 or (moved < 0 and found is None)
        if found is not None:
            self._excused = found.other
            return Fault(found.kind, self._place, found.offset, f"{found.text}; {who} has rolled over it as it was")
        if moved < 0:
            text = f"a record was removed {between}, and those behind it moved up: {who} has rolled over it"
            return Fault(Kind.MISSING, self._place, first, text)
        what = f"what {who} has rolled over is not what is there {between}"
        return Fault(Kind.DIFFERENT, self._place, first, f"{what}: a record was removed, inserted or changed")

    async def _found(self, interval: Interval, expected: str, tries: int, *, is_moved_on: bool) -> Suspicion | None:
        if not interval.is_held or self._searches >= SEARCHED:
            return None
        self._searches += 1
        following, roll = await self._records.peek(), interval.roll_from
        return Search(interval.records, roll, expected, following, is_moved_on=is_moved_on, tries=tries).found()

    async def _moved(self, interval: Interval, until: int, decision: Decision | None) -> int:
        """Give by how much the record of the next decision is not at its offset: one further on, or one before."""
        if decision is None or not until < decision.offset < until + MOST_HELD:
            return 0
        near = {until: event_id_of(interval.records[-1])} if interval.records else {}
        number = 0
        while (record := await self._records.peek(number)) is not None and record.offset <= decision.offset + 1:
            near[record.offset] = event_id_of(record)
            number += 1
        if near.get(decision.offset) == decision.event_id:
            return 0
        return next((by for by in (1, -1) if near.get(decision.offset + by) == decision.event_id), 0)


def event_id_of(record: SourceRecord) -> str:
    """Give the id of an event as a decision has it."""
    return short_text(attribute(record.headers, "ce_id"))
