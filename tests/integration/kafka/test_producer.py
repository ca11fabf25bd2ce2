"""Durable records: acknowledged or an error, and a producer that comes back by itself."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.log import LogFull, LogRecord, LogUnavailable
from streams.kafka.producer import REFUSALS, REFUSED_SECONDS, LogProducer, ProducerSettings
from tests.integration.asleep import asleep
from tests.waiting import until

pytestmark = pytest.mark.kafka

HOUR_MS = 3_600_000


async def topic_on(kafka: EmbeddedKafka) -> str:
    """Create a topic of one partition that refuses the future, as the inbound log does."""
    name = f"log-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        configs = {"message.timestamp.after.max.ms": "300000"}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    finally:
        await admin.close()
    return name


async def values(kafka: EmbeddedKafka, topic: str) -> list[bytes]:
    """Give the values in the topic, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        found: list[bytes] = []
        async with asyncio.timeout(20):
            while len(found) < end:
                found += [record.value for record in (await consumer.getmany(timeout_ms=500)).get(place, [])]
        return found
    finally:
        await consumer.stop()


@asynccontextmanager
async def producer_on(
    kafka: EmbeddedKafka, topic: str, rebuilds: list[int], **changed: float
) -> AsyncIterator[LogProducer]:
    """Run a producer that is connected; every rebuild is noted."""
    settings = ProducerSettings(kafka.bootstrap, (topic,), **changed)  # type: ignore[arg-type]
    producer = LogProducer(settings, lambda: rebuilds.append(1))
    await producer.start()
    try:
        await until(lambda: not producer.problems())
        yield producer
    finally:
        await producer.stop(1)


async def test_what_is_refused_for_good_is_said(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not ready for a minute after the last of several refusals in a row, and why; an acknowledgement ends it."""
    topic, rebuilds = await topic_on(kafka), list[int]()
    async with producer_on(kafka, topic, rebuilds) as producer:
        future, present = (LogRecord(topic, b"7", b"x", (), at) for at in (int(time.time() * 1000) + HOUR_MS, None))
        for number in range(REFUSALS):
            await until(lambda done=number: len(rebuilds) == done and not producer.problems())  # type: ignore[misc]
            with pytest.raises(LogUnavailable, match="InvalidTimestampError"):
                await producer.send_all([future], 10)
        await until(lambda: len(rebuilds) == REFUSALS and "refuses what is written" in "".join(producer.problems()))
        (problem,) = producer.problems()
        assert "InvalidTimestampError" in problem
        assert "is this machine's clock ahead of the brokers'?" in problem
        monkeypatch.setattr(producer, "_refused_at", -REFUSED_SECONDS)
        assert producer.problems() == []
        await producer.send_all([present], 10)
        assert producer._refusals == 0


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker that may be paused without disturbing other tests."""
    with EmbeddedKafka() as cluster:
        yield cluster


def record(topic: str, value: bytes = b"v", timestamp_ms: int | None = None) -> LogRecord:
    """Give a record for the topic."""
    return LogRecord(topic, b"k", value, (), timestamp_ms)


async def test_records_keep_their_order(kafka: EmbeddedKafka) -> None:
    """All records of a call are in the log, in order, once it returns."""
    topic = await topic_on(kafka)
    async with producer_on(kafka, topic, []) as producer:
        await producer.send_all([record(topic, b"%d" % number) for number in range(500)], 10)
        assert await values(kafka, topic) == [b"%d" % number for number in range(500)]
        assert producer.in_flight == 0


async def test_a_refused_record_does_not_block_the_next(kafka: EmbeddedKafka) -> None:
    """A time in the future is refused; the producer is made anew at once, in sequence again."""
    topic, rebuilds = await topic_on(kafka), list[int]()
    async with producer_on(kafka, topic, rebuilds) as producer:
        future = time.time_ns() // 1_000_000 + HOUR_MS
        with pytest.raises(LogUnavailable, match="InvalidTimestamp"):
            await producer.send_all([record(topic, timestamp_ms=future)], 5)
        await until(lambda: bool(rebuilds) and not producer.problems(), 10)
        await producer.send_all([record(topic, b"after")], 5)
        assert await values(kafka, topic) == [b"after"]
        assert len(rebuilds) == 1


async def test_a_missing_topic_is_said(kafka: EmbeddedKafka) -> None:
    """Without its topic the producer is not available, and says which one it wants to see."""
    producer = LogProducer(ProducerSettings(kafka.bootstrap, ("no-such-topic",), request_seconds=0.2))
    await producer.start()
    try:
        await until(lambda: "UnknownTopicOrPartition" in str(producer.problems()))
        with pytest.raises(LogUnavailable, match="not available"):
            await producer.send_all([record("no-such-topic")], 1)
    finally:
        await producer.stop(1)


async def test_too_many_calls_fail_at_once(own_kafka: EmbeddedKafka) -> None:
    """Calls beyond the limit do not wait; those that wait get in when the broker wakes up."""
    topic = await topic_on(own_kafka)
    async with producer_on(own_kafka, topic, [], max_in_flight=2) as producer:
        with asleep(own_kafka):
            waiting = [asyncio.create_task(producer.send_all([record(topic)], 20)) for _ in range(2)]
            await until(lambda: producer.in_flight == 2)
            with pytest.raises(LogFull, match="2 calls"):
                await producer.send_all([record(topic)], 20)
        await asyncio.gather(*waiting)
        assert producer.in_flight == 0


async def test_a_late_acknowledgement_still_counts(own_kafka: EmbeddedKafka) -> None:
    """A caller gives up, the record gets in later, and the producer is well again without a new call."""
    topic, rebuilds = await topic_on(own_kafka), list[int]()
    async with producer_on(own_kafka, topic, rebuilds, stall_seconds=0.2) as producer:
        with asleep(own_kafka):
            with pytest.raises(LogUnavailable, match=r"within 0\.3 s"):
                await producer.send_all([record(topic, b"late")], 0.3)
            assert "acknowledged nothing" in producer.problems()[0]
        await until(lambda: not producer.problems())
        assert await values(own_kafka, topic) == [b"late"]
        assert rebuilds == []


async def test_long_silence_has_the_producer_made_anew(own_kafka: EmbeddedKafka) -> None:
    """When records wait and nothing comes for too long, a new producer takes over and works."""
    topic, rebuilds = await topic_on(own_kafka), list[int]()
    async with producer_on(own_kafka, topic, rebuilds, rebuild_after_seconds=0.5, stall_seconds=0.2) as producer:
        with asleep(own_kafka):
            with pytest.raises(LogUnavailable):
                await producer.send_all([record(topic)], 0.3)
            await until(lambda: bool(rebuilds), 15)
        await until(lambda: not producer.problems())
        await producer.send_all([record(topic, b"after")], 10)
        assert (await values(own_kafka, topic))[-1] == b"after"


async def test_stopping_is_bounded(own_kafka: EmbeddedKafka) -> None:
    """With a broker that is silent `stop` ends in its time, and calls that wait fail at once."""
    topic = await topic_on(own_kafka)
    async with producer_on(own_kafka, topic, []) as producer:
        with asleep(own_kafka):
            waiting = asyncio.create_task(producer.send_all([record(topic)], 30))
            await until(lambda: producer.in_flight == 1)
            started = time.monotonic()
            await producer.stop(0.5)
            assert time.monotonic() - started < 6
            with pytest.raises(LogUnavailable, match="refused"):
                await asyncio.wait_for(waiting, 1)
