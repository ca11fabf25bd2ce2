"""Copies what lives on to another cluster, record by record, each to the partition that it belongs to there."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from aiokafka import TopicPartition

from schemas.events import PolicyActivated
from schemas.problems import UNREADABLE
from schemas.state import ControlState, Surroundings, encode
from streams.ending import ended
from streams.kafka.access import Bootstrap
from streams.kafka.topics import AGENT, INSTITUTIONS, changelog
from streams.operate.moving.merging import merged_control, merged_rules, merged_surroundings
from streams.operate.moving.places import PartitionOf, copied
from streams.operate.reading import committed_reader, to_end
from streams.operate.writing import SEND_SECONDS, START_SECONDS, STOP_SECONDS, OperateError, operator_producer

R = TypeVar("R")

WAITING = 1000
"""Records that are sent and not acknowledged yet, at most."""


class Copy:
    """One move, from a cluster with `old` partitions to one with `new`."""

    def __init__(self, source: Bootstrap, old: int, target: Bootstrap, new: int) -> None:
        self._source = source
        self._old = old
        self._new = new
        self._producer = operator_producer(target)
        self._waiting: list[Any] = []

    async def run(self, told: Callable[[str, int], None]) -> None:
        """Copy everything, and tell of each topic how many records; whatever it raises, the target has to be made anew.

        Raises:
            OperateError: something cannot be moved, with what to do.
            KafkaError, OSError, TimeoutError: a broker does not answer.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._producer.start()
            async with committed_reader(self._source) as consumer:
                for application in (AGENT, INSTITUTIONS):
                    await self._merge(consumer, application)
                for topic, place in copied().items():
                    told(topic, await self._copy(consumer, topic, place))
        finally:
            await ended(self._producer, STOP_SECONDS)

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self._old)]

    async def _copy(self, consumer: Any, topic: str, place: PartitionOf) -> int:  # noqa: ANN401 - untyped library
        """Copy a topic; records of a key stay in order, as they come from one partition and go to one."""
        count = 0
        async for record in to_end(consumer, self._places(topic), {}):
            await self._send(
                topic,
                record.value,
                key=record.key,
                partition=_placed(record, place, self._new),
                timestamp_ms=record.timestamp,
                headers=list(record.headers),
            )
            count += 1
        await self._flush()
        return count

    async def _send(self, topic: str, value: bytes | None, **placed: Any) -> None:  # noqa: ANN401 - as the library takes it
        async with asyncio.timeout(SEND_SECONDS):
            self._waiting.append(await self._producer.send(topic, value, **placed))
        if len(self._waiting) >= WAITING:
            await self._flush()

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        async with asyncio.timeout(SEND_SECONDS):
            await asyncio.gather(*waiting)

    # -- what a partition has one record of

    async def _merge(self, consumer: Any, application: str) -> None:  # noqa: ANN401 - untyped library
        """Make the records of each new partition out of those of all the old ones."""
        in_force = merged_rules(
            await self._last(consumer, application, "policies", PolicyActivated.model_validate_json)
        )
        control = await self._last(consumer, application, "control", _decoded(ControlState))
        written = {"control": encode(merged_control(control))}
        if in_force is not None:
            written["policies"] = in_force.model_dump_json().encode()
        if application == AGENT:
            around = await self._last(consumer, application, "surroundings", _decoded(Surroundings))
            written["surroundings"] = encode(merged_surroundings(around))
        for topic, number, value in self._for_each(application, written):
            await self._send(topic, value, key=str(number).encode(), partition=number)
        await self._flush()

    def _for_each(self, application: str, written: dict[str, bytes]) -> Iterator[tuple[str, int, bytes]]:
        for table, value in written.items():
            for number in range(self._new):
                yield changelog(application, table), number, value

    async def _last(
        self,
        consumer: Any,  # noqa: ANN401 - untyped library
        application: str,
        table: str,
        read: Callable[[bytes], R],
    ) -> list[R]:
        """Read the last record of each old partition that has one."""
        found: dict[int, bytes | None] = {}
        async for record in to_end(consumer, self._places(changelog(application, table)), {}):
            found[record.partition] = record.value
        try:
            return [read(value) for _, value in sorted(found.items()) if value is not None]
        except UNREADABLE as error:
            raise OperateError(f"the table {table} is of a later release: move with that one ({error})") from error


def _decoded(record: type[R]) -> Callable[[bytes], R]:
    return msgspec.json.Decoder(record).decode


def _placed(record: Any, place: PartitionOf, partitions: int) -> int:  # noqa: ANN401 - untyped library
    """Give the partition of a record; one under a key that its topic cannot have is for somebody to look at."""
    try:
        return place(record.key, partitions)
    except (AttributeError, TypeError, ValueError):
        why = "no key" if record.key is None else "a key that is none of this topic"
        where = f"{record.topic}/{record.partition}/{record.offset}"
        raise OperateError(f"{where} has {why}: it belongs nowhere") from None
