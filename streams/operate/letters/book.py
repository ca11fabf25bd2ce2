"""Reads the dead letters from their topic, with the notes of those that were put back already."""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.audit import DeadLetter, DeadLetterReason, LetterRetried
from schemas.cloudevents import LAST_TIME
from schemas.contract.channels import LETTER_RETRIED, Component
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.effects import type_of
from streams.kafka.access import Bootstrap
from streams.kafka.since import offsets_since
from streams.kafka.topics import DEAD_LETTER
from streams.operate.letters.kept import Chosen, Kept, LetterId
from streams.operate.reading import committed_reader, operator_admin, to_end, topic_sizes, within
from streams.operate.writing import OperateError

READ_SECONDS = 300.0
LAST_MS = to_epoch_ms(LAST_TIME)


@dataclass(slots=True)
class Book:
    """The dead letters that were asked for: all are counted, the latest `limit` are kept."""

    chosen: Chosen
    limit: int
    sorts: Counter[tuple[DeadLetterReason, Component | None]] = field(default_factory=Counter)
    """How many there are, by reason and by who set them aside."""
    retried: dict[str, list[LetterRetried]] = field(default_factory=dict)
    """Notes by the id of the letter."""
    unreadable: int = 0
    """Records of the topic that are no dead letter that this release can read."""
    _latest: list[tuple[Any, LetterId, Kept]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many were asked for."""
        return self.sorts.total()

    @property
    def counts(self) -> Counter[DeadLetterReason]:
        """How many there are of each reason."""
        found: Counter[DeadLetterReason] = Counter()
        for (reason, _), count in self.sorts.items():
            found[reason] += count
        return found

    @property
    def letters(self) -> list[Kept]:
        """Those that are kept, in the order in which they were written."""
        return [kept for *_, kept in sorted(self._latest, key=lambda one: one[:2])]

    def retries(self, kept: Kept) -> list[LetterRetried]:
        """Give the notes of a letter's having been put back."""
        return self.retried.get(str(kept.id), [])

    def take(self, record: Any) -> None:  # noqa: ANN401 - a record of an untyped library
        """Take a record of the topic."""
        try:
            if type_of(record) == LETTER_RETRIED.encode():
                note = LetterRetried.model_validate_json(record.value or b"")
                self.retried.setdefault(note.letter, []).append(note)
                return
            letter = DeadLetter.model_validate_json(record.value or b"")
        except ValidationError:
            self.unreadable += 1
            return
        place = LetterId(record.partition, record.offset)
        kept = Kept(place, from_epoch_ms(min(max(0, record.timestamp), LAST_MS)), record.key, letter)
        if self.chosen.has(kept):
            self.sorts[letter.reason, kept.component] += 1
            heapq.heappush(self._latest, (kept.written_at, place, kept))
            if len(self._latest) > self.limit:
                heapq.heappop(self._latest)


async def read_letters(bootstrap: Bootstrap, chosen: Chosen, limit: int) -> Book:
    """Read what is asked for.

    Raises:
        OperateError: the topic is missing, or there is more than can be read in five minutes.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    book = Book(chosen, limit)
    async with operator_admin(bootstrap) as admin:
        partitions = (await topic_sizes(admin)).get(DEAD_LETTER, 0)
    if not partitions:
        raise OperateError(f"topic {DEAD_LETTER} is missing: run `txpush topics apply`")
    slow = (
        f"not all of {DEAD_LETTER} could be read within {READ_SECONDS:.0f} s: ask for less, with --since or --partition"
    )
    async with committed_reader(bootstrap) as consumer:
        places = await _places(consumer, chosen, partitions)
        async with within(READ_SECONDS, slow):
            async for record in to_end(consumer, list(places), places):
                book.take(record)
    return book


async def _places(
    consumer: Any,  # noqa: ANN401 - untyped library
    chosen: Chosen,
    partitions: int,
) -> Mapping[TopicPartition, int]:
    """Give where to begin in each partition that is of interest."""
    starts = {TopicPartition(DEAD_LETTER, number): chosen.starts(number) for number in range(partitions)}
    wanted = {place: start for place, start in starts.items() if start is not None}
    if not wanted:
        return {}
    first = await consumer.beginning_offsets(list(wanted))
    later: Mapping[TopicPartition, int] = {}
    if chosen.since is not None:
        later = await offsets_since(consumer, dict.fromkeys(wanted, to_epoch_ms(chosen.since)))
    return {place: max(start, first[place], later.get(place, 0)) for place, start in wanted.items()}
