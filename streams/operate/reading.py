"""Reads partitions as they are now: committed records only, to where they end, and how far the agents have read."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.ending import ended
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import in_words
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS, changelog
from streams.operate.writing import OperateError, check_partitions
from streams.polling import polled

READ_SECONDS = 60.0
"""How long a command reads what it cannot do without."""
STEP_SECONDS = 15.0
POLL_MS = 500
FOLDS = {AGENT: EVENTS, INSTITUTIONS: SIGNALS}
"""The two agents and their logs."""


@asynccontextmanager
async def within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    """Refuse what takes longer, in words that say why it may and what to do; a client's own time-out goes out as it is.

    Raises:
        OperateError: the time is over.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise OperateError(otherwise) from error


async def topic_sizes(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Give the number of partitions of every topic."""
    described = await asyncio.wait_for(admin.describe_topics(), STEP_SECONDS)
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


@asynccontextmanager
async def operator_admin(bootstrap: Bootstrap) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a client that asks about topics and groups."""
    admin = AIOKafkaAdminClient(**client_arguments(bootstrap), request_timeout_ms=int(STEP_SECONDS * 1000))
    try:
        async with in_words(bootstrap):
            await asyncio.wait_for(admin.start(), STEP_SECONDS)
        yield admin
    finally:
        await ended(admin, STEP_SECONDS)


@asynccontextmanager
async def committed_reader(bootstrap: Bootstrap) -> AsyncIterator[Any]:
    """Give a consumer that is in no group and sees nothing that was taken back."""
    consumer = AIOKafkaConsumer(
        **client_arguments(bootstrap),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(STEP_SECONDS * 1000),
    )
    try:
        async with in_words(bootstrap):
            await asyncio.wait_for(consumer.start(), STEP_SECONDS)
        yield consumer
    finally:
        await ended(consumer, STEP_SECONDS)


async def positions(
    bootstrap: Bootstrap, partitions: int, folds: Mapping[str, str] = FOLDS
) -> Mapping[TopicPartition, int]:
    """Give how far the agents have read their logs; refuse topics that are not as they should be, nobody could wait."""
    async with operator_admin(bootstrap) as admin:
        _check_topics(await topic_sizes(admin), partitions, folds)
        found = [await read_by(admin, application) for application in folds]
    return {place: offset for offsets in found for place, offset in offsets.items()}


async def read_by(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, int]:
    """Give how far a consumer group has read; a partition that it has committed nothing of is left out."""
    offsets = await admin.list_consumer_group_offsets(group)
    return {place: meta.offset for place, meta in offsets.items() if meta.offset >= 0}


async def members(admin: Any, group: str) -> int:  # noqa: ANN401 - untyped library
    """Give how many members a consumer group has; none where we may not see it."""
    (answer,) = await asyncio.wait_for(admin.describe_consumer_groups([group]), STEP_SECONDS)
    return sum(len(found) for *_, found in (described[:6] for described in answer.groups))


def _check_topics(found: Mapping[str, int], partitions: int, folds: Mapping[str, str]) -> None:
    for application, log in folds.items():
        for topic in (log, changelog(application, "policies")):
            check_partitions(topic, found.get(topic, 0), partitions)


async def to_end(
    consumer: Any,  # noqa: ANN401 - untyped library
    places: Sequence[TopicPartition],
    starts: Mapping[TopicPartition, int],
) -> AsyncIterator[Any]:
    """Give the records of partitions from `starts`, or from the first that is kept, to where they end now."""
    consumer.assign(list(places))
    for place in places:
        if place in starts:
            consumer.seek(place, starts[place])
    left = await consumer.end_offsets(places)
    while left := {place: end for place, end in left.items() if await consumer.position(place) < end}:
        found = await polled(consumer, *left, timeout_ms=POLL_MS)
        for records in found.values():
            for record in records:
                yield record
