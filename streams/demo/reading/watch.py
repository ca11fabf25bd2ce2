"""The independent reader: a plain consumer of every topic, read_committed, that also knows when all has been read."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.demo.reading.seen import Record, Seen
from streams.demo.stage.processes import DemoError
from streams.kafka.access import client_arguments
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS, contract

P = TypeVar("P")

POLL_MS = 150
ANSWER_SECONDS = 15.0
START_SECONDS = 20.0
STOP_SECONDS = 3.0


class NotComeError(DemoError):
    """What was waited for did not come: a difference for the verdict."""


class Watch:
    """Reads inside `async with`, as long as `run` does; `seen` holds what was read."""

    def __init__(self, bootstrap: str) -> None:
        self.seen = Seen()
        self._reader = AIOKafkaConsumer(
            **client_arguments(bootstrap),
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=POLL_MS,
        )
        # Its ends lie behind what open transactions have written, so a reader that is there has read it all.
        self._ends = AIOKafkaConsumer(**client_arguments(bootstrap), group_id=None, isolation_level="read_uncommitted")
        self._admin = AIOKafkaAdminClient(**client_arguments(bootstrap))
        self._positions: dict[TopicPartition, int] = {}
        self._signals: dict[int, int] = {}
        self._agents: Mapping[int, int] = {}
        self._institutions: Mapping[int, int] = {}
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect; every partition of every topic is read from its beginning."""
        async with AsyncExitStack() as stack:
            for client, end in (
                (self._reader, self._reader.stop),
                (self._ends, self._ends.stop),
                (self._admin, self._admin.close),
            ):
                stack.push_async_callback(_hang_up, end)
                async with asyncio.timeout(START_SECONDS):
                    await client.start()
            async with asyncio.timeout(START_SECONDS):
                await self._assign()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self._stack.aclose()

    async def _assign(self) -> None:
        names = {topic.name for topic in contract()}
        metadata = await self._admin.describe_topics(sorted(names))
        self._reader.assign(
            [
                TopicPartition(topic["topic"], partition["partition"])
                for topic in metadata
                for partition in topic["partitions"]
            ]
        )

    async def run(self) -> None:
        """Read until cancelled; aiokafka swallows some cancellations, so they are asked for as well."""
        task = asyncio.current_task()
        while task is None or not task.cancelling():
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._read()
            self._news.set()

    async def _read(self) -> None:
        batches = await self._reader.getmany(timeout_ms=POLL_MS)
        for place, records in batches.items():
            for record in records:
                self._take(place, record.offset, record.key, record.value, record.headers)
        # Positions count the control markers behind the last record, so they meet the ends of the topics.
        self._positions = {place: await self._reader.position(place) for place in self._reader.assignment()}
        # One round late: an offset is seen committed a moment before the records that were committed with it.
        self.seen.committed, self._agents = self._agents, await self._committed(AGENT, EVENTS)
        self._institutions = await self._committed(INSTITUTIONS, SIGNALS)

    def _take(
        self,
        place: TopicPartition,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...],
    ) -> None:
        if place.topic == SIGNALS:
            self._signals[place.partition] = offset
        self.seen.take(Record(place.topic, place.partition, offset, key or b"", value or b"", headers))

    async def until(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something is so of what was read. Raises NotComeError when it takes longer than `seconds`."""
        end = time.monotonic() + seconds
        while not is_so():
            self._news.clear()
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await self._news.wait()
            except TimeoutError:
                raise NotComeError(f"{what} did not come within {seconds:.0f} s.") from None

    async def settled(self, seconds: float) -> None:
        """Wait until both agents have decided on everything, and all that they wrote has been read.

        Raises NotComeError when that takes longer than `seconds` for any of its steps.
        """
        events = await self._end_offsets(EVENTS)
        await self.until(lambda: _reaches(self.seen.committed, events), seconds, "the decision on every event")
        await self._caught_up(seconds)
        signals = {partition: offset + 1 for partition, offset in self._signals.items()}
        await self.until(lambda: _reaches(self._institutions, signals), seconds, "the decision on every signal")
        await self._caught_up(seconds)

    async def _caught_up(self, seconds: float) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            ends = await self._ends.end_offsets(list(self._reader.assignment()))
        await self.until(lambda: _reaches(self._positions, ends), seconds, "the end of every topic")

    async def _end_offsets(self, topic: str) -> dict[int, int]:
        places = [place for place in self._reader.assignment() if place.topic == topic]
        async with asyncio.timeout(ANSWER_SECONDS):
            ends = await self._ends.end_offsets(places)
        return {place.partition: end for place, end in ends.items() if end}

    async def _committed(self, group: str, topic: str) -> dict[int, int]:
        offsets = await self._admin.list_consumer_group_offsets(group)
        return {place.partition: at.offset for place, at in offsets.items() if place.topic == topic}


async def _hang_up(end: Callable[[], Awaitable[None]]) -> None:
    """Stop a client; without a broker aiokafka leaves by the cancellation of its own tasks, or not at all."""
    with contextlib.suppress(asyncio.CancelledError, KafkaError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await end()


def _reaches(reached: Mapping[P, int], wanted: Mapping[P, int]) -> bool:
    return all(reached.get(place, 0) >= offset for place, offset in wanted.items())
