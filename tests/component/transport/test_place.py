"""Where a partition goes on: behind all that its state knows, whatever became of the group's offset."""

import logging
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streams.fold import PartitionPaused
from streams.transport.place import LogPlace

SOURCE = TopicPartition("aggregation.events", 3)


class Log:
    """A consumer whose partition holds offsets from `begin` to before `end`, and whose group is at `committed`."""

    def __init__(self, begin: int, end: int, committed: int | None = None) -> None:
        self._begin, self._end, self._offset = begin, end, committed
        self._coordinator = self

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._begin)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._end)

    async def fetch_committed_offsets(
        self, places: Sequence[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        return {} if self._offset is None else dict.fromkeys(places, OffsetAndMetadata(self._offset, ""))


async def begins(log: Log, known: int | None) -> int:
    """Give where a partition whose state goes on at `known` begins."""
    place = LogPlace(log, SOURCE, 5.0)
    return await place.of_state(known, await place.committed())


@pytest.mark.parametrize(
    ("log", "known", "begin"),
    [
        (Log(0, 9), None, 0),
        (Log(4, 9), None, 4),
        (Log(0, 9, 5), None, 5),
        (Log(0, 9, 5), 5, 5),
        (Log(0, 9), 5, 5),
        (Log(0, 9, 2), 5, 5),
        (Log(0, 9, 8), 5, 5),
        (Log(0, 9, 8), 9, 9),
    ],
)
async def test_the_state_decides(log: Log, known: int | None, begin: int) -> None:
    """The group's offset counts only where there is no state yet; without either it is the log's beginning."""
    assert await begins(log, known) == begin


async def test_a_group_elsewhere_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody has lost it or has set it, and would else wonder why nothing came of it."""
    with caplog.at_level(logging.WARNING):
        await begins(Log(0, 9), 5)
    assert "aggregation.events/3: the group is at offset 0, the state at 5, from where it goes on" in caplog.text


async def test_events_that_were_deleted_unread_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The partition goes on with what is left, and says what is not."""
    assert await begins(Log(7, 9), 5) == 7
    assert "aggregation.events/3: offsets 5 to 6 were deleted before they were decided on" in caplog.text


async def test_a_log_that_was_cut_back_pauses_the_partition() -> None:
    """Its next events would have offsets that the state knows already, and be passed over."""
    with pytest.raises(PartitionPaused, match=r"offset 5 of aggregation\.events/3, which ends at 4: the log was cut"):
        await begins(Log(0, 4), 5)
