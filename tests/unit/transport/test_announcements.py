"""What all partitions are told: in each of them, in order, before the transaction that remembers it, or not at all."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.events import Event, EventType, Incident, Source
from streams.fold.effects import Effects, SourceRecord
from streams.transport.partition import OwnedPartition
from streams.transport.settings import FoldSettings
from streams.transport.ticks import Ticks
from tests.unit.fold.build import START, Fixed, record, tick

SETTINGS = FoldSettings("k:1", "app", "log", 3, Fixed(), step_seconds=0.2)


def opened(sequence: int) -> Event:
    """Give the opening of an incident."""
    data = Incident(institution_id="5", code=103, sequence=sequence, opened_at=START, logins_failing=20, logins_seen=20)
    at = START + timedelta(seconds=sequence)
    return Event(f"incident:5/103/{sequence}", EventType.INCIDENT_OPENED, Source.INSTITUTIONS, at, data)


@dataclass
class Broker:
    """A producer that notes what it is given; it acknowledges at once, never, or refuses."""

    answer: str = "yes"
    sent: list[tuple[str, int, bytes | None, str]] = field(default_factory=list)

    async def send(self, topic: str, value: bytes, **more: Any) -> asyncio.Future[None]:  # noqa: ANN401 - as aiokafka's
        assert value
        self.sent.append((topic, more["partition"], more.get("key"), dict(more["headers"])["ce_id"].decode()))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.answer == "yes":
            done.set_result(None)
        elif self.answer == "no":
            done.set_exception(KafkaError())
        return done


def writing_to(broker: Broker) -> Ticks:
    """Give ticks whose producer is a double."""
    ticks = Ticks(SETTINGS, Source.INSTITUTIONS, lambda: None)
    ticks._producer = broker
    return ticks


async def test_every_partition_is_told_in_order() -> None:
    """Each event goes to all partitions of its log, without a key; a later one is behind an earlier one in each."""
    broker = Broker()
    await writing_to(broker).announce([("events", opened(1)), ("events", opened(2))])
    assert broker.sent == [("events", n, None, f"incident:5/103/{sequence}") for sequence in (1, 2) for n in range(3)]


@pytest.mark.parametrize(("answer", "error"), [("no", KafkaError), ("never", TimeoutError)])
async def test_what_is_not_acknowledged_is_an_error(answer: str, error: type[Exception]) -> None:
    """A broker that refuses, or is silent past the deadline, lets nothing go on."""
    with pytest.raises(error):
        await writing_to(Broker(answer)).announce([("events", opened(1))])


@dataclass
class Told:
    """Everything around an owned partition that notes in which order it is asked."""

    order: list[str] = field(default_factory=list)
    fails: bool = False

    async def announce(self, announced: Sequence[tuple[str, Event]]) -> None:
        self.order += [event.id for _, event in announced]
        if self.fails:
            raise TimeoutError

    async def commit(self, outbox: object, next_offset: int) -> None:
        assert outbox is not None
        self.order.append(f"commit up to {next_offset}")

    def committed(self, *_: object) -> None:
        self.order.append("committed")


def owned(told: Told) -> OwnedPartition:
    """Give a partition without a life of its own, whose surroundings are doubles."""
    partition = OwnedPartition.__new__(OwnedPartition)
    partition._source = TopicPartition("log", 1)
    partition._fold = _cast(SimpleNamespace(committed=told.committed))
    partition._ticks = _cast(told)
    partition._transaction = _cast(told)
    partition._metrics = _cast(SimpleNamespace(committed=lambda *_: None))
    partition._writing = asyncio.Lock()
    partition._state = None
    partition._parts = _cast(SimpleNamespace(now_ms=lambda: 0))
    return partition


def _cast(double: object) -> Any:  # noqa: ANN401 - in place of whatever is needed
    return double


RECORDS: list[SourceRecord] = [record(6, tick(START))]


async def test_it_is_told_before_the_transaction() -> None:
    """First every partition is told, then the transaction remembers it, then the fold hears that it stands."""
    told = Told()
    await owned(told)._commit(Effects(announced=[("events", opened(1))]), RECORDS)
    assert told.order == ["incident:5/103/1", "commit up to 7", "committed"]


async def test_without_news_nobody_is_told() -> None:
    """A poll that announces nothing goes straight to its transaction."""
    told = Told()
    await owned(told)._commit(Effects(), RECORDS)
    assert told.order == ["commit up to 7", "committed"]


async def test_what_could_not_be_told_is_not_remembered() -> None:
    """No transaction begins when the telling failed: the worker ends, and the next one tells the same again."""
    told = Told(fails=True)
    with pytest.raises(TimeoutError):
        await owned(told)._commit(Effects(announced=[("events", opened(1))]), RECORDS)
    assert told.order == ["incident:5/103/1"]
