"""The history of a cluster: committed records of a span, in order, without a group and without a trace."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.times import from_epoch_ms
from streams.fold.effects import SourceRecord
from streams.history import History, HistoryError, Place, Span
from streams.history.cluster import ClusterOrigin
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EVENTS, SIGNALS
from tests.integration.unreadable import delete_to

pytestmark = pytest.mark.kafka

FIRST_MS = 1_790_000_000_000


async def read(history: History, place: Place, span: Span) -> list[SourceRecord]:
    """Read a span whole."""
    return [record async for records in history.read(place, span) for record in records]


def offsets(records: Sequence[SourceRecord]) -> list[int]:
    """Give where they are."""
    return [record.offset for record in records]


async def write(kafka: EmbeddedKafka, place: Place, numbers: Sequence[int], *, ends: str | None = None) -> None:
    """Write records named by numbers, a minute apart, in a transaction that ends so where that is given."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=ends and f"history-{numbers[0]}")
    await producer.start()
    try:
        if ends:
            await producer.begin_transaction()
        for number in numbers:
            written = {"key": b"k", "headers": [("n", b"%d" % number)], "partition": place.partition}
            await producer.send_and_wait(
                place.topic, b"%d" % number, timestamp_ms=FIRST_MS + 60_000 * number, **written
            )
        if ends == "commit":
            await producer.commit_transaction()
        elif ends:
            await producer.abort_transaction()
    finally:
        await producer.stop()


async def test_a_span_is_read_without_what_was_aborted(broker: EmbeddedKafka) -> None:
    """Markers and aborted records take offsets, the end of the last transaction too, and are never handed out."""
    place = Place(SIGNALS, 0)
    await write(broker, place, [0, 1])
    await write(broker, place, [2, 3], ends="abort")
    await write(broker, place, [4, 5], ends="commit")
    async with ClusterOrigin(broker.bootstrap).open() as history:
        spans = await history.spans([SIGNALS])
        assert spans == {place: Span(0, 8), Place(SIGNALS, 1): Span(0, 0), Place(SIGNALS, 2): Span(0, 0)}
        records = await read(history, place, spans[place])
        assert [record.value for record in records] == [b"0", b"1", b"4", b"5"]
        third, fourth = offsets(records)[2:]
        assert offsets(records)[:2] == [0, 1]
        assert 4 <= third < fourth < 7  # a transaction's end is answered before its marker is written
        assert records[2].headers == (("n", b"4"),)
        assert records[2].timestamp == FIRST_MS + 4 * 60_000
        assert offsets(await read(history, place, Span(1, fourth))) == [1, third]
        assert await read(history, place, Span(2, 4)) == []


async def test_a_time_is_an_offset(broker: EmbeddedKafka) -> None:
    """The first record of a time or later; behind all of them it is the end."""
    place = Place(EVENTS, 1)
    await write(broker, place, [0, 1, 2])
    async with ClusterOrigin(broker.bootstrap).open() as history:
        at = [FIRST_MS, FIRST_MS + 1, FIRST_MS + 10 * 60_000]
        assert [await history.offset_since(place, from_epoch_ms(ms)) for ms in at] == [0, 1, 3]


async def test_what_is_gone_is_said(broker: EmbeddedKafka) -> None:
    """A span from before the first record that is kept is an error, not a shorter history."""
    place = Place(EVENTS, 2)
    await write(broker, place, [0, 1, 2])
    delete_to(broker.bootstrap, *place, last=1)
    async with ClusterOrigin(broker.bootstrap).open() as history:
        spans = await history.spans([EVENTS])
        assert spans[place] == Span(2, 3)
        assert offsets(await read(history, place, spans[place])) == [2]
        with pytest.raises(HistoryError, match=r"aggregation\.events/2 has no offset 0"):
            await read(history, place, Span(0, 3))


async def test_nothing_is_left_behind(broker: EmbeddedKafka) -> None:
    """Whoever reads history joins no group and makes no topic."""

    async def seen() -> tuple[list[str], list[object]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            return sorted(await admin.list_topics()), await admin.list_consumer_groups()
        finally:
            await admin.close()

    before = await seen()
    async with ClusterOrigin(broker.bootstrap).open() as history:
        assert history.partitions == 3
        assert history.identity(EVENTS) == f"{history.cluster_id}/{history.topics[EVENTS]}"
        for place, span in (await history.spans([EVENTS, SIGNALS])).items():
            await read(history, place, span)
        with pytest.raises(HistoryError, match=r"no topic nothing\.of\.ours"):
            history.identity("nothing.of.ours")
    assert await seen() == before


async def test_nobody_there_is_said_in_words() -> None:
    """With the address, and what to do."""
    opening = ClusterOrigin("127.0.0.1:9").open()
    with pytest.raises(HistoryError, match=r"127\.0\.0\.1:9 cannot be read: .*txpush doctor"):
        await asyncio.wait_for(opening.__aenter__(), 60)


async def test_the_time_of_a_marker_is_nobodys(broker: EmbeddedKafka) -> None:
    """A record of long ago that was written late ends with a marker of today: what comes behind it is not of today."""
    place = Place(EVENTS, 0)
    for number in range(6):
        await write(broker, place, [number], ends="commit")
    async with ClusterOrigin(broker.bootstrap).open() as history:
        found = [await history.offset_since(place, from_epoch_ms(FIRST_MS + 60_000 * minute)) for minute in (0, 3, 9)]
        (span,) = [one for at, one in (await history.spans([EVENTS])).items() if at == place]
        assert found == [0, 6, span.end]
