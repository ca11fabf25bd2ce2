"""Records of concurrent calls share batches: one under way per partition, and what comes meanwhile is the next."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from aiokafka.errors import ProducerClosed, UnknownTopicOrPartitionError
from aiokafka.partitioner import DefaultPartitioner

from streams.kafka.log import LogRecord

KNOWN_KEYS = 16_384
"""Keys whose partition is remembered: murmur2 in Python costs as much as all else that is done to a record here."""

_partition_of = DefaultPartitioner()


class Delivery:
    """What one call waits for; `done` becomes the error, or None once every record is acknowledged."""

    __slots__ = ("done", "left")

    def __init__(self, done: "asyncio.Future[BaseException | None]") -> None:
        self.left = 0
        self.done = done

    def settle(self, error: BaseException | None) -> None:
        """Note the end of what one partition holds of the call."""
        self.left -= 1
        if not self.done.done() and (error is not None or self.left == 0):
            self.done.set_result(error)

    def give_up(self) -> None:
        """End the wait: the time is over."""
        if not self.done.done():
            self.done.set_result(TimeoutError())


Unsent = dict[Delivery, list[LogRecord]]


class _Lane:
    """One partition: what waits for the next batch, in order, and the task that sends while anything does."""

    __slots__ = ("partition", "task", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: Unsent = {}
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """The lanes of one connected producer; after the first error they take nothing any more.

    aiokafka counts a refused batch as sent, so whatever followed it would be out of sequence.

    Args:
        producer: aiokafka's, started, with the topics looked up.
        on_heard: called with None at every acknowledgement, and with the error at the first failure.
    """

    def __init__(self, producer: Any, on_heard: Callable[[BaseException | None], None]) -> None:  # noqa: ANN401 - untyped
        self._producer = producer
        self._on_heard = on_heard
        self._under_way = 0
        self._heard_at = 0.0
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._lane_of_key = lru_cache(KNOWN_KEYS)(self._find_lane)
        self._error: BaseException | None = None

    def add(self, records: Sequence[LogRecord], delivery: Delivery) -> None:
        """Queue the records in order; `delivery` is settled once for each partition they go to.

        Raises:
            UnknownTopicOrPartitionError: a topic is gone.
        """
        if self._error is not None:
            delivery.settle(self._error)
            return
        for record in records:
            find = self._find_lane if record.key is None else self._lane_of_key
            lane = find(record.topic, record.key)
            group = lane.waiting.get(delivery)
            if group is None:
                lane.waiting[delivery] = [record]
                delivery.left += 1
            else:
                group.append(record)
            if lane.task is None:
                lane.task = asyncio.create_task(self._empty(lane))

    def forget(self, delivery: Delivery) -> None:
        """Drop what is not yet in a batch of a call that has given up: what waits is bounded by who waits."""
        for lane in self._lanes.values():
            lane.waiting.pop(delivery, None)

    def look_up_partitions_again(self) -> None:
        """Forget which key goes where: a topic may have got more partitions."""
        self._lane_of_key.cache_clear()

    def silent_seconds(self) -> float:
        """Give how long nothing was acknowledged while a batch is under way; 0 when none is."""
        return time.monotonic() - self._heard_at if self._under_way else 0.0

    async def flush(self, seconds: float) -> None:
        """Wait until nothing is under way, no longer than `seconds`."""
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=seconds)

    def close(self) -> None:
        """Fail what waits, and send nothing any more."""
        self._fail(ProducerClosed())
        for task in self._tasks():
            task.cancel()

    def _tasks(self) -> "list[asyncio.Task[None]]":
        return [lane.task for lane in self._lanes.values() if lane.task is not None]

    def _find_lane(self, topic: str, key: bytes | None) -> _Lane:
        cluster = self._producer.client.cluster
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            raise UnknownTopicOrPartitionError(topic)
        partition = _partition_of(key, sorted(partitions), list(cluster.available_partitions_for_topic(topic)))
        return self._lanes.setdefault((topic, partition), _Lane(topic, partition))

    def _fail(self, error: BaseException) -> None:
        """Refuse what comes, and answer what waits."""
        self._error = self._error or error
        for lane in self._lanes.values():
            waiting, lane.waiting = lane.waiting, {}
            _settle(waiting, error)

    async def _empty(self, lane: _Lane) -> None:
        """Send until nothing waits; whatever ends it, every call that was taken is settled."""
        while lane.waiting:
            taken, lane.waiting = lane.waiting, {}
            try:
                await self._send(lane, taken)
            except asyncio.CancelledError:
                _settle(taken, ProducerClosed())
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be sent behind a gap
                _settle(taken, error)
                self._fail(error)
                self._on_heard(error)
        lane.task = None

    async def _send(self, lane: _Lane, taken: Unsent) -> None:
        """Send the records in as few batches as hold them; a call is settled with the batch that holds its last."""
        batch, whole = self._producer.create_batch(), list[Delivery]()
        for delivery, records in taken.items():
            for record in records:
                if not _append(batch, record):
                    await self._acknowledged(lane, batch, whole)
                    batch, whole = self._producer.create_batch(), []
                    _append(batch, record)  # an empty one takes a record of any size
            whole.append(delivery)
        await self._acknowledged(lane, batch, whole)

    async def _acknowledged(self, lane: _Lane, batch: Any, whole: list[Delivery]) -> None:  # noqa: ANN401 - untyped
        if not self._under_way:
            self._heard_at = time.monotonic()
        self._under_way += 1
        try:
            await (await self._producer.send_batch(batch, lane.topic, partition=lane.partition))
        finally:
            self._under_way -= 1
        self._heard_at = time.monotonic()
        self._on_heard(None)
        for delivery in whole:
            delivery.settle(None)


def _append(batch: Any, record: LogRecord) -> bool:  # noqa: ANN401 - untyped
    return (
        batch.append(key=record.key, value=record.value, headers=list(record.headers), timestamp=record.timestamp_ms)
        is not None
    )


def _settle(calls: Mapping[Delivery, list[LogRecord]], error: BaseException) -> None:
    for delivery in calls:
        delivery.settle(error)
