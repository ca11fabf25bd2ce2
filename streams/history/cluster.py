"""The history that a cluster holds: read from its topics, committed records only, without a group."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.times import to_epoch_ms
from streams.ending import ended
from streams.fold.effects import SourceRecord
from streams.history.history import Content, HistoryError, Place, Span
from streams.history.since import first_since
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.identity import ClusterDescription, described
from streams.kafka.refusals import LOOK_AT_BROKERS, told
from streams.kafka.since import offsets_since
from streams.kafka.topics import contract
from streams.polling import polled

STEP_SECONDS = 20.0
QUIET_SECONDS = 60.0
"""How long records that are known to be there may take to come."""
POLL_MS = 200
MAX_POLL_RECORDS = 5000
FETCH_BYTES = 4 << 20
"""Of a partition in one answer of a broker: a history is read from end to end."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClusterOrigin:
    """A cluster as the origin of a history."""

    access: Bootstrap

    def __str__(self) -> str:
        """Give the addresses."""
        return str(self.access)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ClusterHistory"]:
        """Look at what the cluster has of our topics; see Origin."""
        found = await _answered(self.access, described(self.access, [topic.name for topic in contract()]))
        history = ClusterHistory(self.access, found)
        try:
            yield history
        finally:
            await history.close()


class ClusterHistory:
    """See History; made by ClusterOrigin."""

    def __init__(self, access: Bootstrap, found: ClusterDescription) -> None:
        self._access = access
        there = [topic for topic in found.topics if not topic.error]
        self._cluster_id = found.cluster_id
        self._topics = {topic.name: topic.id for topic in there}
        counts = {len(topic.partitions) for topic in there}
        if len(counts) > 1:
            raise HistoryError(f"the topics have {sorted(counts)} partitions: run `txpush topics check`")
        self._partitions = counts.pop() if counts else 0
        self._asking: AIOKafkaConsumer | None = None

    @property
    def cluster_id(self) -> str:
        """The cluster's id."""
        return self._cluster_id

    @property
    def topics(self) -> Mapping[str, str]:
        """Those of the contract that are there, each with its id."""
        return self._topics

    @property
    def partitions(self) -> int:
        """Of every topic; 0 where there is none."""
        return self._partitions

    @property
    def content(self) -> Content:
        """All is as it was written."""
        return Content.WHOLE

    def identity(self, topic: str) -> str:
        """Give `<cluster id>/<topic id>`; see History."""
        return f"{self._cluster_id}/{self._topics[self._known(topic)]}"

    def _known(self, topic: str) -> str:
        if topic not in self._topics:
            raise HistoryError(
                f"there is no topic {topic} at {self._access}: run `txpush topics apply`, or see `txpush topics acls` "
                "where we have no right to see it"
            )
        return topic

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what is there now; see History."""
        places = [TopicPartition(self._known(topic), number) for topic in topics for number in range(self._partitions)]
        consumer = await self._asker()
        begins = await _answered(self._access, consumer.beginning_offsets(places))
        ends = await _answered(self._access, consumer.end_offsets(places))
        return {Place(*place): Span(begins[place], ends[place]) for place in places}

    async def offset_since(self, place: Place, at: datetime) -> int:
        """Give the first offset of a time or later; see History."""
        kafka_place = TopicPartition(self._known(place.topic), place.partition)
        found = await _answered(self._access, offsets_since(await self._asker(), {kafka_place: to_epoch_ms(at)}))
        end = (await _answered(self._access, (await self._asker()).end_offsets([kafka_place])))[kafka_place]
        span = Span(found[kafka_place], end)
        return await first_since(lambda part: self.read(place, part), span, to_epoch_ms(at)) if span.offsets else end

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give the committed records of a span; see History."""
        self._known(place.topic)
        if not span.offsets:
            return
        consumer = self._consumer()
        try:
            await _answered(self._access, consumer.start())
            kafka_place = TopicPartition(*place)
            consumer.assign([kafka_place])
            consumer.seek(kafka_place, span.begin)
            async for records in self._records(consumer, kafka_place, span.end):
                yield records
        finally:
            await ended(consumer, STEP_SECONDS)

    async def _records(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int
    ) -> AsyncIterator[Sequence[SourceRecord]]:
        quiet_since, loop = None, asyncio.get_running_loop()
        while await _answered(self._access, consumer.position(place)) < end:
            polling = polled(consumer, place, timeout_ms=POLL_MS, max_records=MAX_POLL_RECORDS)
            records = (await _answered(self._access, polling)).get(place, ())
            if records:
                quiet_since = None
                yield records if records[-1].offset < end else [one for one in records if one.offset < end]
                continue
            quiet_since = quiet_since or loop.time()
            if loop.time() - quiet_since > QUIET_SECONDS:
                at = await _answered(self._access, consumer.position(place))
                raise HistoryError(
                    f"{place.topic}/{place.partition}: nothing has come from offset {at} on for {QUIET_SECONDS:.0f} s, "
                    f"though there should be records up to {end}; {LOOK_AT_BROKERS}"
                )

    async def _asker(self) -> AIOKafkaConsumer:
        """Give the client that asks about offsets, started when it is first needed."""
        if self._asking is None:
            self._asking = self._consumer()
            await _answered(self._access, self._asking.start())
        return self._asking

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **client_arguments(self._access),
            client_id="txpush-history",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=POLL_MS,
        )

    async def close(self) -> None:
        """Let go of the client that asks."""
        if self._asking is not None:
            await ended(self._asking, STEP_SECONDS)


async def _answered(access: Bootstrap, question: Awaitable[T]) -> T:
    """Wait for an answer of the brokers, and say in words why there is none."""
    try:
        async with asyncio.timeout(STEP_SECONDS):
            return await question
    except OffsetOutOfRangeError as error:
        gone = ", ".join(f"{Place(*place)} has no offset {offset}" for place, offset in error.args[0].items())
        what = "its first records were deleted meanwhile, or it was made anew"
        raise HistoryError(f"{gone}: {what}; begin again") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise HistoryError(f"{access} cannot be read: {await told(access, error)}; {LOOK_AT_BROKERS}") from error
