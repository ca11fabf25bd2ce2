"""Reads the customer's partition of each topic once: first what lies beside the log, then the log itself."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from schemas.times import time_of_record
from streams.explain.asked import Asked, ExplainError
from streams.explain.reading.kept import Gone, Kept, is_of_events
from streams.fold.effects import SourceRecord
from streams.fold.intake import partition_of
from streams.history import History, Place, Span
from streams.kafka.topics import AGENT, AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, LOOKUP, changelog

SKEW = timedelta(hours=1)
"""How far the times of records that belong together may lie apart: clocks of machines differ."""
RULES = changelog(AGENT, "policies")
"""Rules as the agent keeps them: those in force are there when the record that said so is not any more."""
BESIDE = (AUDIT, *CUSTOMER_COMMANDS, LOOKUP, DEAD_LETTER)


class Progress(Protocol):
    """Hears how far the reading is."""

    def begin(self, offsets: int) -> None:
        """Say how many offsets there are to read in all."""

    def advance(self, offsets: int) -> None:
        """Say that so many more were read."""


class Reading:
    """The topics of one customer's partition; made by `begun`."""

    def __init__(self, history: History, asked: Asked, spans: dict[str, Span], progress: Progress) -> None:
        self._history = history
        self._asked = asked
        self._spans = spans
        self._progress = progress
        self._begins: dict[str, int] = {}
        self.partition = partition_of(asked.customer_id, history.partitions)
        self.kept = Kept(asked.customer_id)
        self.log = spans[EVENTS]
        self.told_from = self.log.begin
        """The first offset of the log that is told."""
        self.stands_at = self.log.end
        """The first offset of the log that lies behind the time that is asked about."""
        self.last_at: datetime | None = None
        """The time of the last record of the log that was read, whosever it is."""

    async def begin(self) -> None:
        """Find where to begin in each topic, and say how much there is to read."""
        since, at = self._asked.since, self._asked.at
        log = Place(EVENTS, self.partition)
        if since is not None:
            self.told_from = await self._history.offset_since(log, since)
        if at is not None:
            self.stands_at = await self._history.offset_since(log, at + timedelta(milliseconds=1))
        for topic, span in self._spans.items():
            begin = span.begin
            if since is not None and topic not in (EVENTS, RULES):
                begin = max(begin, await self._history.offset_since(Place(topic, self.partition), since - SKEW))
            self._begins[topic] = begin
        self._progress.begin(sum(Span(self._begins[topic], span.end).offsets for topic, span in self._spans.items()))

    async def beside(self) -> None:
        """Keep what the topics beside the log have of the customer."""
        if RULES in self._spans:
            await self._read_whole(RULES, self.kept.take_rules)
        for topic in BESIDE:
            if topic not in self._spans:
                self.kept.absent.add(topic)
                continue
            if topic == AUDIT and not self._begins[topic]:
                self.kept.audited_from = 0
            await self._read_whole(topic, self._taker(topic))

    def _taker(self, topic: str) -> Callable[[SourceRecord], None]:
        kept, place = self.kept, Place(topic, self.partition)
        if topic == AUDIT:
            return kept.take_audit
        if topic == DEAD_LETTER:
            return lambda record: kept.take_letter(place, record)
        return lambda record: kept.take_message(place, record)

    async def _read_whole(self, topic: str, take: Callable[[SourceRecord], None]) -> None:
        async for records in self._chunks(topic):
            if topic == AUDIT:
                self._note_audited(records)
            for record in records:
                take(record)

    def _note_audited(self, records: Sequence[SourceRecord]) -> None:
        """Read of the decisions on the log only the first one of all, and the last one of these."""
        if self.kept.audited_from is None and (first := next(filter(is_of_events, records), None)) is not None:
            self.kept.take_audited(first)
        if (last := next(filter(is_of_events, reversed(records)), None)) is not None:
            self.kept.take_audited(last)

    async def of_customer(self) -> AsyncIterator[SourceRecord]:
        """Give the records of the log that are the customer's or nobody's, in order."""
        key = self._asked.customer_id.encode()
        async for records in self._chunks(EVENTS):
            for record in records:
                if record.key == key or record.key is None:
                    yield record
            self.last_at = time_of_record(records[-1].timestamp)

    async def _chunks(self, topic: str) -> AsyncIterator[Sequence[SourceRecord]]:
        span, at = Span(self._begins[topic], self._spans[topic].end), self._begins[topic]
        is_first = span.begin == self._spans[topic].begin and span.begin > 0 and topic != RULES
        if is_first:
            self.kept.gone[topic] = Gone(topic, None)
        async for records in self._history.read(Place(topic, self.partition), span):
            if is_first:
                self.kept.gone[topic] = Gone(topic, time_of_record(records[0].timestamp))
                is_first = False
            yield records
            self._progress.advance(records[-1].offset + 1 - at)
            at = records[-1].offset + 1
        self._progress.advance(max(0, span.end - at))


async def begun(history: History, asked: Asked, progress: Progress) -> Reading:
    """Look at what there is for a customer.

    Raises:
        ExplainError: the history has no log.
        HistoryError: it cannot be read.
    """
    if EVENTS not in history.topics or not history.partitions:
        raise ExplainError(
            f"there is no {EVENTS} to read: name the right cluster or folder, or run `txpush topics apply`"
        )
    partition = partition_of(asked.customer_id, history.partitions)
    there = [topic for topic in (EVENTS, RULES, *BESIDE) if topic in history.topics]
    spans = await history.spans(there)
    reading = Reading(history, asked, {topic: spans[Place(topic, partition)] for topic in there}, progress)
    await reading.begin()
    return reading
