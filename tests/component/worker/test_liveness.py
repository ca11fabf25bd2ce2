"""`/healthz` and `/readyz` over a real consumer and its partitions, on a broker in memory and a clock of the test's."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from schemas.events import Source
from streams.kafka.topics import AGENT, EVENTS
from streams.observe.admin import AdminServer
from streams.settings import Settings
from streams.testing import Record
from streams.transport import consumer as membership
from streams.transport import partition
from streams.transport.consumer import FoldConsumer, PollMessage
from streams.transport.parts import FoldParts
from streams.transport.ticks import Ticks
from streams.worker import health
from streams.worker.app import attach
from streams.worker.program import FoldProgram
from tests.topology.on_broker import Consumer, Producer
from tests.topology.stage import Stage, Unmeasured, put_broker_under
from tests.waiting import until

HERE = TopicPartition(EVENTS, 0)
MINUTE = 61.0
WAITS = "no partitions assigned yet; wait, for 120 s at most\n"
START_AGAIN = "start the worker again, as `/healthz` asks for"


class Holding(Consumer):
    """A consumer whose polls can be held, as a client that waits for ever would."""

    generation = 1

    def __init__(self) -> None:
        super().__init__(group=AGENT)
        self.may_poll = asyncio.Event()
        self.may_poll.set()
        self.held = 0
        self._conns: dict[int, Any] = {}

    async def getmany(self, *places: TopicPartition, **limits: Any) -> dict[TopicPartition, list[Record]]:  # noqa: ANN401 - as given
        if not self.may_poll.is_set():
            self.held += 1
            await self.may_poll.wait()
        return await super().getmany(*places, **limits)


async def decide(message: PollMessage) -> None:
    """Be the agent, at once."""
    message.poll.decide()


@dataclass
class Worker:
    """A program whose consumer is in a group of the test's, and its admin port."""

    program: FoldProgram
    consumer: FoldConsumer
    kafka: Holding
    client: httpx.AsyncClient
    now: float = 10_000.0

    def monotonic(self) -> float:
        """Be the clock of the worker's progress."""
        return self.now

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the admin port."""
        answer = await self.client.get(path)
        return answer.status_code, answer.text

    async def until_answers(self, path: str, wanted: tuple[int, str]) -> None:
        """Ask until the answer is as wanted."""
        async with asyncio.timeout(10):
            while await self.get(path) != wanted:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)


@pytest.fixture
async def worker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    """A worker with a consumer as it ships, that has joined nothing yet."""
    put_broker_under(monkeypatch)
    stage = Stage()
    for client in (Producer, Consumer):
        monkeypatch.setattr(client, "cluster", stage.cluster, raising=False)
    program = FoldProgram(AGENT, EVENTS, Settings(partitions=1, replication=1))
    unmeasured: Any = Unmeasured()
    attach(
        program.app, FoldParts(program.fold, stage.fold(), Ticks(program.fold, Source.AGENT, lambda: None), unmeasured)
    )
    server = AdminServer("127.0.0.1", 0, CollectorRegistry(), program.unready, program.unhealthy)
    await server.start()
    kafka = Holding()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        made = Worker(program, program.app.consumer, kafka, http)
        for module in (membership, partition, health):
            monkeypatch.setattr(module, "time", made)
        made.consumer.away_since = made.now
        made.consumer._kafka = kafka
        made.consumer.callback = decide
        yield made
        kafka.may_poll.set()
        await made.consumer._close_partitions()
    await server.stop()


async def test_a_partition_that_stands_still_is_told(worker: Worker) -> None:
    """While polls come back the worker is healthy, however much time passes; one that hangs for a minute is a fault."""
    worker.consumer.open_partitions([HERE])
    worker.consumer.away_since = None
    await worker.until_answers("/readyz", (200, "ready\n"))
    worker.now += MINUTE
    await worker.until_answers("/healthz", (200, "ok\n"))
    worker.kafka.may_poll.clear()
    await until(lambda: worker.kafka.held)
    worker.now += MINUTE
    still = (503, f"partition 0 has made no progress for 61 s; {START_AGAIN}\n")
    assert (await worker.get("/healthz"), await worker.get("/readyz")) == (still, still)
    worker.kafka.may_poll.set()
    await worker.until_answers("/healthz", (200, "ok\n"))


async def test_a_rejoin_that_hangs_is_told(worker: Worker) -> None:
    """From the start of a rebalance on the worker is not ready; without an end of it, it is to be replaced."""
    await worker.consumer.revoke([])
    assert await worker.get("/readyz") == (503, WAITS)
    await worker.consumer.assign([HERE])
    await worker.until_answers("/readyz", (200, "ready\n"))
    await worker.consumer.revoke([HERE])
    assert await worker.get("/readyz") == (503, WAITS)
    assert await worker.get("/healthz") == (200, "ok\n")
    worker.now += worker.program.fold.join_seconds + 1
    assert await worker.get("/healthz") == (503, f"not in the group for 121 s; {START_AGAIN}\n")
    await worker.consumer.assign([HERE])
    await worker.until_answers("/readyz", (200, "ready\n"))
    await worker.until_answers("/healthz", (200, "ok\n"))


async def test_a_long_restore_costs_no_membership(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no partition polls the client stays in the group, as long as opening one may take."""
    asked: dict[str, Any] = {}

    class Noted(Holding):
        """A client whose settings are looked at."""

        def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as given
            super().__init__()
            asked.update(settings)

    monkeypatch.setattr(membership, "AIOKafkaConsumer", Noted)
    await worker.consumer.on_start()
    assert asked["max_poll_interval_ms"] > worker.program.fold.opening_seconds * 1000


async def test_silence_is_told_as_long_as_it_is(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However rarely anybody asks: not from when somebody asked last; and the log has a line of it, and of its end."""
    caplog.set_level(logging.INFO, "streams")
    monkeypatch.setattr(membership, "AIOKafkaConsumer", lambda **_: worker.kafka)
    monkeypatch.setattr(membership, "LISTEN_SECONDS", 0.001)
    await worker.consumer.on_start()
    await worker.consumer.assign([HERE])
    connections = worker.kafka._conns
    connections[1] = SimpleNamespace(_last_action=worker.now)
    await worker.until_answers("/readyz", (200, "ready\n"))
    worker.now += 300
    connections.update({1: SimpleNamespace(_last_action=worker.now), 2: SimpleNamespace(_last_action=worker.now - 60)})
    await until(lambda: worker.consumer._answered_at == worker.now)
    del connections[1]
    worker.now += worker.program.fold.session_seconds
    assert await worker.get("/readyz") == (200, "ready\n")
    worker.now += 1
    assert "has answered for 11 s; see that brokers run there" in (await worker.get("/readyz"))[1]
    await until(lambda: " is silent; " in caplog.text)
    connections[3] = SimpleNamespace(_last_action=worker.now)
    await until(lambda: " answers again" in caplog.text)
    assert [(one.levelname, one.name) for one in caplog.records if one.name == "streams.kafka.silence"] == [
        ("WARNING", "streams.kafka.silence"),
        ("INFO", "streams.kafka.silence"),
    ]


async def test_a_rebalance_is_no_silence(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers answer who waits for partitions only when the other members are there: the log says nothing before."""
    monkeypatch.setattr(membership, "AIOKafkaConsumer", lambda **_: worker.kafka)
    monkeypatch.setattr(membership, "LISTEN_SECONDS", 0.001)
    noted = list[bool]()
    monkeypatch.setattr(worker.consumer._silence, "note", lambda *, answers: noted.append(answers))
    worker.kafka._conns[1] = SimpleNamespace(_last_action=worker.now)
    await worker.consumer.on_start()
    for seconds, answers in (
        (worker.program.fold.session_seconds + 1, True),
        (worker.program.fold.rebalance_seconds, False),
    ):
        await until(lambda: noted[-2:] == [True, True])
        worker.now += seconds
        noted.clear()
        await until(lambda: len(noted) > 1)
        assert noted[-1] is answers


async def test_silent_brokers_are_told_while_the_worker_is_a_member(worker: Worker) -> None:
    """What answers last counts, over every connection; without any, the last that there was."""
    await worker.consumer.assign([HERE])
    connections = worker.kafka._conns
    connections.update({1: SimpleNamespace(_last_action=worker.now - 60), 2: SimpleNamespace(_last_action=worker.now)})
    await worker.until_answers("/readyz", (200, "ready\n"))
    connections.clear()
    worker.now += worker.program.fold.session_seconds + 1
    status, told = await worker.get("/readyz")
    assert (status, told.splitlines()[0].startswith("no broker of ")) == (503, True)
    assert "has answered for 11 s; see that brokers run there" in told
    assert await worker.get("/healthz") == (200, "ok\n")
