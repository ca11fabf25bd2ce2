"""A producer that is given up with a batch under way, as in an outage: what aiokafka does with that batch later."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, ProducerClosed

from streams.kafka import producer as producers
from streams.kafka.producer import LogProducer, ProducerSettings
from tests.waiting import until

PLACE = TopicPartition("log", 0)


class Silent:
    """In place of a broker: it takes a request, and hangs up when it is told to; then nobody leads the partition."""

    def __init__(self) -> None:
        self.taken = 0
        self.gone = asyncio.Event()

    async def send(self, _node: int, _request: object) -> None:
        """Take a request, answer nothing."""
        self.taken += 1
        await self.gone.wait()
        raise KafkaConnectionError

    def leader_of(self, _place: TopicPartition) -> int:
        """Give the number of the leader, -1 where there is none."""
        return -1 if self.gone.is_set() else 1

    def asked_for_leaders(self) -> "asyncio.Future[bool]":
        """Look for leaders without an end."""
        return asyncio.get_running_loop().create_future()


@pytest.fixture
async def faults() -> list[dict[str, Any]]:
    """What the event loop tells of: errors that nobody has caught."""
    told = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, one: told.append(one))
    return told


@pytest.fixture
async def silent() -> Silent:
    return Silent()


@pytest.fixture
async def producer(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - aiokafka is untyped
    """A producer of ours that has its id and knows who leads the partition."""
    monkeypatch.setattr(producers, "RETRY_BACKOFF_MS", 1)
    made = LogProducer(ProducerSettings("127.0.0.1:1", ()))._new_producer()
    made._txn_manager.set_pid_and_epoch(7, 0)
    monkeypatch.setattr(made.client.cluster, "leader_for_partition", silent.leader_of)
    monkeypatch.setattr(made.client, "send", silent.send)
    monkeypatch.setattr(made.client, "force_metadata_update", silent.asked_for_leaders)
    await made._sender.start()
    return made


async def test_a_batch_under_way_is_let_go(producer: Any, silent: Silent, faults: list[dict[str, Any]]) -> None:  # noqa: ANN401 - untyped
    """Its try fails after it was given up: nobody has a fault to tell of, and the sender ends as it should."""
    delivered = await producer._message_accumulator.add_message(PLACE, None, b"x", 1)
    await until(lambda: silent.taken == 1)
    discarding = asyncio.create_task(producers._discard(producer))
    await until(lambda: bool(delivered.done()))
    silent.gone.set()
    await discarding
    _ended_well(producer, delivered, faults)


async def test_a_batch_that_waits_for_its_next_try_is_let_go(
    producer: Any,  # noqa: ANN401 - untyped
    silent: Silent,
    faults: list[dict[str, Any]],
) -> None:
    """The same for one whose first try has failed by then."""
    accumulator = producer._message_accumulator
    delivered = await accumulator.add_message(PLACE, None, b"x", 1)
    await until(lambda: silent.taken == 1)
    silent.gone.set()
    await until(lambda: PLACE in accumulator._batches)
    await producers._discard(producer)
    _ended_well(producer, delivered, faults)


def _ended_well(producer: Any, delivered: "asyncio.Future[object]", faults: list[dict[str, Any]]) -> None:  # noqa: ANN401
    assert isinstance(delivered.exception(), ProducerClosed)
    sender = producer._sender.sender_task
    assert (sender.done(), sender.exception(), faults) == (True, None, [])
