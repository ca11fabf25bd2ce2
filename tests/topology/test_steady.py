"""Time passes under steady traffic, too: no poll is empty, some records are always unread, and timers fire."""

from datetime import timedelta

import pytest
from aiokafka import TopicPartition

from schemas.events import EventType
from streams.kafka.topics import AGENT, EVENTS
from streams.testing.broker import Record
from tests.topology.on_broker import Consumer
from tests.topology.stage import Stage
from tests.topology.test_limits import decide, owned
from tests.waiting import until

POLLS = 40
AFTER = timedelta(hours=25)


class Steady(Consumer):
    """The log's consumer, of which a further customer is heard at every poll; the record after it is not read yet."""

    stage: Stage
    behind = False
    polls = 0

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int = 500
    ) -> dict[TopicPartition, list[Record]]:
        """Give one record at least."""
        self.polls += 1
        self.stage.hear(0, str(1000 + self.polls))
        polled = await super().getmany(*places, timeout_ms=timeout_ms, max_records=max_records)
        if self.behind:
            self.stage.hear(0, str(5000 + self.polls))
        return polled


@pytest.mark.parametrize("behind", [False, True])
async def test_a_tick_is_written(stage: Stage, *, behind: bool) -> None:
    """Of the reminder of the first customer, by whom nothing comes any more."""
    consumer = Steady(group=AGENT)
    consumer.stage, consumer.behind = stage, behind
    partition = owned(stage, {}, decide, consumer)
    await until(lambda: consumer.polls > 3, 10)
    stage.clock.move_to(stage.clock.now() + AFTER)
    already = consumer.polls
    await until(lambda: consumer.polls > already + POLLS, 20)
    await partition.close()
    types = [dict(one.headers)["ce_type"] for one in stage.cluster.read(EVENTS, 0)]
    assert types.count(EventType.CLOCK_TICK.encode()) == 1
