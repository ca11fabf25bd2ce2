"""Batches of concurrent calls, against a producer in memory whose acknowledgements the test gives."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiokafka.errors import InvalidTimestampError, KafkaError, UnknownTopicOrPartitionError

from streams.kafka.lanes import Delivery, Lanes
from streams.kafka.log import LogRecord

BATCH_RECORDS = 3


@dataclass
class Batch:
    """Holds three records."""

    values: list[bytes] = field(default_factory=list)

    def append(self, *, value: bytes, **_: object) -> object | None:
        if len(self.values) == BATCH_RECORDS:
            return None
        self.values.append(value)
        return object()


@dataclass
class Producer:
    """Keeps what it is given; `acknowledge` and `refuse` answer the oldest batch without an answer."""

    partitions: int = 1
    sent: list[tuple[int, list[bytes]]] = field(default_factory=list)
    open: "list[asyncio.Future[None]]" = field(default_factory=list)

    @property
    def client(self) -> SimpleNamespace:
        numbers = {"t": set(range(self.partitions))}
        cluster = SimpleNamespace(partitions_for_topic=numbers.get, available_partitions_for_topic=numbers.get)
        return SimpleNamespace(cluster=cluster)

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, _: str, *, partition: int) -> "asyncio.Future[None]":
        self.sent.append((partition, batch.values))
        self.open.append(asyncio.get_running_loop().create_future())
        return self.open[-1]

    async def acknowledge(self) -> None:
        self.open.pop(0).set_result(None)
        await turns()

    async def refuse(self, error: KafkaError) -> None:
        self.open.pop(0).set_exception(error)
        await turns()


@dataclass
class Bench:
    """Lanes over a producer in memory."""

    producer: Producer = field(default_factory=Producer)
    heard: list[BaseException | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the lanes."""
        self.lanes = Lanes(self.producer, self.heard.append)

    def call(self, *values: bytes, key: bytes | None = b"k") -> Delivery:
        """Queue a call of these values."""
        delivery = Delivery(asyncio.get_running_loop().create_future())
        self.lanes.add([LogRecord("t", key, value, ()) for value in values], delivery)
        return delivery


async def turns() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_calls_that_meet_share_a_batch() -> None:
    """What comes in one turn of the loop goes out together, and each call learns of its own records."""
    bench = Bench()
    calls = [bench.call(b"1"), bench.call(b"2")]
    await turns()
    assert bench.producer.sent == [(0, [b"1", b"2"])]
    assert not any(call.done.done() for call in calls)
    await bench.producer.acknowledge()
    assert [call.done.result() for call in calls] == [None, None]
    assert bench.heard == [None]


async def test_one_batch_is_under_way_and_the_next_grows() -> None:
    """Nothing overtakes: what comes during a round trip waits for its end, and then goes at once."""
    bench = Bench()
    first = bench.call(b"1")
    await turns()
    second, third = bench.call(b"2"), bench.call(b"3")
    await turns()
    assert bench.producer.sent == [(0, [b"1"])]
    await bench.producer.acknowledge()
    assert first.done.done()
    assert not second.done.done()
    assert bench.producer.sent[1:] == [(0, [b"2", b"3"])]
    await bench.producer.acknowledge()
    assert (second.done.result(), third.done.result()) == (None, None)


async def test_a_call_larger_than_a_batch_is_done_with_its_last_record() -> None:
    """The records keep their order over batches, which go one after the other."""
    bench = Bench()
    call, next_call = bench.call(b"1", b"2", b"3", b"4"), bench.call(b"5")
    await turns()
    await bench.producer.acknowledge()
    assert not call.done.done()
    await bench.producer.acknowledge()
    assert bench.producer.sent == [(0, [b"1", b"2", b"3"]), (0, [b"4", b"5"])]
    assert (call.done.result(), next_call.done.result()) == (None, None)


async def test_a_call_over_two_partitions_waits_for_both() -> None:
    """A partition that is slow holds up the call and not the other partition."""
    bench = Bench(Producer(partitions=2))
    keys: dict[int, bytes] = {}
    for number in range(20):
        bench.call(b"x", key=b"%d" % number)
        await turns()
        keys[bench.producer.sent[-1][0]] = b"%d" % number
        await bench.producer.acknowledge()
    delivery = Delivery(asyncio.get_running_loop().create_future())
    bench.lanes.add([LogRecord("t", keys[number], b"both", ()) for number in (0, 1)], delivery)
    await turns()
    await bench.producer.acknowledge()
    assert not delivery.done.done()
    await bench.producer.acknowledge()
    assert delivery.done.result() is None


async def test_a_call_that_gives_up_leaves_nothing_waiting() -> None:
    """What is not yet in a batch is dropped with its call; what is under way goes on."""
    bench = Bench()
    bench.call(b"1")
    await turns()
    late, patient = bench.call(b"2"), bench.call(b"3")
    late.give_up()
    bench.lanes.forget(late)
    await bench.producer.acknowledge()
    assert bench.producer.sent[1:] == [(0, [b"3"])]
    assert isinstance(late.done.result(), TimeoutError)
    await bench.producer.acknowledge()
    assert patient.done.result() is None


async def test_nothing_is_sent_behind_a_refused_batch() -> None:
    """Calls in the batch, calls that wait, and calls that come all fail with the error, said once."""
    bench = Bench()
    in_batch = bench.call(b"1")
    await turns()
    waiting, error = bench.call(b"2"), InvalidTimestampError()
    await bench.producer.refuse(error)
    later = bench.call(b"3")
    await turns()
    assert [call.done.result() for call in (in_batch, waiting, later)] == [error] * 3
    assert (bench.heard, len(bench.producer.sent)) == ([error], 1)


async def test_closing_answers_every_call() -> None:
    """Whatever is queued, not yet begun or under way fails at once."""
    bench = Bench()
    under_way = bench.call(b"1")
    await turns()
    waiting = bench.call(b"2")
    bench.lanes.close()
    not_begun = bench.call(b"3")
    await turns()
    assert all("ProducerClosed" in repr(call.done.result()) for call in (under_way, waiting, not_begun))
    assert bench.heard == []


async def test_a_flush_waits_for_what_is_under_way_and_no_longer_than_it_may() -> None:
    """It ends with the last acknowledgement, or with its time."""
    bench = Bench()
    bench.call(b"1")
    await turns()
    await bench.lanes.flush(0.01)
    assert bench.producer.open
    flush = asyncio.create_task(bench.lanes.flush(10))
    await turns()
    assert not flush.done()
    await bench.producer.acknowledge()
    assert flush.done()


async def test_silence_is_counted_while_a_batch_is_under_way() -> None:
    """Without a batch nobody is silent."""
    bench = Bench()
    assert bench.lanes.silent_seconds() == 0.0
    bench.call(b"1")
    await turns()
    assert bench.lanes.silent_seconds() > 0.0
    await bench.producer.acknowledge()
    assert bench.lanes.silent_seconds() == 0.0


async def test_new_partitions_are_used_once_looked_up() -> None:
    """A key is remembered with its partition until the partitions are looked up again."""
    bench = Bench()
    assert await used_partitions(bench) == {0}
    bench.producer.partitions = 8
    assert await used_partitions(bench) == {0}
    bench.lanes.look_up_partitions_again()
    assert await used_partitions(bench) == set(range(8))


async def used_partitions(bench: Bench) -> set[int]:
    """Send under forty keys and give where the records went."""
    bench.producer.sent.clear()
    for number in range(40):
        bench.call(b"x", key=b"%d" % number)
    await turns()
    while bench.producer.open:
        await bench.producer.acknowledge()
    return {partition for partition, _ in bench.producer.sent}


async def test_a_topic_that_is_gone_is_said() -> None:
    """The call fails at once and names the topic."""
    bench = Bench()
    with pytest.raises(UnknownTopicOrPartitionError, match="gone"):
        bench.lanes.add([LogRecord("gone", b"k", b"v", ())], Delivery(asyncio.get_running_loop().create_future()))
