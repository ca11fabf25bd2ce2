"""Events of our own into a log: ticks, by which time passes on a quiet partition, and what all partitions are told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.cloudevents import to_headers, to_value
from schemas.events import ClockTick, Event, EventType, Source
from schemas.times import to_epoch_ms
from streams.ending import ended
from streams.kafka.access import client_arguments
from streams.transport.settings import FoldSettings


class Ticks:
    """Writes to the logs themselves, idempotently and never in a transaction: an open one would hide later records.

    A tick is written only when a timer is due, and at most one is unread. While the partition has lag none is written
    for a timer that has just come due: it stands behind all that is unread, and is read when the partition gets there.
    """

    def __init__(self, settings: FoldSettings, source: Source, on_tick: Callable[[], None]) -> None:
        self._settings = settings
        self._source = source
        self._on_tick = on_tick
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._unread: dict[TopicPartition, int] = {}

    def read_up_to(self, partition: TopicPartition, position: int) -> None:
        """Note that everything below `position` has been read."""
        if self._unread.get(partition, position) < position:
            del self._unread[partition]

    async def send(self, partition: TopicPartition) -> None:
        """Write a tick of the present unless one is still unread; raises KafkaError or TimeoutError."""
        if partition in self._unread:
            return
        now = self._settings.clock.now()
        tick_id = f"tick:{partition.topic}/{partition.partition}/{to_epoch_ms(now)}"
        tick = Event(tick_id, EventType.CLOCK_TICK, self._source, now, ClockTick())
        self._unread[partition] = await self.write(partition, tick)
        self._on_tick()

    async def write(self, partition: TopicPartition, event: Event) -> int:
        """Write an event of our own to the input log and give its offset; raises KafkaError or TimeoutError."""
        async with asyncio.timeout(self._settings.step_seconds):
            metadata = await (await self._queued(partition, event))
        return int(metadata.offset)

    async def announce(self, announced: Sequence[tuple[str, Event]]) -> None:
        """Write events to every partition of their logs, in order in each; all are acknowledged when it returns.

        Raises:
            KafkaError, TimeoutError: some may be written and some not.
        """
        async with asyncio.timeout(self._settings.step_seconds):
            written = [
                await self._queued(TopicPartition(log, partition), event)
                for log, event in announced
                for partition in range(self._settings.partitions)
            ]
            await asyncio.gather(*written)

    async def _queued(self, partition: TopicPartition, event: Event) -> Any:  # noqa: ANN401 - an untyped library's future
        producer = await self._started()
        return await producer.send(
            partition.topic,
            to_value(event.data),
            partition=partition.partition,
            timestamp_ms=to_epoch_ms(event.time),
            headers=to_headers(event),
        )

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_arguments(self._settings.bootstrap), enable_idempotence=True, acks="all", linger_ms=0
                )
                await producer.start()
                self._producer = producer
        return self._producer

    async def stop(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await ended(self._producer, self._settings.step_seconds)
