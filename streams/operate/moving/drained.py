"""Whether a cluster is at rest, so that it can be moved: nobody works, and all that was written has been read."""

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition

from streams.kafka.access import Bootstrap
from streams.kafka.topics import EXECUTORS, LOOKUP
from streams.operate.reading import (
    FOLDS,
    READ_SECONDS,
    STEP_SECONDS,
    committed_reader,
    members,
    operator_admin,
    read_by,
    to_end,
    within,
)
from streams.operate.writing import OperateError

Ends = Mapping[TopicPartition, int]
"""The next offset of each partition."""

READERS = FOLDS | {EXECUTORS: LOOKUP}
"""Consumer groups and what each has to have read."""


async def require_rest(bootstrap: Bootstrap, partitions: int) -> None:
    """Refuse a cluster where somebody works, or something is not read.

    Raises:
        OperateError: says what to stop or to wait for.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    read = await _positions(bootstrap)
    slow = (
        f"whether all was read could not be found out within {READ_SECONDS:.0f} s: a broker is slow, or a partition "
        "has no leader; look at the brokers, then run the same again"
    )
    async with committed_reader(bootstrap) as consumer, within(READ_SECONDS, slow):
        for group, topic in READERS.items():
            places = [TopicPartition(topic, number) for number in range(partitions)]
            starts = {place: offset for place, offset in read[group].items() if place in places}
            async for record in to_end(consumer, places, starts):
                raise OperateError(
                    f"{group} has not read {topic}/{record.partition} from offset {record.offset} on: start it again, "
                    "stop everybody who writes there, and wait until nothing is left"
                )


async def _positions(bootstrap: Bootstrap) -> Mapping[str, Mapping[TopicPartition, int]]:
    """Give how far each group has read; refuse one that has members."""
    async with operator_admin(bootstrap) as admin:
        for group in READERS:
            if await members(admin, group):
                raise OperateError(f"{group} has members: stop them all, and wait until their sessions end")
        return {group: await read_by(admin, group) for group in READERS}


async def ends(bootstrap: Bootstrap, topics: tuple[str, ...], partitions: int) -> Ends:
    """Give where topics end now."""
    async with committed_reader(bootstrap) as consumer:
        places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        found: Ends = await asyncio.wait_for(consumer.end_offsets(places), STEP_SECONDS)
        return found
