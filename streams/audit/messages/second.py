"""The second pass over signals: where sums differ, which signal is missing, changed, moved or forged."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from schemas.cloudevents import id_of
from streams.audit.faults import Fault, Kind
from streams.audit.messages.found import SignalId
from streams.audit.messages.signals import is_signal
from streams.audit.walking.cursor import Cursor
from streams.audit.walking.decisions import UnreadableDecision, read_decision
from streams.fold.messages import hash_of
from streams.history import History, Place, Span
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS

MOST_FAULTS = 10


@dataclass(frozen=True, slots=True)
class Range:
    """What is looked at again.

    Attributes:
        source: the partition of the inbound log.
        offsets: of causes, from and up to.
        decided: causes from this offset on are not decided yet, or their decisions were not read.
        audit: the audit records that may be about them.
        signals: the records of each partition of signals that may be caused by them.
        must_be_there: the first signal that retention cannot have removed; None where each may be gone.
    """

    source: int
    offsets: tuple[int, int]
    decided: int
    audit: Span
    signals: tuple[Span, ...]
    must_be_there: SignalId | None


@dataclass(frozen=True, slots=True)
class Head:
    """The next signal of a partition."""

    name: SignalId
    sha256: str
    place: Place
    offset: int


async def looked_at_again(history: History, asked: Range) -> tuple[list[Fault], int]:
    """Give the faults, and how many signals are not there any more."""
    cursors = [Cursor(history, Place(SIGNALS, number), span) for number, span in enumerate(asked.signals)]
    pass_ = SecondPass(asked, cursors)
    try:
        async for name, sha256, by in _named(history, asked):
            await pass_.expect(name, sha256, by)
            if len(pass_.faults) >= MOST_FAULTS:
                break
        else:
            await pass_.finish()
    finally:
        for cursor in cursors:
            await cursor.close()
    return pass_.faults, pass_.gone


async def _named(history: History, asked: Range) -> AsyncIterator[tuple[SignalId, str, int]]:
    """Give the signals that decisions on the range name, in order."""
    cursor = Cursor(history, Place(AUDIT, asked.source), asked.audit)
    try:
        while (record := await cursor.peek()) is not None:
            cursor.take()
            try:
                decision = read_decision(record, "")
            except UnreadableDecision:
                continue
            if decision.topic != EVENTS or not asked.offsets[0] <= decision.offset < asked.offsets[1]:
                if decision.topic == EVENTS and decision.offset >= asked.offsets[1]:
                    return
                continue
            for topic, message_id, sha256 in decision.messages:
                name = SignalId.read(message_id) if topic == SIGNALS else None
                if name is not None:
                    yield name, sha256, decision.at
    finally:
        await cursor.close()


class SecondPass:
    """Merges the partitions of signals, and takes them as the decisions name them."""

    def __init__(self, asked: Range, cursors: Sequence[Cursor]) -> None:
        self._asked = asked
        self._cursors = cursors
        self._heads: list[Head | None] = [None] * len(cursors)
        self.faults: list[Fault] = []
        self.gone = 0

    async def _look(self) -> list[Head]:
        """Give the next signal of the range of each partition that has one."""
        low, high = self._asked.offsets
        for number, cursor in enumerate(self._cursors):
            while self._heads[number] is None and (record := await cursor.peek()) is not None:
                name = SignalId.read(id_of(record.headers)) if is_signal(record) else None
                if name is not None and name.partition == self._asked.source and name.offset >= high:
                    break
                cursor.take()
                if name is not None and name.partition == self._asked.source and name.offset >= low:
                    self._heads[number] = Head(name, hash_of(record.value), cursor.place, record.offset)
        return [head for head in self._heads if head is not None]

    def _take(self, head: Head) -> None:
        self._heads[head.place.partition] = None

    async def expect(self, name: SignalId, sha256: str, by: int) -> None:
        """Take the signal that a decision names next."""
        while heads := await self._look():
            head = next((one for one in heads if one.name == name), None)
            if head is not None:
                self._take(head)
                if head.sha256 != sha256:
                    text = f"signal {name} is not the one that decision {by} has hashed"
                    self.faults.append(Fault(Kind.CHANGED, head.place, head.offset, text))
                return
            first = min(heads, key=lambda one: one.name)
            if first.name > name:
                break
            self._forged(first)
        must = self._asked.must_be_there
        if must is None or name < must:
            self.gone += 1
            return
        text = f"signal {name} of decision {by} is in no partition"
        self.faults.append(Fault(Kind.MISSING, Place(EVENTS, self._asked.source), None, text, (str(name), sha256)))

    def _forged(self, head: Head) -> None:
        self._take(head)
        if head.name.offset < self._asked.decided and len(self.faults) < MOST_FAULTS:
            text = f"no decision names signal {head.name}"
            self.faults.append(Fault(Kind.FORGED, head.place, head.offset, text, (str(head.name), head.sha256)))

    async def finish(self) -> None:
        """Tell of what is left."""
        while heads := await self._look():
            self._forged(min(heads, key=lambda one: one.name))
