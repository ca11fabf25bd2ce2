"""A view of whole topics: from the beginning, committed records only, and again after an outage."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.times import from_epoch_ms
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.view import RecordRefusedError, TopicView, ViewRecord
from tests.integration.asleep import asleep
from tests.integration.unreadable import delete_to, write_unreadable

pytestmark = pytest.mark.kafka

SECONDS = 30.0


async def topic_on(kafka: EmbeddedKafka) -> str:
    """Create a topic of two partitions."""
    name = f"view-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
    finally:
        await admin.close()
    return name


@asynccontextmanager
async def producer_on(kafka: EmbeddedKafka, transactional_id: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer, started."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=transactional_id)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def view_of(kafka: EmbeddedKafka, topic: str) -> AsyncIterator[tuple[TopicView, list[ViewRecord]]]:
    """Give a started view and the list of what it hears."""
    heard: list[ViewRecord] = []
    view = TopicView(kafka.bootstrap, [topic], heard.append)
    await view.start()
    try:
        yield view, heard
    finally:
        await view.stop()


async def test_all_partitions_are_read_from_the_beginning(kafka: EmbeddedKafka) -> None:
    """What stood on the topic before, tombstones included, is heard before `caught_up` returns."""
    topic = await topic_on(kafka)
    async with producer_on(kafka) as producer:
        for partition in (0, 1):
            await producer.send_and_wait(topic, b"value", key=b"key", partition=partition)
        await producer.send_and_wait(topic, None, key=b"key", partition=1)
    async with view_of(kafka, topic) as (view, heard):
        assert view.lag_seconds() == float("inf")
        await view.caught_up(SECONDS)
        found = sorted((record.partition, record.offset, record.key, record.value) for record in heard)
        assert found == [(0, 0, b"key", b"value"), (1, 0, b"key", b"value"), (1, 1, b"key", None)]
        assert (view.problems(), view.lag_seconds() < SECONDS) == ([], True)


async def test_settled_means_what_was_committed_when_asked(kafka: EmbeddedKafka) -> None:
    """A record acknowledged before the question is heard before the answer, every time."""
    topic = await topic_on(kafka)
    async with view_of(kafka, topic) as (view, heard), producer_on(kafka) as producer:
        for number in range(20):
            await producer.send_and_wait(topic, str(number).encode(), partition=number % 2)
            await view.settled(SECONDS)
            assert heard[-1].value == str(number).encode()


async def test_aborted_records_are_not_heard(kafka: EmbeddedKafka) -> None:
    """A view behind an aborted transaction is at the end all the same."""
    topic = await topic_on(kafka)
    async with producer_on(kafka, f"tx-{topic}") as producer:
        async with producer.transaction():
            await producer.send(topic, b"committed", partition=0)
        await producer.begin_transaction()
        await producer.send(topic, b"aborted", partition=0)
        await producer.flush()
        await producer.abort_transaction()
    async with view_of(kafka, topic) as (view, heard):
        await view.settled(SECONDS)
        assert [record.value for record in heard] == [b"committed"]


async def test_a_broker_that_is_silent_for_a_while_costs_nothing_but_time(kafka: EmbeddedKafka) -> None:
    """Nobody is told that all is read while the broker does not answer; afterwards each record is heard once."""
    topic = await topic_on(kafka)
    async with view_of(kafka, topic) as (view, heard), producer_on(kafka) as producer:
        await producer.send_and_wait(topic, b"before", partition=0)
        await view.settled(SECONDS)
        with asleep(kafka), pytest.raises(TimeoutError, match=topic):
            await view.settled(1.0)
        await producer.send_and_wait(topic, b"after", partition=0)
        await view.settled(SECONDS)
        assert [record.value for record in heard] == [b"before", b"after"]


async def test_a_topic_that_is_missing_is_named(kafka: EmbeddedKafka) -> None:
    """A view of a topic that is not there says so, and what to run."""
    async with view_of(kafka, "no-such-topic") as (view, _):
        with pytest.raises(TimeoutError, match="no-such-topic missing: run `txpush topics apply`"):
            await view.caught_up(5.0)


async def test_a_batch_that_cannot_be_read_is_named_until_it_is_gone(kafka: EmbeddedKafka) -> None:
    """Nobody is told that all is read; once it is deleted the view goes on by itself."""
    topic = await topic_on(kafka)
    async with view_of(kafka, topic) as (view, heard), producer_on(kafka) as producer:
        await producer.send_and_wait(topic, b"before", partition=1)
        await view.settled(SECONDS)
        bad = await write_unreadable(kafka.bootstrap, topic, 1)
        await producer.send_and_wait(topic, b"after", partition=1)
        with pytest.raises(TimeoutError, match=f"a batch of {topic}/1 from offset {bad} cannot be read"):
            await view.settled(3.0)
        await asyncio.to_thread(delete_to, kafka.bootstrap, topic, 1, bad)
        await view.settled(SECONDS)
        assert [record.value for record in heard] == [b"before", b"after"]


async def test_a_view_since_a_time_begins_there(kafka: EmbeddedKafka) -> None:
    """Older records are not heard, unless they lie behind a later one; a quiet partition is followed from its end."""
    topic = await topic_on(kafka)
    heard: list[ViewRecord] = []
    view = TopicView(kafka.bootstrap, [topic], heard.append, since=lambda: from_epoch_ms(2000))
    async with producer_on(kafka) as producer, producer_on(kafka, f"tx-{topic}") as committing:
        for partition, at_ms in ((0, 1000), (0, 2500), (0, 1500), (1, 1000)):
            await producer.send_and_wait(topic, b"%d" % at_ms, partition=partition, timestamp_ms=at_ms)
        async with committing.transaction():
            await committing.send_and_wait(topic, b"open", partition=1, timestamp_ms=3000)
            await view.start()
            await view.settled(SECONDS)
            assert [record.value for record in heard] == [b"2500", b"1500"]
        await view.settled(SECONDS)
        assert [record.value for record in heard] == [b"2500", b"1500", b"open"]
    await view.stop()


async def test_a_record_that_is_refused_ends_the_view(kafka: EmbeddedKafka) -> None:
    """What refuses it is said by `problems`; nobody is told that all is read."""
    topic = await topic_on(kafka)

    def refuse(_: ViewRecord) -> None:
        raise RecordRefusedError("odd record")

    view = TopicView(kafka.bootstrap, [topic], refuse)
    async with producer_on(kafka) as producer:
        await producer.send_and_wait(topic, b"value", partition=0)
    await view.start()
    with pytest.raises(TimeoutError, match="odd record"):
        await view.caught_up(5.0)
    await view.stop()


async def test_without_a_broker_it_says_so() -> None:
    """It starts, tries on, and names the address."""
    view = TopicView("127.0.0.1:1", ["anything"], lambda _: None)
    await view.start()
    with pytest.raises(TimeoutError, match=r"127\.0\.0\.1:1"):
        await view.caught_up(1.0)
    await view.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_it_ends_at_once_while_records_come(kafka: EmbeddedKafka) -> None:
    """A view that is stopped the moment it hears something ends then, and leaves no task behind."""
    topic = await topic_on(kafka)
    before = asyncio.all_tasks()
    async with producer_on(kafka) as producer:
        for _ in range(10):
            heard = asyncio.Event()
            view = TopicView(kafka.bootstrap, [topic], lambda _record, heard=heard: heard.set())  # type: ignore[misc]
            await view.start()
            await producer.send_and_wait(topic, b"x", partition=0)
            async with asyncio.timeout(SECONDS):
                await heard.wait()
            async with asyncio.timeout(5):
                await view.stop()
            assert not [task for task in asyncio.all_tasks() - before if task.get_name() == "topic-view"]
