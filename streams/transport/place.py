"""Where in its log a partition goes on: what the group has committed, and what the state itself knows."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.fold.effects import PartitionPaused

log = logging.getLogger(__name__)


class LogPlace:
    """A partition of a log as a group reads it; every question has `seconds`."""

    def __init__(self, consumer: AIOKafkaConsumer, source: TopicPartition, seconds: float) -> None:
        self._consumer = consumer
        self._source = source
        self._seconds = seconds

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
        if known is None or known == committed:
            return committed
        place = f"{self._source.topic}/{self._source.partition}"
        async with asyncio.timeout(self._seconds):
            begin, end = await self._begin(), (await self._consumer.end_offsets([self._source]))[self._source]
        if known > end:
            raise PartitionPaused(
                f"the state goes on at offset {known} of {place}, which ends at {end}: the log was cut back; "
                "streams/transport/README.md says how to go on under A log that is not the state's"
            )
        log.warning("%s: the group is at offset %d, the state at %d, from where it goes on", place, committed, known)
        if known < begin:
            log.error("%s: offsets %d to %d were deleted before they were decided on", place, known, begin - 1)
        return max(known, begin)

    async def _begin(self) -> int:
        return int((await self._consumer.beginning_offsets([self._source]))[self._source])
