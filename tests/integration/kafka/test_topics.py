"""The topics of the contract on a real broker: made once, checked in words, named for good."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidTimestampError, KafkaError
from click.testing import CliRunner

from streams.cli import txpush
from streams.kafka import applied, topics
from streams.kafka.applied import TopicsError
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.identity import log_identity
from streams.kafka.topics import AUDIT, EMBEDDED, EVENTS, LOOKUP, Layout

pytestmark = pytest.mark.kafka

NAMES = [topic.name for topic in topics.contract()]
SECONDS = 30.0
FUTURE_MS = 600_000


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def remove(bootstrap: str, names: list[str]) -> None:
    """Delete topics and wait until they are gone."""
    async with admin(bootstrap) as client, asyncio.timeout(SECONDS):
        while present := set(names) & set(await client.list_topics()):
            await client.delete_topics(sorted(present))
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def bootstrap(kafka: EmbeddedKafka) -> Iterator[str]:
    """A broker that has the topics during these tests and none of them afterwards."""
    asyncio.run(remove(kafka.bootstrap, NAMES))
    asyncio.run(applied.apply(kafka.bootstrap, EMBEDDED))
    yield kafka.bootstrap
    asyncio.run(remove(kafka.bootstrap, NAMES))


@asynccontextmanager
async def without(bootstrap: str, name: str) -> AsyncIterator[None]:
    """Take a topic away, and bring it back as it should be."""
    await remove(bootstrap, [name])
    yield
    await remove(bootstrap, [name])
    await applied.apply(bootstrap, EMBEDDED)


async def test_applied_topics_are_as_they_should_be(bootstrap: str) -> None:
    """What is created is what is checked, for every topic of the contract."""
    assert await applied.check(bootstrap, EMBEDDED) == []
    await applied.require(bootstrap, EMBEDDED)


async def test_applying_again_creates_nothing(bootstrap: str) -> None:
    """Applying twice is applying once; what is missing is created alone."""
    assert await applied.apply(bootstrap, EMBEDDED) == []
    async with without(bootstrap, LOOKUP):
        assert await applied.apply(bootstrap, EMBEDDED) == [LOOKUP]


async def test_of_two_who_apply_at_once_one_creates(bootstrap: str) -> None:
    """Who comes second has created nothing, though it looked before the topic was there."""
    async with without(bootstrap, LOOKUP):
        one, other = await asyncio.gather(applied.apply(bootstrap, EMBEDDED), applied.apply(bootstrap, EMBEDDED))
        assert one + other == [LOOKUP]


async def test_a_missing_topic_is_told(bootstrap: str) -> None:
    """The message names the topic and the command that makes it."""
    async with without(bootstrap, LOOKUP):
        assert await applied.check(bootstrap, EMBEDDED) == [f"topic {LOOKUP} is missing: run `txpush topics apply`"]
        with pytest.raises(TopicsError, match=rf"the topics do not fit:\n  topic {LOOKUP} is missing"):
            await applied.require(bootstrap, EMBEDDED)


async def test_another_number_of_partitions_is_told(bootstrap: str) -> None:
    """A topic made by hand with other partitions is left alone by `apply` and refused by `check`."""
    async with without(bootstrap, LOOKUP):
        config = next(topic.config for topic in topics.contract() if topic.name == LOOKUP)
        async with admin(bootstrap) as client:
            made = NewTopic(LOOKUP, 5, 1, topic_configs={"min.insync.replicas": "1", **config})
            await client.create_topics([made])
        assert await applied.apply(bootstrap, EMBEDDED) == []
        (problem,) = await applied.check(bootstrap, EMBEDDED)
        assert problem.startswith(f"topic {LOOKUP} has 5 partitions, not 3: ")
        assert "TXPUSH_PARTITIONS=5" in problem


async def test_another_setting_is_told(bootstrap: str) -> None:
    """A topic whose retention was changed is told with the command that mends it."""
    async with without(bootstrap, LOOKUP):
        await applied.apply(bootstrap, EMBEDDED)
        async with admin(bootstrap) as client:
            changed = {"cleanup.policy": "delete", "retention.ms": "1000", "min.insync.replicas": "1"}
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, LOOKUP, configs=changed)])
        async with asyncio.timeout(30):
            # The broker takes the setting in a moment.
            while not (problems := await applied.check(bootstrap, EMBEDDED)):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        (problem,) = problems
        wanted, command = 7 * 86_400_000, f"kafka-configs --alter --topic {LOOKUP}"
        assert problem == (
            f"topic {LOOKUP} has retention.ms=1000, not {wanted}: run `{command} --add-config retention.ms={wanted}`"
        )


async def test_fewer_replicas_are_told(bootstrap: str) -> None:
    """A cluster that was made for the demo does not pass for a production one."""
    (problem,) = await applied.check(bootstrap, Layout(3, 3))
    assert problem.startswith(f"all {len(NAMES)} topics have 1 replica, not 3: set TXPUSH_REPLICATION=1 if ")
    async with without(bootstrap, LOOKUP):
        problems = await applied.check(bootstrap, Layout(3, 3))
    assert f"topic {AUDIT} has 1 replicas, not 3: reassign its partitions" in problems
    assert any(f"topic {AUDIT} has min.insync.replicas=1, not 2" in problem for problem in problems)
    assert len(problems) == 2 * len(NAMES) - 1


async def test_more_replicas_than_brokers_are_refused(bootstrap: str) -> None:
    """Topics that the broker cannot make are told by name, with its reason."""
    async with without(bootstrap, LOOKUP):
        with pytest.raises(TopicsError, match=rf"the broker refused to create topics:\n  {LOOKUP}: .*replica"):
            await applied.apply(bootstrap, Layout(3, 3))


async def test_the_future_is_refused(bootstrap: str) -> None:
    """The broker takes no record of the inbound log that is more than five minutes ahead of it."""
    now = time.time_ns() // 1_000_000
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        with pytest.raises(InvalidTimestampError):
            await producer.send_and_wait(EVENTS, b"{}", timestamp_ms=now + FUTURE_MS)
        await producer.send_and_wait(EVENTS, b"{}", timestamp_ms=now + FUTURE_MS // 10)
        await producer.send_and_wait(EVENTS, b"{}", timestamp_ms=now - 400 * 86_400_000)
    finally:
        await producer.stop()


async def test_a_log_is_named_for_good(kafka: EmbeddedKafka, bootstrap: str) -> None:
    """The name holds the cluster's id and stays; a topic deleted and made again has another."""
    first = await log_identity(bootstrap, LOOKUP)
    assert first.startswith(f"{kafka.cluster_id}/")
    assert await log_identity(bootstrap, LOOKUP) == first
    assert await log_identity(bootstrap, AUDIT) != first
    async with without(bootstrap, LOOKUP):
        await applied.apply(bootstrap, EMBEDDED)
        assert await log_identity(bootstrap, LOOKUP) != first


async def test_a_missing_log_has_no_name(bootstrap: str) -> None:
    """The message names the topic and the command that makes it."""
    async with without(bootstrap, LOOKUP):
        with pytest.raises(LookupError, match=rf"topic {LOOKUP} has no id .* run `txpush topics apply`"):
            await log_identity(bootstrap, LOOKUP)


async def test_no_broker_is_an_error_of_kafka() -> None:
    """Where nothing listens the callers are told so, at once."""
    with pytest.raises((KafkaError, OSError)):
        await applied.check("127.0.0.1:1", EMBEDDED)
    with pytest.raises((KafkaError, OSError)):
        await log_identity("127.0.0.1:1", EVENTS)


@pytest.fixture
def embedded_environment(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")
    monkeypatch.setenv("TXPUSH_REPLICATION", "1")


@pytest.mark.usefixtures("embedded_environment")
def test_the_command_creates_and_checks(bootstrap: str) -> None:
    """`txpush topics` says what it created, and what differs, with an exit code for scripts."""
    asyncio.run(remove(bootstrap, [LOOKUP]))
    missing = CliRunner().invoke(txpush, ["topics", "check"])
    assert (missing.exit_code, missing.output) == (1, f"topic {LOOKUP} is missing: run `txpush topics apply`\n")
    assert CliRunner().invoke(txpush, ["topics", "apply"]).output == f"created {LOOKUP}\n"
    assert CliRunner().invoke(txpush, ["topics", "apply"]).output == "nothing to create\n"
    good = CliRunner().invoke(txpush, ["topics", "check"])
    assert (good.exit_code, good.output) == (0, "all topics are as they should be\n")


def test_the_command_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no broker answers the command says where it looked and what to do."""
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", "127.0.0.1:1")
    done = CliRunner().invoke(txpush, ["topics", "check"])
    assert done.exit_code == 2
    assert "no broker answers at 127.0.0.1:1" in done.output
    assert "set TXPUSH_BOOTSTRAP" in done.output
