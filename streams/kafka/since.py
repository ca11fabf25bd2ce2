"""Where in partitions a time begins."""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition


async def offsets_since(
    consumer: Any,  # noqa: ANN401 - aiokafka is untyped
    times: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Give the first offset of each partition whose record is of a time or later, in milliseconds; else its end.

    The ends are asked for before the times: a record that comes in between is not passed over.
    """
    ends = await consumer.end_offsets(list(times))
    found = await consumer.offsets_for_times(dict(times))
    return {place: ends[place] if found.get(place) is None else found[place].offset for place in times}
