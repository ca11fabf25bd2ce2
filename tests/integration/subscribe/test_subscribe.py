"""The kit for readers on a real broker: transactions, the group, outages."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import streams.subscribe
from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS, Command
from streams.kafka.embedded import EmbeddedKafka
from streams.subscribe import (
    Action,
    CommandLostError,
    Delivery,
    FileStore,
    InstanceTakenError,
    MemoryStore,
    Options,
    StoreRefusedError,
    Subscription,
    TopicMissingError,
    UnreadableCommandError,
    commands,
)
from streams.subscribe.testing import CommandStory, SettableClock
from tests.integration.unreadable import write_unreadable
from tests.waiting import until

pytestmark = pytest.mark.kafka

PARTITIONS = 2
SECONDS = 30.0
QUICK = {"heartbeat_interval_ms": 200, "session_timeout_ms": 6000}
MADE = (Kind.CONNECT_FIX, Kind.RELINK, Kind.REMOVE_DUPLICATE, Kind.CONSENT_RENEWAL)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of this module's own, with a topic for each test; that of escalations is missing."""
    with EmbeddedKafka() as cluster:
        asyncio.run(_make_topics(cluster.bootstrap))
        yield cluster


async def _make_topics(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(COMMAND_TOPICS[kind], PARTITIONS, 1) for kind in MADE])
    finally:
        await admin.close()


@asynccontextmanager
async def agent(broker: EmbeddedKafka, transactional_id: str) -> AsyncIterator[AIOKafkaProducer]:
    """Run a producer that writes as the agent does: in transactions."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=transactional_id, linger_ms=0)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, *messages: Command) -> None:
    """Send messages in the open transaction."""
    for message in messages:
        value = message.model_dump_json().encode()
        await producer.send_and_wait(COMMAND_TOPICS[message.kind], value, key=message.customer_id.encode())


async def put(broker: EmbeddedKafka, *messages: Command) -> None:
    """Commit messages."""
    async with agent(broker, "test-agent") as producer, producer.transaction():
        await write(producer, *messages)


def options(broker: EmbeddedKafka, group: str, **more: Any) -> Options:  # noqa: ANN401 - fields of Options
    """Give options that make a test quick."""
    given: dict[str, Any] = {"poll_seconds": 0.1, "step_seconds": 5.0, "kafka": QUICK} | more
    return Options(group=group, bootstrap=broker.bootstrap, **given)


async def first(subscription: Subscription[Command]) -> Delivery[Command]:
    """Give the next command, in time."""
    return await asyncio.wait_for(anext(subscription), SECONDS)


async def committed(broker: EmbeddedKafka, group: str, kind: Kind) -> int:
    """Add up the offsets that the group has committed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(COMMAND_TOPICS[kind], number) for number in range(PARTITIONS)]
        return sum([await consumer.committed(place) or 0 for place in places])
    finally:
        await consumer.stop()


async def test_only_committed_commands_that_are_open(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """What a transaction took back is never seen; what ended before the start is not handed out; acks are kept."""
    clock, store = SettableClock(), tmp_path / "store"
    undone, ended, changed = (CommandStory(str(number)) for number in range(3))
    async with agent(broker, "first") as producer:
        async with producer.transaction():
            await write(producer, ended.issue(), changed.issue())
        await producer.begin_transaction()
        await write(producer, undone.issue())
        await producer.abort_transaction()
        async with producer.transaction():
            await write(producer, ended.withdraw(), changed.update(103))
    given = options(broker, "committed", instance="committed-0")
    with FileStore(store) as kept:
        async with commands(kept, given, [Kind.CONNECT_FIX], clock=clock) as subscription:
            async with await first(subscription) as delivery:
                assert (delivery.command.customer_id, delivery.action) == ("2", Action.ISSUE)
                assert delivery.command.reason.code == 103
                assert await committed(broker, "committed", Kind.CONNECT_FIX) < 3
            assert await committed(broker, "committed", Kind.CONNECT_FIX) >= 4
    await put(broker, changed.complete())
    with FileStore(store) as kept:
        again = commands(kept, given, [Kind.CONNECT_FIX], clock=clock)
        async with again as subscription, await first(subscription) as delivery:
            assert (delivery.id, delivery.repeated) == (f"{changed.command_id}:2", False)
    async with commands(MemoryStore(), given, [Kind.CONNECT_FIX], clock=clock) as subscription:
        with pytest.raises(StoreRefusedError, match="this store to nowhere"):
            await first(subscription)


@pytest.mark.slow
async def test_a_broker_that_goes_away(broker: EmbeddedKafka) -> None:
    """Without a broker a command in hand is still acknowledged, and a start waits; both go on when it is back."""
    clock, store = SettableClock(), MemoryStore()
    one, two = (CommandStory(str(number), Kind.RELINK, 949) for number in range(2))
    await put(broker, one.issue())
    given, other = options(broker, "outage", step_seconds=1.0), options(broker, "early", step_seconds=1.0)
    early = commands(MemoryStore(), other, [Kind.RELINK], clock=clock)
    async with commands(store, given, [Kind.RELINK], clock=clock) as subscription:
        async with await first(subscription):
            await asyncio.to_thread(broker.stop, 1)
        assert store.read([f"acknowledged/{one.command_id}"]) == {f"acknowledged/{one.command_id}": 0}
        next_one, start = asyncio.create_task(anext(subscription)), asyncio.create_task(early.__aenter__())
        assert await asyncio.wait({next_one, start}, timeout=1.0) == (set(), {next_one, start})
        await asyncio.to_thread(broker.start, 1)
        await put(broker, one.complete(), two.issue())
        delivery, _ = await asyncio.wait_for(asyncio.gather(next_one, start), SECONDS)
        await delivery.done()
        second = await first(subscription)
        assert sorted((one.command.customer_id, one.action) for one in (delivery, second)) == [
            ("0", Action.COMPLETE),
            ("1", Action.ISSUE),
        ]
        assert (await first(early)).command.customer_id == "1"
        await early.__aexit__(None, None, None)


async def test_a_second_reader_takes_over(broker: EmbeddedKafka) -> None:
    """A command in hand for too long goes to the reader that has joined, marked; its late acknowledgement fails."""
    clock, store = SettableClock(), MemoryStore()
    stories = [CommandStory(str(number), Kind.REMOVE_DUPLICATE, 169) for number in range(8)]
    await put(broker, *(story.issue() for story in stories))
    given = options(broker, "rebalance", revoke_seconds=0.3)
    done: list[tuple[str, bool]] = []

    async def work(subscription: Subscription[Command]) -> None:
        async for delivery in subscription:
            async with delivery:
                done.append((delivery.command.customer_id, delivery.repeated))

    async with commands(store, given, [Kind.REMOVE_DUPLICATE], clock=clock) as one:
        late = await first(one)
        async with commands(store, given, [Kind.REMOVE_DUPLICATE], clock=clock) as two:
            working = [asyncio.create_task(work(two))]
            await until(lambda: late._state.name == "LOST")
            with pytest.raises(CommandLostError, match="another reader"):
                await late.done()
            working.append(asyncio.create_task(work(one)))
            await until(lambda: len(done) == len(stories))
            one.stop()
            two.stop()
            await asyncio.wait_for(asyncio.gather(*working), SECONDS)
    assert sorted(customer for customer, _ in done) == [story.issue().customer_id for story in stories]
    assert [customer for customer, repeated in done if repeated] == [late.command.customer_id]


@pytest.mark.parametrize("does_commit", [False, True])
async def test_a_namesake_ends_the_older_one(broker: EmbeddedKafka, *, does_commit: bool) -> None:
    """Told by a heartbeat, or by offsets that are refused: it ends in words, and the partitions stay the other's."""
    clock, store, kind = SettableClock(), MemoryStore(), Kind.CONNECT_FIX
    heartbeat_ms = 60_000 if does_commit else 200
    quick = {"heartbeat_interval_ms": heartbeat_ms, "session_timeout_ms": max(6000, 3 * heartbeat_ms)}
    given = options(broker, f"namesakes-{does_commit}", instance="mailer-0", kafka=quick)
    await put(broker, *(CommandStory(str(number)).issue() for number in range(3)))
    async with commands(store, given, [kind], clock=clock) as older:
        in_hand = await first(older)
        async with commands(store, given, [kind], clock=clock) as younger:
            await (await first(younger)).done()
            if does_commit:
                with contextlib.suppress(CommandLostError, InstanceTakenError):
                    await in_hand.done()
            else:
                in_hand.hand_back()
            with pytest.raises(InstanceTakenError, match="under the same instance 'mailer-0': give each its own"):
                await handled(older)
            await put(broker, CommandStory("last").issue())
            await handled(younger, "last")


async def handled(subscription: Subscription[Command], customer: str = "") -> None:
    """Acknowledge whatever comes, up to the command of a customer."""
    async with asyncio.timeout(SECONDS):
        async for delivery in subscription:
            await delivery.done()
            if delivery.command.customer_id == customer:
                return


async def test_a_missing_topic_is_said(broker: EmbeddedKafka) -> None:
    """A topic that is not there ends the start in words instead of waiting for ever."""
    given = options(broker, "missing")
    with pytest.raises(TopicMissingError, match=r"remediation\.otp-escalation: not on"):
        async with commands(MemoryStore(), given, [Kind.OTP_ESCALATION]):
            pass


async def test_the_program_in_the_readme(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """The README's example runs as it stands."""
    readme = Path(streams.subscribe.__file__).parent / "README.md"
    code = readme.read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the README's own code
    story, sent = CommandStory("readme"), asyncio.Event()
    await put(broker, story.issue().model_copy(update={"not_after": None}))

    async def send(customer: str, _steps: object, key: str) -> None:
        assert (customer, key) == ("readme", f"{story.command_id}:0")
        sent.set()

    mailing = asyncio.create_task(names["mail"](broker.bootstrap, tmp_path, send))
    await asyncio.wait_for(sent.wait(), SECONDS)
    mailing.cancel()
    await asyncio.wait({mailing}, timeout=SECONDS)


def test_a_service_needs_no_faust() -> None:
    """Importing the kit loads neither Faust nor the bridge, and reads no setting."""
    code = (
        "import sys, os, streams.subscribe, streams.subscribe.testing;"
        "print(sorted({'faust', 'mode', 'granian', 'pydantic_settings', 'streams.settings'} & set(sys.modules)))"
    )
    environment = {"TXPUSH_NO_SUCH_SETTING": "1", "PATH": ""}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert shown.stdout == "[]\n"


async def test_a_batch_that_cannot_be_read_is_named(broker: EmbeddedKafka) -> None:
    """The service ends in words; the last test, as the batch stays where it is."""
    topic = COMMAND_TOPICS[Kind.CONSENT_RENEWAL]
    bad = await write_unreadable(broker.bootstrap, topic, 1)
    given = options(broker, "unreadable")
    async with commands(MemoryStore(), given, [Kind.CONSENT_RENEWAL]) as subscription:
        with pytest.raises(UnreadableCommandError, match=f"a batch of {topic}/1 from offset {bad} cannot be read"):
            await first(subscription)
