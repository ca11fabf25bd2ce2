"""Canaries at the agent: they come out on their own topic, are audited, and change nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import orjson
import pytest

from schemas.canary import CANARY_TOPIC
from schemas.events import CanarySent, Event, EventType, Source
from streams.fold.effects import ShareTooLarge
from streams.fold.intake import partition_of
from streams.fold.share import MINIMUM, WINDOW
from streams.kafka.topics import AUDIT, DEAD_LETTER
from tests.unit.fold.build import CUSTOMERS, PARTITION, PARTITIONS, START, World, agent_world, event, record

CANARY = next(one for n in range(99) if partition_of(one := f"canary-{n}", PARTITIONS) == PARTITION)


@pytest.fixture
def agent() -> World:
    return agent_world()


def canary(source: str = Source.BRIDGE) -> Event:
    """Give a canary of the partition."""
    data = CanarySent(customer_id=CANARY, canary_id="c1")
    return event(EventType.CANARY_SENT, START, data, CANARY, source)


def test_it_comes_out(agent: World) -> None:
    """With its id, once, and on no other topic; the audit has it, and no table."""
    before = agent.state()
    agent.hear(canary())
    (seen,) = agent.sent(CANARY_TOPIC)
    assert (seen["kind"], seen["canary_id"], seen["customer_id"]) == ("canary", "c1", CANARY)
    assert {topic for topic, _ in agent.out} == {CANARY_TOPIC, AUDIT}
    assert [one["topic"] for one in orjson.loads(agent.audits[-1].value or b"")["messages"]] == [CANARY_TOPIC]
    after = agent.state()
    assert {name: table for name, table in after.items() if name != "control"} == {
        name: table for name, table in before.items() if name != "control"
    }


def test_it_comes_from_the_bridge_alone(agent: World) -> None:
    """A canary of anybody else's says nothing of the way in."""
    agent.hear(canary(Source.EXECUTOR))
    assert [one["reason"] for one in agent.sent(DEAD_LETTER)] == ["source_not_allowed"]


def test_under_the_key_of_another(agent: World) -> None:
    """It is set aside like any record that is in the wrong place."""
    agent.poll([record(0, canary(), CUSTOMERS[0])])
    assert [one["reason"] for one in agent.sent(DEAD_LETTER)] == ["wrong_partition"]


class Looked(tuple[tuple[str, bytes], ...]):
    """Headers that count how often somebody looks through them for one, from the last on."""

    __slots__ = ()
    times: ClassVar[int] = 0

    def __reversed__(self) -> Iterator[tuple[str, bytes]]:
        """Count."""
        Looked.times += 1
        return iter(self[::-1])


def test_its_headers_are_looked_through_once(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a tick, before it is read; from there on its type is known. So it is for every other record."""
    monkeypatch.setattr(Looked, "times", 0)
    one = record(0, canary())
    agent.poll([replace(one, headers=Looked(one.headers))])
    assert len(agent.sent(CANARY_TOPIC)) == 1
    assert Looked.times == 1


def test_it_hides_no_share_of_dead_letters(agent: World) -> None:
    """On a partition with more canaries than events the share is that of the events: a bad release pauses."""
    good = [record(offset, canary()) for offset in range(WINDOW)]
    agent.poll(good)
    bad = [replace(record(WINDOW + number, canary()), headers=()) for number in range(MINIMUM)]
    with pytest.raises(ShareTooLarge):
        agent.poll(bad)
