"""What live has recorded, read as far as a comparison has come."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, NamedTuple

from schemas.times import from_epoch_ms
from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span
from streams.replay.compare.audits import Audit, read_decision
from streams.replay.compare.earlier import Named

BEFORE_MS = 7 * 86_400_000
"""How long before the first record that is compared decisions are looked at, to tell what was recorded before it."""
MESSAGES_BEFORE_MS = 3 * 86_400_000
FURTHER = 8


class Before(NamedTuple):
    """A message of a decision before what is compared; `key` is the decision's: whose it is, None for many."""

    key: bytes | None
    topic: str
    named: Named


class Stream:
    """A span of a partition, some records at a time, opened when it is first asked for."""

    def __init__(self, history: History, place: Place, span: Span) -> None:
        self._chunks: AsyncIterator[Sequence[SourceRecord]] = history.read(place, span)
        self.is_over = not span.offsets

    async def more(self) -> Sequence[SourceRecord]:
        """Give the next records; none at its end, for good."""
        if self.is_over:
            return ()
        records = await anext(self._chunks, None)
        self.is_over = records is None
        return records or ()

    async def close(self) -> None:
        """Let go of what it was read with."""
        self.is_over = True
        if isinstance(self._chunks, AsyncGenerator):
            await self._chunks.aclose()


class AuditStream:
    """The audit records of one log and partition from an offset of the log up to another."""

    def __init__(self, stream: Stream, log: str, span: Span, *, is_whole: bool) -> None:
        self.stream = stream
        self._is_mine = b'","topic":"%b","partition":' % log.encode()
        self._span = span
        self._has_begun = is_whole
        self._has_ended = False
        self.reaches_back = is_whole
        """A decision before the span was seen, or there can be none: nothing of the span lies before what is read."""
        self.before: list[Before] = []
        """Messages of decisions before the span, in order, as far back as was read."""
        self.after: set[str] = set()
        """Those of decisions behind it."""

    @property
    def is_over(self) -> bool:
        """Whether no more is to come of the span."""
        return self._has_ended or self.stream.is_over

    async def more(self) -> list[Audit]:
        """Give the next ones; none does not mean the end, `is_over` does."""
        records = await self.stream.more()
        mine = [(one.key, one.value) for one in records if one.value is not None and self._is_mine in one.value]
        if mine and not self._has_begun:
            mine = self._begun(mine)
        if mine and _offset(mine[-1]) >= self._span.end:
            mine = self._ended(mine)
        return mine

    async def rest(self) -> None:
        """Read on, for the names of what was decided behind the span."""
        while not self.stream.is_over:
            await self.more()

    def _begun(self, audits: list[Audit]) -> list[Audit]:
        for number, audit in enumerate(audits):
            read = read_decision(audit[1])
            if read["offset"] >= self._span.begin:
                self._has_begun = True
                return audits[number:]
            self.reaches_back = True
            self.before += (Before(audit[0], one["topic"], Named(one["id"], one["sha256"])) for one in read["messages"])
        return []

    def _ended(self, audits: list[Audit]) -> list[Audit]:
        self._has_ended = True
        reads = [read_decision(value) for _, value in audits]
        for read in reads:
            if read["offset"] >= self._span.end:
                self.after.update(_ids(read))
        return [audit for audit, read in zip(audits, reads, strict=True) if read["offset"] < self._span.end]

    async def begin(self) -> list[Audit]:
        """Read up to the first of the span, and give it with those that came along."""
        found: list[Audit] = []
        while not (self._has_begun or self.is_over):
            found += await self.more()
        return found


def _offset(audit: Audit) -> int:
    offset: int = read_decision(audit[1])["offset"]
    return offset


def _ids(audit: dict[str, Any]) -> list[str]:
    return [message["id"] for message in audit["messages"]]


async def begin_of(history: History, place: Place, span: Span, at_ms: int, before_ms: int) -> Span:
    """Give the part of a span that begins so long before a time; all of it where that is before all times."""
    if before_ms >= at_ms:
        return span
    since = await history.offset_since(place, from_epoch_ms(at_ms - before_ms))
    return Span(since, span.end).within(span)
