"""Whether what is in memory may be used again: only if nobody had the partition, and nothing was written to it."""

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from streams.transport.state.kept import Kept
from streams.transport.transaction import _end

KEPT = Kept({}, {"a": 10, "b": 7}, (4711, 5), None)


@pytest.mark.parametrize(
    ("ownership", "ends", "follows"),
    [
        ((4711, 6), {"a": 10, "b": 7}, True),
        ((4711, 7), {"a": 10, "b": 7}, False),
        ((4711, 5), {"a": 10, "b": 7}, False),
        ((4712, 6), {"a": 10, "b": 7}, False),
        ((4712, 0), {"a": 10, "b": 7}, False),
        ((4711, 6), {"a": 11, "b": 7}, False),
        ((4711, 6), {"a": 9, "b": 7}, False),
        ((4711, 6), {"a": 10}, False),
    ],
)
def test_memory_is_used_if_nobody_was_between(
    ownership: tuple[int, int], ends: dict[str, int], *, follows: bool
) -> None:
    """The next epoch of the same producer, and changelogs that end where they did."""
    assert KEPT.follows(ownership, ends) is follows


def placed(offset: int) -> RecordMetadata:
    """Give what aiokafka tells of a batch that was acknowledged."""
    return RecordMetadata("a", 2, TopicPartition("a", 2), offset, 1, 0, 0)


def test_a_transaction_says_where_a_changelog_ends() -> None:
    """Behind its records is its marker, which takes an offset; without an offset nothing is known."""
    assert _end(placed(100), 3) == 104
    with pytest.raises(ValueError, match="did not tell where in a/2 "):
        _end(placed(-1), 3)
