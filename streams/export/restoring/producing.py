"""Writes records of a partition to where they are expected, and says so where the brokers put them elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import InvalidTimestampError
from aiokafka.structs import TopicPartition

from streams.ending import ended
from streams.export.choices import ExportError
from streams.export.restoring.offsets import Fill, Run, fills
from streams.fold.effects import SourceRecord
from streams.history import Place
from streams.history.exports.lines import ExportedRecord
from streams.kafka.access import Bootstrap, client_arguments

T = TypeVar("T")
STEP_SECONDS = 60.0
STOP_SECONDS = 5.0
MARKER_SECONDS = 0.002
TRANSACTION_MS = 600_000
"""Below what brokers allow (`transaction.max.timeout.ms`, 900000)."""
BATCH_BYTES = 512 * 1024
REQUEST_BYTES = 8 << 20
FILLED_AT_ONCE = 100_000


@dataclass
class Producing:
    """The end of a partition that is written to, as far as it has come."""

    place: Place
    plain: Any
    """A producer outside of transactions."""
    aborting: Any
    """One of transactions, for what no committed reader is to see, and for markers."""
    asking: Any
    """A consumer that sees where the partition ends, whatever is committed."""
    admin: Any
    access: Bootstrap
    next_offset: int = 0
    is_begun: bool = False

    async def skip_to(self, offset: int, timestamp: int) -> None:
        """Have the partition begin at an offset: what is before it is written, and deleted at once."""
        self.is_begun = True
        if not offset:
            return
        async with _producer(self.access, compression_type="zstd") as producer:
            while self.next_offset < offset:
                await self._send(producer, _fillers(min(FILLED_AT_ONCE, offset - self.next_offset), timestamp))
        place = TopicPartition(*self.place)
        await _answered(self.admin.delete_records({place: RecordsToDelete(before_offset=offset)}))

    async def write(self, found: Sequence[Run]) -> None:
        """Write runs and the gaps behind them; the first begins where the partition ends."""
        filled = fills([run.gap for run in found])
        if filled is not None:
            await self._with_fillers(found, filled)
            return
        for run in found:
            if run.gap:
                await self._send(self.plain, run.records[:-1])
                await _answered(self.aborting.begin_transaction())
                await self._send(self.aborting, run.records[-1:])
                await _answered(self.aborting.commit_transaction())
                await self._marked()
            else:
                await self._send(self.plain, run.records)

    async def _with_fillers(self, found: Sequence[Run], filled: Sequence[Fill]) -> None:
        await _answered(self.aborting.begin_transaction())
        for run, fill in zip(found, filled, strict=True):
            await self._send(self.plain, run.records)
            for first in range(0, fill.fillers, FILLED_AT_ONCE):
                count = min(FILLED_AT_ONCE, fill.fillers - first)
                await self._send(self.aborting, _fillers(count, run.records[-1].timestamp))
            if fill.ends:
                await _answered(self.aborting.abort_transaction())
                await self._marked()

    async def _marked(self) -> None:
        """Wait for the marker: a coordinator answers before the leader has written it."""
        self.next_offset += 1
        place = TopicPartition(*self.place)
        async with asyncio.timeout(STEP_SECONDS):
            while (await self.asking.end_offsets([place]))[place] < self.next_offset:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(MARKER_SECONDS)

    async def _send(self, producer: Any, records: Sequence[SourceRecord]) -> None:  # noqa: ANN401 - untyped library
        """Write records by hand-filled batches, and wait until all of them are where they are expected."""
        left, waiting = list(records)[::-1], []
        while left:
            batch, first = producer.create_batch(), self.next_offset
            while left and _append(batch, left[-1]) is not None:
                left.pop()
                self.next_offset += 1
            if self.next_offset == first:
                raise ExportError(f"{self.place}: the record for offset {first} fits no batch")
            batch.close()
            sent = await _answered(producer.send_batch(batch, self.place.topic, partition=self.place.partition))
            waiting.append((first, sent))
        for first, sent in waiting:
            placed = await self._placed(sent)
            if placed.offset != first:
                raise ExportError(
                    f"{self.place}: a record for offset {first} was put at {placed.offset}: somebody else writes "
                    "there; stop everybody, empty the cluster, and begin again"
                )

    async def _placed(self, sent: Awaitable[T]) -> T:
        try:
            return await _answered(sent)
        except InvalidTimestampError as error:
            raise ExportError(
                f"{self.place}: the brokers refuse a record as one of the future: set their clocks, empty the cluster, "
                "and begin again"
            ) from error


def _fillers(count: int, timestamp: int) -> Sequence[SourceRecord]:
    return [ExportedRecord(0, timestamp, None, b"")] * count


def _append(batch: Any, record: SourceRecord) -> Any:  # noqa: ANN401 - untyped library
    return batch.append(key=record.key, value=record.value, timestamp=record.timestamp, headers=list(record.headers))


async def _answered(step: Awaitable[T]) -> T:
    async with asyncio.timeout(STEP_SECONDS):
        return await step


@asynccontextmanager
async def _producer(access: Bootstrap, **more: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - untyped library
    producer = AIOKafkaProducer(
        **client_arguments(access),
        client_id="txpush-import",
        linger_ms=0,
        max_batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
        request_timeout_ms=int(STEP_SECONDS * 1000),
        **({"acks": "all", "enable_idempotence": True} | more),
    )
    try:
        await _answered(producer.start())
        yield producer
    finally:
        await ended(producer, STOP_SECONDS)


@asynccontextmanager
async def producing(access: Bootstrap, number: int) -> AsyncIterator[Producing]:
    """Give what writes to the partitions of a number, one topic after the other."""
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(_producer(access))
        transactional = {"transactional_id": f"txpush-import.{number}", "transaction_timeout_ms": TRANSACTION_MS}
        aborting = await stack.enter_async_context(_producer(access, **transactional))
        admin = AIOKafkaAdminClient(**client_arguments(access), request_timeout_ms=int(STEP_SECONDS * 1000))
        stack.push_async_callback(ended, admin, STOP_SECONDS)
        await _answered(admin.start())
        asking = AIOKafkaConsumer(
            **client_arguments(access), group_id=None, enable_auto_commit=False, isolation_level="read_uncommitted"
        )
        stack.push_async_callback(ended, asking, STOP_SECONDS)
        await _answered(asking.start())
        yield Producing(Place("", number), plain, aborting, asking, admin, access)
