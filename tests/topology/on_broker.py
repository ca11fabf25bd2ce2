"""The clients of aiokafka as the transport uses them, on a broker in memory that writes down what it is asked."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streams.fold.effects import Headers, OutRecord
from streams.testing import Cluster, Isolation, Record
from streams.testing.broker import TransactionalProducer


class TracedProducer(TransactionalProducer):
    """A transactional producer whose calls are written down."""

    __slots__ = ("_trace",)

    def __init__(self, cluster: "TracedCluster", transactional_id: str, epoch: int) -> None:
        super().__init__(cluster, transactional_id, epoch)
        self._trace = cluster.trace

    def begin(self) -> None:
        self._trace.append("begin")
        super().begin()

    def send(self, topic: str, partition: int, records: Iterable[OutRecord]) -> None:
        listed = list(records)
        self._trace.append(f"send {len(listed)} to {topic}/{partition}")
        super().send(topic, partition, listed)

    def send_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        self._trace.append(f"offset {offset} of {group} in {topic}/{partition}")
        super().send_offset(group, topic, partition, offset)

    def commit(self) -> None:
        self._trace.append("commit")
        super().commit()


class TracedCluster(Cluster):
    """A cluster whose calls are written down."""

    def __init__(self, clock: Any) -> None:  # noqa: ANN401 - a clock
        super().__init__(clock)
        self.trace: list[str] = []

    def producer(self, transactional_id: str) -> TransactionalProducer:
        self.trace.append(f"fence {transactional_id}")
        return TracedProducer(self, transactional_id, self.transactions.fence(transactional_id))

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        offset = super().committed(group, topic, partition)
        self.trace.append(f"committed {group} in {topic}/{partition}: {offset}")
        return offset

    def read(
        self, topic: str, partition: int, isolation: Isolation = Isolation.READ_COMMITTED, position: int = 0
    ) -> list[Record]:
        found = super().read(topic, partition, isolation, position)
        if found:
            self.trace.append(f"{isolation.name} {topic}/{partition}: {len(found)}")
        return found

    def append(self, topic: str, partition: int, record: OutRecord) -> int:
        name = dict(record.headers).get("ce_id", b"").decode()
        self.trace.append(f"write {name} to {topic}/{partition}")
        return super().append(topic, partition, record)


class Batch(list[OutRecord]):
    """A batch built by hand."""

    def append(self, *, key: bytes, value: bytes, timestamp: int, headers: list[tuple[str, bytes]]) -> bool:  # type: ignore[override] # aiokafka's own signature
        super().append(OutRecord(key, value, headers, timestamp))
        return True

    def close(self) -> None:
        """Nothing more comes."""

    def record_count(self) -> int:
        return len(self)


class Producer:
    """AIOKafkaProducer, transactional or not; `cluster` is set by the test."""

    cluster: TracedCluster

    def __init__(self, *, transactional_id: str = "", **_settings: object) -> None:
        self._id = transactional_id
        self._inner: Any = None
        self.client = SimpleNamespace(coordinator_lookup=None)
        """Nobody looks for a coordinator here."""

    async def start(self) -> None:
        await asyncio.sleep(0)
        if self._id:
            self._inner = self.cluster.producer(self._id)

    async def stop(self) -> None:
        await asyncio.sleep(0)

    async def begin_transaction(self) -> None:
        await asyncio.sleep(0)
        self._inner.begin()

    def create_batch(self) -> Batch:
        return Batch()

    @property
    def _txn_manager(self) -> SimpleNamespace:
        return SimpleNamespace(producer_id=1, producer_epoch=self._inner._epoch)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[SimpleNamespace]:
        offset = self.cluster.log(topic, partition).stable_end
        self._inner.send(topic, partition, batch)
        return asyncio.sleep(0, SimpleNamespace(topic=topic, partition=partition, offset=offset))

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, Any], group: str) -> None:
        await asyncio.sleep(0)
        for place, offset in offsets.items():
            self._inner.send_offset(group, place.topic, place.partition, offset.offset)

    async def commit_transaction(self) -> None:
        await asyncio.sleep(0)
        self._inner.commit()
        self.cluster.transactions.settle()

    async def send(
        self, topic: str, value: bytes, *, partition: int, timestamp_ms: int, headers: Headers
    ) -> Awaitable[SimpleNamespace]:
        await asyncio.sleep(0)
        offset = self.cluster.append(topic, partition, OutRecord(None, value, headers, timestamp_ms))
        written: asyncio.Future[SimpleNamespace] = asyncio.get_running_loop().create_future()
        written.set_result(SimpleNamespace(offset=offset))
        return written


class Consumer:
    """AIOKafkaConsumer at read_committed, for the log of a group or for changelogs; `idle` counts empty polls."""

    cluster: TracedCluster

    def __init__(self, *, group: str = "", isolation_level: str = "read_committed", **_settings: object) -> None:
        self.idle = 0
        self._group = group
        self._isolation = Isolation[isolation_level.upper()]
        self._positions: dict[TopicPartition, int] = {}
        self._client = self._coordinator = self

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def set_topics(self, topics: Iterable[str]) -> None:
        assert topics

    async def stop(self) -> None:
        await asyncio.sleep(0)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(places, 0)

    def assignment(self) -> Iterable[TopicPartition]:
        return self._positions.keys()

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.last_stable_offset(place) for place in places}

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def fetch_committed_offsets(
        self, places: Sequence[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        committed = {place: self.cluster.committed(self._group, place.topic, place.partition) for place in places}
        return {place: OffsetAndMetadata(offset, "") for place, offset in committed.items() if offset is not None}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    def last_stable_offset(self, place: TopicPartition) -> int:
        return self.cluster.log(place.topic, place.partition).stable_end

    async def getmany(
        self,
        *places: TopicPartition,
        timeout_ms: int,  # noqa: ARG002 - nothing is waited for
        max_records: int = 500,
    ) -> dict[TopicPartition, list[Record]]:
        await asyncio.sleep(0)
        polled = {}
        for place in places:
            log = self.cluster.log(place.topic, place.partition)
            if not self._group and self._positions[place] < log.stable_end:
                self.cluster.read(place.topic, place.partition, self._isolation)
            records, self._positions[place] = log.read(
                self._positions[place], max_records, committed=self._isolation.value
            )
            if records:
                polled[place] = records
        self.idle = 0 if polled else self.idle + 1
        return polled
