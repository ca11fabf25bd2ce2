"""Ticks: at most one unread, a partition each for itself, and an id that says which."""

import pytest
from aiokafka import TopicPartition

from schemas.cloudevents import from_record, to_headers, to_value
from schemas.events import ClockTick, Event, Source
from schemas.times import to_epoch_ms
from streams.transport.settings import FoldSettings
from streams.transport.ticks import Ticks
from tests.unit.fold.build import START, Fixed

HERE, THERE = TopicPartition("log", 0), TopicPartition("log", 1)


class Written(Ticks):
    """Ticks that write to a list, from offset 10 on."""

    def __init__(self) -> None:
        settings = FoldSettings("k:1", "app", "log", 2, Fixed())
        super().__init__(settings, Source.AGENT, lambda: None)
        self.events: list[tuple[TopicPartition, Event]] = []
        self.fails = False

    async def write(self, partition: TopicPartition, event: Event) -> int:
        if self.fails:
            raise TimeoutError
        self.events.append((partition, event))
        return 9 + len(self.events)


@pytest.fixture
def ticks() -> Written:
    return Written()


async def test_one_tick_is_unread_at_most(ticks: Written) -> None:
    """However often a timer is found due, the next tick waits until the last one has been read."""
    for _ in range(3):
        await ticks.send(HERE)
    ticks.read_up_to(HERE, 10)
    await ticks.send(HERE)
    assert len(ticks.events) == 1
    ticks.read_up_to(HERE, 11)
    await ticks.send(HERE)
    assert len(ticks.events) == 2


async def test_partitions_tick_apart(ticks: Written) -> None:
    """An unread tick of one partition keeps no other from its own."""
    await ticks.send(HERE)
    await ticks.send(THERE)
    assert [place for place, _ in ticks.events] == [HERE, THERE]


async def test_a_tick_that_was_not_written_is_not_unread(ticks: Written) -> None:
    """After a write that failed the next one is tried."""
    ticks.fails = True
    with pytest.raises(TimeoutError):
        await ticks.send(HERE)
    ticks.fails = False
    await ticks.send(HERE)
    assert len(ticks.events) == 1


async def test_a_tick_is_an_event_of_the_present(ticks: Written) -> None:
    """A tick carries the clock's time and nothing else, and reads back from the log as it was."""
    await ticks.send(HERE)
    ((_, made),) = ticks.events
    assert (made.time, made.data, made.source) == (START, ClockTick(), Source.AGENT)
    assert from_record(to_headers(made), None, to_value(made.data), to_epoch_ms(made.time)) == made
