"""The gate before the vendor's credentials on a real broker: its contract, and whole clients that share it."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.embedded import EmbeddedKafka
from streams.vendor import KafkaGate, RefusedError, TryAgainError
from streams.vendor.gate import Outcome, claims
from tests.component.vendor.double import Reply, client_of, serving
from tests.component.vendor.gates import CONTRACT, PAIR, Later, NewGate, opened, tried

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

Scenario = Callable[[NewGate, Later, pytest.MonkeyPatch], Coroutine[Any, Any, None]]
PROCESSES = ("executor-0", "executor-1", "executor-2", "sweep")


async def topic_on(kafka: EmbeddedKafka) -> str:
    """Create a topic as `vendor.auth` is."""
    name = f"auth-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 3, 1, topic_configs={"cleanup.policy": "compact"})])
    finally:
        await admin.close()
    return name


@pytest.fixture
async def new(kafka: EmbeddedKafka) -> NewGate:
    """Makes gates on a topic of their own."""
    topic = await topic_on(kafka)
    return lambda name: KafkaGate(kafka.bootstrap, name, topic)


@pytest.mark.parametrize("scenario", CONTRACT, ids=lambda one: one.__name__)
async def test_contract(scenario: Scenario, new: NewGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate over Kafka holds what every gate holds."""
    await scenario(new, Later(monkeypatch), monkeypatch)


async def test_a_wrong_secret_is_tried_once_in_all(new: NewGate) -> None:
    """Three executors and a sweep with a wrong secret, all at the same moment and 20 times again: one attempt."""
    async with serving() as upstream:
        upstream.default_token = Reply(401, {"code": "10001", "message": "Invalid credentials"})

        async def life(name: str) -> None:
            async with client_of(upstream, new(name)) as client:
                with pytest.raises(RefusedError):
                    await client.vendor.authenticate()
                assert client.vendor.problems()[0].startswith("the vendor refused the credentials, ")

        for _ in range(20):
            await asyncio.gather(*map(life, PROCESSES))
        assert upstream.attempts == 1


async def test_a_silent_vendor_is_asked_twice_in_all(new: NewGate) -> None:
    """Where no answer comes every attempt may be a refusal: two in all, and at most one each."""
    async with serving() as upstream:
        upstream.default_token = Reply(hang=True)

        async def life(name: str) -> None:
            async with client_of(upstream, new(name), answer_seconds=0.2) as client:
                with pytest.raises((RefusedError, TryAgainError)):
                    await client.vendor.authenticate()

        for _ in range(3):
            await asyncio.gather(*map(life, PROCESSES))
        assert upstream.attempts == 2


async def test_good_credentials_serve_all(new: NewGate) -> None:
    """Processes that start together get their tokens one after the other."""
    async with serving() as upstream:

        async def life(name: str) -> None:
            async with client_of(upstream, new(name)) as client:
                await client.vendor.authenticate()

        await asyncio.gather(*map(life, PROCESSES))
        assert upstream.attempts == 4


async def test_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka nothing is tried, and the process says why it is not ready."""
    monkeypatch.setattr(claims, "STEP_SECONDS", 1.0)
    async with serving() as upstream, client_of(upstream, KafkaGate("127.0.0.1:1", "executor-0")) as client:
        with pytest.raises(TryAgainError, match="nothing is tried without it"):
            await client.vendor.authenticate()
        (problem,) = client.vendor.problems()
        assert problem.startswith("vendor.auth cannot be read from 127.0.0.1:1")
        assert upstream.attempts == 0


async def test_a_missing_topic(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster without the topic is told as such."""
    monkeypatch.setattr(claims, "STEP_SECONDS", 2.0)
    async with opened(lambda name: KafkaGate(kafka.bootstrap, name, "auth-missing"), "a") as (gate,):
        with pytest.raises(TryAgainError):
            await gate.claim(PAIR)
        (problem,) = gate.problems()
        assert "run `txpush topics apply`" in problem


async def test_a_gate_that_was_not_entered(kafka: EmbeddedKafka) -> None:
    """Nothing is decided before the log is read."""
    gate = KafkaGate(kafka.bootstrap, "a")
    (problem,) = gate.problems()
    assert problem.startswith("vendor.auth is not read yet; wait")
    with pytest.raises(TryAgainError):
        await gate.claim(PAIR)


async def test_records_of_a_pair_keep_together(new: NewGate) -> None:
    """A gate that starts later reads what others left, whichever partition it is in."""
    for number in range(6):
        pair = f"{number:032x}"
        async with opened(new, "a") as (gate,):
            await tried(gate, Outcome.REFUSED, pair)
    async with opened(new, "b") as (gate,):
        await gate.caught_up()
        assert [gate.closed(f"{number:032x}") is None for number in range(7)] == [False] * 6 + [True]
