"""Ticks: how time passes on a quiet partition. At most one unread, only when a timer is due, none while it has lag."""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.cloudevents import to_headers, to_value
from schemas.events import ClockTick, Event, EventType, Source
from schemas.times import to_epoch_ms
from streams.transport.settings import FoldSettings


class Ticks:
    """Writes to the input log itself, idempotently and never in a transaction: an open one would hide later records."""

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

    async def write(self, partition: TopicPartition, event: Event, key: bytes | None = None) -> int:
        """Write an event of our own to the input log and give its offset; raises KafkaError or TimeoutError."""
        async with asyncio.timeout(self._settings.step_timeout):
            producer = await self._started()
            metadata = await producer.send_and_wait(
                partition.topic,
                to_value(event.data),
                key=key,
                partition=partition.partition,
                timestamp_ms=to_epoch_ms(event.time),
                headers=to_headers(event),
            )
        return int(metadata.offset)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._settings.bootstrap, enable_idempotence=True, acks="all", linger_ms=0
                )
                await producer.start()
                self._producer = producer
        return self._producer

    async def stop(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await asyncio.wait_for(self._producer.stop(), self._settings.step_timeout)
