"""Where a partition goes on: behind all that its state knows, whatever became of the group's offset."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

from streams.fold import PartitionPaused
from streams.transport.place import TRIES, LogPlace

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


@pytest.mark.parametrize(("committed", "known"), [(None, 5), (5, 5), (5, None)])
async def test_events_that_were_deleted_unread_are_told(
    caplog: pytest.LogCaptureFixture, committed: int | None, known: int | None
) -> None:
    """The partition goes on with what is left, and says what is not."""
    assert await begins(Log(7, 9, committed), known) == 7
    assert "aggregation.events/3: offsets 5 to 6 were deleted before they were decided on" in caplog.text


async def test_a_log_that_was_cut_back_pauses_the_partition() -> None:
    """Its next events would have offsets that the state knows already, and be passed over."""
    with pytest.raises(PartitionPaused, match=r"offset 5 of aggregation\.events/3, which ends at 4: the log was cut"):
        await begins(Log(0, 4), 5)


class Damaged(Log):
    """A log of ten records of which some cannot be read, told as aiokafka does: it goes on to them, past good ones."""

    def __init__(self, bad: dict[int, int]) -> None:
        super().__init__(0, 10)
        self.position = 0
        self._bad = bad
        """How often each offset fails."""

    def seek(self, _place: TopicPartition, offset: int) -> None:
        self.position = offset

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> Any:  # noqa: ANN401 - as of the library
        assert timeout_ms == 0
        given = []
        for offset in range(self.position, 10)[:max_records]:
            self.position = offset
            if self._bad.get(offset, 0):
                self._bad[offset] -= 1
                raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
            given.append(SimpleNamespace(offset=offset))
            self.position = offset + 1
        return {places[0]: given} if given else {}


async def read(log: Damaged) -> list[int]:
    """Poll as a partition does, until the end or a pause."""
    place, seen = LogPlace(log, SOURCE, 5.0), list[int]()
    with suppress(PartitionPaused):
        while log.position < 10:
            seen += [record.offset for record in await place.poll(len(seen), 0, 100)]
    return seen


async def test_what_was_damaged_on_its_way_is_read_again() -> None:
    """Every record is given once, in order."""
    assert await read(Damaged({3: 1, 7: TRIES})) == list(range(10))


async def test_a_record_that_cannot_be_read_pauses_the_partition_behind_all_before_it() -> None:
    """None of the good ones before it is passed over."""
    assert await read(Damaged({6: 1000})) == list(range(6))
    place = LogPlace(Damaged({0: 1000}), SOURCE, 5.0)
    assert [await place.poll(0, 0, 100) for _ in range(TRIES)] == [[]] * TRIES
    with pytest.raises(
        PartitionPaused, match=r"0 of aggregation\.events/3 cannot be read \(UnicodeDecodeError.*README"
    ):
        await place.poll(0, 0, 100)


@pytest.mark.parametrize("error", [OffsetOutOfRangeError({SOURCE: 5}), TopicAuthorizationFailedError(SOURCE.topic)])
async def test_what_is_no_matter_of_a_record_ends_the_process(error: Exception) -> None:
    """A log that was cut back, or a right that was taken away."""
    log = Damaged({})
    log.getmany = AsyncMock(side_effect=error)  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        await LogPlace(log, SOURCE, 5.0).poll(0, 0, 100)
