"""A partition of a log: where its reader goes on, by the group and by the state itself, and what comes next there."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from streams.fold.effects import PartitionPaused, SourceRecord
from streams.polling import is_of_a_batch

log = logging.getLogger(__name__)

TRIES = 3
"""How often a record that cannot be read is fetched again: what is wrong may have happened on its way."""


class LogPlace:
    """A partition of a log as a group reads it; every question has `seconds`."""

    def __init__(self, consumer: AIOKafkaConsumer, source: TopicPartition, seconds: float) -> None:
        self._consumer = consumer
        self._source = source
        self._seconds = seconds
        self._failed_at = -1
        self._failures = 0
        self._one_by_one = 0
        """Records that are polled alone, as one of them could not be read."""

    async def committed(self) -> int:
        """Give the group's offset, the log's beginning where it has none; after fencing, when nobody else can move it.

        By a request of its own: `AIOKafkaConsumer.committed` gives the answer to one that was under way before.
        """
        async with asyncio.timeout(self._seconds):
            coordinator = self._consumer._coordinator  # noqa: SLF001 - as above
            committed = (await coordinator.fetch_committed_offsets([self._source])).get(self._source)
            return await self._begin() if committed is None else int(committed.offset)

    async def of_state(self, known: int | None, committed: int) -> int:
        """Give the offset behind all that the state knows, whatever the group's is.

        Both are written in one transaction, so they differ only if somebody has set the group's, or if it is gone: a
        broker forgets those of a group that nobody was in for a week (`offsets.retention.minutes`).

        Raises:
            PartitionPaused: the log ends before that.
        """
        place, at = f"{self._source.topic}/{self._source.partition}", committed if known is None else known
        async with asyncio.timeout(self._seconds):
            begin, end = await self._begin(), (await self._consumer.end_offsets([self._source]))[self._source]
        if at > end:
            raise PartitionPaused(
                f"the state goes on at offset {at} of {place}, which ends at {end}: the log was cut back; "
                "streams/transport/README.md says how to go on under A log that is not the state's"
            )
        if at != committed:
            log.warning("%s: the group is at offset %d, the state at %d, from where it goes on", place, committed, at)
        if at < begin:
            log.error("%s: offsets %d to %d were deleted before they were decided on", place, at, begin - 1)
        return max(at, begin)

    async def poll(self, next_offset: int, wait_ms: int, max_records: int) -> list[SourceRecord]:
        """Give what comes next, nothing from before `next_offset`; an empty list where nothing came in that time.

        What cannot be read is read again, record by record: all before it is given.

        Raises:
            PartitionPaused: the record at `next_offset` cannot be read.
            KafkaError: another reason, such as a log that was cut back.
        """
        limit = 1 if self._one_by_one else max_records
        try:
            polled = await self._consumer.getmany(self._source, timeout_ms=wait_ms, max_records=limit)
        except NoOffsetForPartitionError:  # of before the seek: the group has none
            return []
        except Exception as error:
            if not is_of_a_batch(error):
                raise
            self._go_back(next_offset, max_records, error)
            return []
        records = polled.get(self._source, ())
        self._one_by_one = max(0, self._one_by_one - len(records))
        return [record for record in records if record.offset >= next_offset]

    def _go_back(self, offset: int, max_records: int, error: Exception) -> None:
        """Read from there once more; aiokafka has gone on to the bad record, past good ones that it has not given."""
        self._failures = self._failures + 1 if offset == self._failed_at else 1
        self._failed_at, self._one_by_one = offset, max_records
        if self._failures > TRIES:
            raise PartitionPaused(
                f"offset {offset} of {self._source.topic}/{self._source.partition} cannot be read ({error!r}); "
                "streams/transport/README.md says how to go on under A batch that cannot be read"
            ) from error
        self._consumer.seek(self._source, offset)

    async def _begin(self) -> int:
        return int((await self._consumer.beginning_offsets([self._source]))[self._source])
