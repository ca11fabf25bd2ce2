"""The transactional producer of one input partition: everything a poll leads to, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaConnectionError, NodeNotReadyError
from aiokafka.producer import sender
from aiokafka.structs import OffsetAndMetadata, RecordMetadata

from streams.ending import ended
from streams.fold.effects import Outbox, OutRecord
from streams.kafka.access import client_arguments
from streams.transport.settings import FoldSettings

T = TypeVar("T")
Ends = dict[tuple[str, int], int]
"""Topic and partition, and the offset that comes after everything in it."""
Batch = tuple[int, Any]
"""The number of its records, and aiokafka's future of its place."""

MAX_BATCH_BYTES = 1 << 20
MAX_REQUEST_BYTES = 1 << 23
MARKERS_SECONDS = 0.005
"""How long to wait before asking anew whether the markers of the last transaction are written.

aiokafka's fixed 20 ms are longer than a broker mostly takes, and were most of a small transaction's time.
"""
sender.BACKOFF_OVERRIDE = MARKERS_SECONDS


def _look_up_again(client: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
    """Have a look-up of a coordinator made again whose connection breaks, as aiokafka does where it cannot be made.

    A broker that stops just then would end the producer, and with it the worker, which reads all of its state again.
    """
    look_up = client.coordinator_lookup

    async def patient(*asked: Any) -> Any:  # noqa: ANN401 - aiokafka is untyped
        try:
            return await look_up(*asked)
        except KafkaConnectionError as error:
            raise NodeNotReadyError(str(error)) from error

    client.coordinator_lookup = patient


class PartitionTransaction:
    """Writes polls of one partition, one transaction each.

    Starting it fences whoever held the partition before and ends their transaction (InitProducerId). After any
    exception the outcome is unknown: the process has to end.

    Args:
        settings: brokers, names, and the limit of a step.
        source: the partition.
        progressed: told of each step of a transaction that is done.
    """

    def __init__(
        self, settings: FoldSettings, source: TopicPartition, progressed: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._progressed = progressed
        self._source = source
        self._producer = AIOKafkaProducer(
            **client_arguments(settings.bootstrap),
            transactional_id=f"{settings.transactional_prefix}.{source.partition}",
            transaction_timeout_ms=int(settings.transaction_seconds * 1000),
            request_timeout_ms=int(settings.step_seconds * 1000),
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
        )
        _look_up_again(self._producer.client)

    async def start(self) -> None:
        """Fence the former owner of the partition."""
        async with asyncio.timeout(self._settings.open_seconds):
            await self._producer.start()

    async def stop(self) -> None:
        """Close the connections; only ever between transactions."""
        await ended(self._producer, self._settings.step_seconds)

    @property
    def ownership(self) -> tuple[int, int]:
        """Producer id and epoch: a start after another's has the same id, and the next epoch if nobody was between."""
        manager = self._producer._txn_manager  # noqa: SLF001 - kept nowhere else
        return manager.producer_id, manager.producer_epoch

    async def commit(self, outbox: Outbox, next_offset: int) -> Ends:
        """Write the outbox and the source offset, all or nothing, and give where the written partitions end then.

        Raises:
            ProducerFenced: another owner began.
        """
        try:
            return await self._write(outbox, next_offset)
        except IllegalOperation as error:
            raise self._refusal() or error from error

    async def _write(self, outbox: Outbox, next_offset: int) -> Ends:
        await self._step(self._producer.begin_transaction())
        written = await self._step(self._send(outbox))
        placed = await self._step(asyncio.gather(*(future for _, future in written)))
        offsets = {self._source: OffsetAndMetadata(next_offset, "")}
        await self._step(self._producer.send_offsets_to_transaction(offsets, self._settings.application))
        await self._step(self._producer.commit_transaction())
        counts = (count for count, _ in written)
        return {(one.topic, one.partition): _end(one, count) for one, count in zip(placed, counts, strict=True)}

    def _refusal(self) -> BaseException | None:
        """Give why the broker refused the transaction: aiokafka only says that there is none, once it was refused."""
        end = self._producer._txn_manager.wait_for_transaction_end()  # noqa: SLF001 - kept nowhere else
        return end.exception() if end.done() and not end.cancelled() else None

    async def _send(self, outbox: Outbox) -> list[Batch]:
        written = list[Batch]()
        for (topic, partition), records in outbox.records.items():
            written += await self._send_batches(topic, partition, records)
        return written

    async def _send_batches(self, topic: str, partition: int, records: list[OutRecord]) -> list[Batch]:
        """Fill batches by hand: a third of the cost of one `send` a record."""
        written, batch = list[Batch](), self._producer.create_batch()
        for record in records:
            if not _append(batch, record):
                written.append(await self._close_and_send(batch, topic, partition))
                batch = self._producer.create_batch()
                _append(batch, record)  # an empty one takes a record of any size: the broker refuses what is too large
        written.append(await self._close_and_send(batch, topic, partition))
        return written

    async def _close_and_send(self, batch: Any, topic: str, partition: int) -> Batch:  # noqa: ANN401 - untyped library
        batch.close()
        return batch.record_count(), await self._producer.send_batch(batch, topic, partition=partition)

    async def _step(self, step: Awaitable[T]) -> T:
        # Not wait_for: before Python 3.12 it can swallow a cancellation that comes with the result.
        async with asyncio.timeout(self._settings.step_seconds):
            done = await step
        self._progressed()
        return done


def _append(batch: Any, record: OutRecord) -> bool:  # noqa: ANN401 - untyped library
    appended = batch.append(
        key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
    )
    return appended is not None


def _end(placed: RecordMetadata, count: int) -> int:
    """Give where a partition ends after its last batch and the marker of the transaction, which takes an offset.

    Raises:
        ValueError: the broker has not told the offset, as when it knows a batch already that was sent again.
    """
    if placed.offset < 0:
        raise ValueError(f"the broker did not tell where in {placed.topic}/{placed.partition} it put a batch")
    return int(placed.offset) + count + 1
