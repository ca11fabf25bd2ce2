"""What operators write, on a real broker: where it goes, how it looks there, and what is shown of it afterwards."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from click.testing import CliRunner, Result
from pydantic import SecretStr

from schemas.cloudevents import from_record
from schemas.events import CustomerForgotten, Event, Override, OverrideAction, PolicyActivated, Source
from schemas.policy import Contact, Policy
from streams.cli import txpush
from streams.fold.intake import partition_of
from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, EVENTS, SIGNALS
from streams.operate.differences import as_toml
from streams.vendor import KafkaGate
from streams.vendor.gate import Outcome, pair_of
from tests.processes import CLI, Program, running, settings_for

pytestmark = pytest.mark.kafka

SECONDS = 30.0
SIGNED = ["--by", "ann", "--reason", "asked the customer"]
MILD = Policy(version="mild", contact=Contact(reminder_days=(7,)))
NUMBERS = range(EMBEDDED.partitions)


class Stored(NamedTuple):
    """An event and where it is."""

    partition: int
    event: Event


async def remove(kafka: EmbeddedKafka, names: set[str]) -> None:
    """Delete topics and wait until they are gone."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        async with asyncio.timeout(SECONDS):
            while present := names & set(await client.list_topics()):
                await client.delete_topics(sorted(present))
                await asyncio.sleep(0.05)
    finally:
        await client.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of its own: the topics of the contract and the agents' groups have fixed names."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture
def own_kafka(broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> EmbeddedKafka:
    """The broker with empty topics, and settings that lead to it."""
    asyncio.run(remove(broker, {topic.name for topic in topics.contract()}))
    asyncio.run(applied.apply(broker.bootstrap, EMBEDDED))
    for name, value in settings_for(broker.bootstrap).items():
        monkeypatch.setenv(name, value)
    return broker


@pytest.fixture
def mild(tmp_path: Path) -> str:
    file = tmp_path / "mild.toml"
    file.write_text(as_toml(MILD))
    return str(file)


def typed(*words: str) -> Result:
    """Run a command line."""
    return CliRunner().invoke(txpush, list(words))


async def _stored(bootstrap: str, topic: str) -> list[Stored]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    found = []
    try:
        places = [TopicPartition(topic, number) for number in NUMBERS]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        async with asyncio.timeout(SECONDS):
            while left := [place for place in places if await consumer.position(place) < ends[place]]:
                for records in (await consumer.getmany(*left, timeout_ms=200)).values():
                    found += [
                        Stored(one.partition, from_record(one.headers, one.key, one.value, one.timestamp))
                        for one in records
                    ]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda one: one.partition)


def stored(kafka: EmbeddedKafka, topic: str = EVENTS) -> list[Stored]:
    """Give every event of a topic, partition by partition."""
    return asyncio.run(_stored(kafka.bootstrap, topic))


def test_what_is_about_a_customer_goes_to_the_customer(own_kafka: EmbeddedKafka) -> None:
    """An override and a forgetting are one record each, keyed and placed as the bridge would place them."""
    override = typed("override", "mark-otp", "--customer", "7000000042", "--login", "71", "--yes", *SIGNED)
    assert override.exit_code == 0, override.output
    place = partition_of("7000000042", EMBEDDED.partitions)
    assert f"written to {EVENTS}: {place} at 0\n" in override.output
    assert f"written to {EVENTS}: {place} at 1\n" in typed("forget", "7000000042", "--yes", *SIGNED).output
    marked, forgotten = stored(own_kafka)
    assert {marked.partition, forgotten.partition} == {place}
    assert marked.event.data == Override(
        action=OverrideAction.MARK_OTP,
        customer_id="7000000042",
        institution_login_id="71",
        who="ann",
        why="asked the customer",
    )
    assert forgotten.event.data == CustomerForgotten(customer_id="7000000042", who="ann", why="asked the customer")
    assert {marked.event.source, forgotten.event.source} == {Source.OPERATOR}


def test_the_stop_button_reaches_every_partition(own_kafka: EmbeddedKafka) -> None:
    """One for all is written to each partition without a key, under ids of one decision."""
    assert typed("override", "silence", "--all", "--until", "12h", "--yes", *SIGNED).exit_code == 0
    found = stored(own_kafka)
    assert [one.partition for one in found] == list(NUMBERS)
    assert {one.event.partition_key for one in found} == {None}
    assert len({one.event.id.partition(f":{EVENTS}/")[0] for one in found}) == 1
    assert len({one.event.id for one in found}) == len(NUMBERS)


def test_a_policy_is_activated_and_shown(own_kafka: EmbeddedKafka, mild: str) -> None:
    """Nothing is in force at first; what is activated is in every partition of both logs and is shown as a file."""
    first = typed("policy", "show")
    assert (first.exit_code, "no policy is in force yet" in first.output) == (1, True)
    done = typed("policy", "activate", mild, "--yes", *SIGNED)
    assert done.exit_code == 0, done.output
    for topic in (EVENTS, SIGNALS):
        found = stored(own_kafka, topic)
        assert [one.partition for one in found] == list(NUMBERS)
        for one in found:
            assert isinstance(one.event.data, PolicyActivated)
            assert one.event.data.policy_sha256 == MILD.sha256
    shown = typed("policy", "show")
    assert shown.exit_code == 0, shown.output
    assert Policy.from_toml(shown.output) == MILD
    assert f"# in force on {EVENTS} 0-2, {SIGNALS} 0-2\n" in shown.output
    assert f"# on {EVENTS} 0 from offset 0, which waits to be read\n" in shown.output
    assert "is in force everywhere already" in typed("policy", "activate", mild, "--yes", *SIGNED).output


def test_what_an_agent_has_taken_is_shown(own_kafka: EmbeddedKafka, mild: str, tmp_path: Path) -> None:
    """Once the agent has read it, the policy is told from the agent's own books, and waits no more."""
    assert typed("policy", "activate", mild, "--yes", *SIGNED).exit_code == 0
    agent = Program((*CLI, "agent"), settings_for(own_kafka.bootstrap, INSTANCE="operate"), tmp_path / "agent.log")
    with running(agent):
        shown = agent.until(
            lambda: typed("policy", "show"), lambda done: f"# on {EVENTS} " not in done.output, seconds=SECONDS
        )
    assert Policy.from_toml(shown.output) == MILD
    assert f"# on {SIGNALS} 0 from offset 0, which waits to be read\n" in shown.output


def test_another_number_of_partitions_is_refused(own_kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision for all that would miss partitions is not written; the words name the setting."""
    monkeypatch.setenv("TXPUSH_PARTITIONS", "2")
    for words in (["override", "silence", "--all", "--yes", *SIGNED], ["policy", "show"]):
        done = typed(*words)
        assert done.exit_code == 2
        assert "3 partitions, not 2: set TXPUSH_PARTITIONS=3" in done.output
    assert stored(own_kafka) == []


def test_a_missing_topic_is_told(own_kafka: EmbeddedKafka, mild: str) -> None:
    """Where the contract's topics are not, the command says how they are made."""
    asyncio.run(remove(own_kafka, {SIGNALS}))
    done = typed("policy", "activate", mild, "--yes", *SIGNED)
    assert done.exit_code == 2
    assert f"topic {SIGNALS} is missing: run `txpush topics apply`; nothing was written" in done.output
    assert stored(own_kafka) == []


def test_credentials_are_let_through_again(own_kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """What processes found out about the vendor's credentials is shown from the topic, and reset there."""
    for name, value in (("APP_KEY", "key"), ("PARTNER_ID", "partner"), ("PARTNER_SECRETS", "secret")):
        monkeypatch.setenv(f"TXPUSH_{name}", value)
    pair = pair_of("https://api.finicity.com", SecretStr("key"), "partner", SecretStr("secret"))

    async def refused() -> None:
        async with KafkaGate(own_kafka.bootstrap, "executor-0") as gate:
            await gate.settle(await gate.claim(pair), Outcome.REFUSED, 10001)

    asyncio.run(refused())
    assert typed("vendor", "show").exit_code == 1
    assert typed("vendor", "reset", *SIGNED).exit_code == 0
    shown = typed("vendor", "show")
    assert (shown.exit_code, "may be tried; reset 2" in shown.output) == (0, True)


def test_no_broker_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens each command ends with 2 and says where it looked."""
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", "127.0.0.1:1")
    for words in (
        ["override", "silence", "--all", "--yes", *SIGNED],
        ["policy", "show"],
        ["forget", "7", "--yes", *SIGNED],
    ):
        done = typed(*words)
        assert (done.exit_code, "no broker answers at 127.0.0.1:1" in done.output) == (2, True)
