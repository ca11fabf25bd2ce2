"""A poll that says in words where a batch cannot be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError


class UnreadableBatchError(KafkaError):  # type: ignore[misc] # untyped library
    """A batch that aiokafka cannot read; the message says where, and what to do."""


async def polled(
    consumer: Any,  # noqa: ANN401 - aiokafka is untyped
    *places: TopicPartition,
    timeout_ms: int,
    max_records: int | None = None,
) -> Mapping[TopicPartition, Sequence[Any]]:
    """Poll some partitions, all that are assigned where none is named.

    Raises:
        UnreadableBatchError: a header name is no UTF-8, or a checksum is wrong; reading has to begin anew behind what
            was handed out, as aiokafka may have gone past good records of the same batch.
        KafkaError: anything else.
    """
    try:
        found: Mapping[TopicPartition, Sequence[Any]]
        found = await consumer.getmany(*places, timeout_ms=timeout_ms, max_records=max_records)
    except Exception as error:
        if not is_of_a_batch(error):
            raise
        where = [
            f"{place.topic}/{place.partition} from offset {at}"
            for place in sorted(places or consumer.assignment())
            if (at := await consumer.position(place)) < (consumer.highwater(place) or 0)
        ]
        raise UnreadableBatchError(
            f"a batch of {' or '.join(where) or 'an unknown place'} cannot be read ({error!r}): "
            "streams/transport/README.md says how to go on under A batch that cannot be read"
        ) from error
    return found


def is_of_a_batch(error: Exception) -> bool:
    """Tell it from what the brokers answer: a decoder of aiokafka raises whatever it meets."""
    if isinstance(error, KafkaError):
        return isinstance(error, CorruptRecordException)
    return not isinstance(error, OSError | TimeoutError)
