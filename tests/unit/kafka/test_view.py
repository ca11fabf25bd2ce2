"""A view on a consumer in memory: where it begins, and records that cannot be taken."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from schemas.times import to_epoch_ms
from streams.kafka import view as views
from streams.kafka.view import RecordRefusedError, TopicView, ViewRecord
from tests.waiting import until

TOPIC = "remediation.connect-fix"
AT = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = 5.0


class Stored(NamedTuple):
    """A record as aiokafka gives it."""

    offset: int
    value: bytes
    timestamp: int
    key: bytes | None = None


class OffsetAt(NamedTuple):
    offset: int
    timestamp: int


class _Metadata:
    async def set_topics(self, _topics: Sequence[str]) -> None:
        """Know them at once."""


class Topic:
    """A topic in memory; the consumers of one test read it, and may fail once."""

    def __init__(self, partitions: int = 1) -> None:
        self.records: list[list[Stored]] = [[] for _ in range(partitions)]
        self.read: list[tuple[int, int]] = []
        self.lookups = 0
        self.failures: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def put(self, value: bytes, at: datetime = AT, partition: int = 0) -> None:
        """Append a record."""
        kept = self.records[partition]
        kept.append(Stored(len(kept), value, to_epoch_ms(at)))


class FakeConsumer:
    """As much of a consumer as a view asks for."""

    topic: ClassVar[Topic]

    def __init__(self, **_settings: object) -> None:
        self._client = _Metadata()
        self._at: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nor to close."""

    async def topics(self) -> set[str]:
        return {TOPIC}

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(len(self.topic.records)))

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self._at = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._at[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._at[place]

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self.topic.records[place.partition]) for place in places}

    async def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, OffsetAt | None]:
        self.topic.lookups += 1
        found = {
            place: next(
                (OffsetAt(one.offset, one.timestamp) for one in self.topic.records[place.partition] if one[2] >= at),
                None,
            )
            for place, at in times.items()
        }
        self.topic.meanwhile()
        return found

    async def getmany(self, *, timeout_ms: int, max_records: int | None) -> dict[TopicPartition, Sequence[Stored]]:
        del timeout_ms, max_records
        await asyncio.sleep(0.001)
        if self.topic.failures:
            raise self.topic.failures.pop(0)
        found = {place: self.topic.records[place.partition][at:] for place, at in self._at.items()}
        for place, records in found.items():
            self._at[place] += len(records)
            self.topic.read += [(place.partition, one.offset) for one in records]
        return {place: records for place, records in found.items() if records}


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic(2)
    monkeypatch.setattr(FakeConsumer, "topic", made, raising=False)
    monkeypatch.setattr(views, "AIOKafkaConsumer", FakeConsumer)
    monkeypatch.setattr(views, "BACKOFF_SECONDS", (0.001,))
    return made


@asynccontextmanager
async def view_of(
    hear: Callable[[ViewRecord], None], since: Callable[[], datetime] | None = None
) -> AsyncIterator[TopicView]:
    """Give a started view."""
    view = TopicView("unused:1", [TOPIC], hear, since=since)
    await view.start()
    try:
        yield view
    finally:
        await view.stop()


async def test_a_view_of_all_reads_all(topic: Topic) -> None:
    """Without a time it begins at the beginning, and asks for no offsets of times."""
    topic.put(b"old", AT - timedelta(days=400))
    heard: list[ViewRecord] = []
    async with view_of(heard.append) as view:
        await view.settled(SECONDS)
    assert ([one.value for one in heard], topic.lookups) == ([b"old"], 0)


async def test_what_is_older_is_not_read(topic: Topic) -> None:
    """Each partition is read from its first record of the time on, a quiet one from its end."""
    for days in (400, 300, 9, 200, 1):
        topic.put(str(days).encode(), AT - timedelta(days=days))
    topic.put(b"quiet", AT - timedelta(days=100), partition=1)
    heard: list[ViewRecord] = []
    async with view_of(heard.append, since=lambda: AT - timedelta(days=10)) as view:
        await view.settled(SECONDS)
        assert topic.read == [(0, 2), (0, 3), (0, 4)]
        topic.put(b"later", AT, partition=1)
        await view.settled(SECONDS)
    assert [one.value for one in heard] == [b"9", b"200", b"1", b"later"]


async def test_what_comes_while_it_begins_is_read(topic: Topic) -> None:
    """A record behind the look for the time, and before the first poll, is not passed over."""
    topic.put(b"old", AT - timedelta(days=100))
    topic.meanwhile = lambda: topic.put(b"new")
    heard: list[ViewRecord] = []
    async with view_of(heard.append, since=lambda: AT) as view:
        await view.settled(SECONDS)
    assert [one.value for one in heard] == [b"new"]


async def test_after_a_failure_it_goes_on_where_it_was(topic: Topic) -> None:
    """The time counts at the first opening alone: what was committed in between may be older by then."""
    heard: list[ViewRecord] = []
    now = [AT]
    async with view_of(heard.append, since=lambda: now[0]) as view:
        await view.settled(SECONDS)
        now[0] = AT + timedelta(days=1)
        topic.failures.append(KafkaConnectionError("away"))
        topic.put(b"before", AT)
        await view.settled(SECONDS)
    assert ([one.value for one in heard], topic.lookups) == ([b"before"], 1)


async def test_a_view_says_that_it_was_away_and_is_back(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    """One line each; the log of a process does not end with an outage that is over."""
    caplog.set_level(logging.INFO, "streams")
    async with view_of(lambda _: None) as view:
        await view.settled(SECONDS)
        topic.failures.append(KafkaConnectionError("away"))
        await until(lambda: len(caplog.records) > 1)
    away, back = caplog.records
    assert (away.levelname, away.getMessage().partition(":")[0]) == ("WARNING", f"the view of {TOPIC} connects again")
    assert (back.levelname, back.getMessage()) == ("INFO", f"the view of {TOPIC} is read up to its end again")


async def test_a_record_that_cannot_be_taken_is_passed_by(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    """It is named in the log, without what it or the error says; all others are heard, each once."""
    heard: list[bytes | None] = []

    def hear(record: ViewRecord) -> None:
        if record.value == b"odd":
            raise KeyError("Jane Doe")
        heard.append(record.value)

    for value in (b"1", b"odd", b"2"):
        topic.put(value)
    with caplog.at_level(logging.ERROR):
        async with view_of(hear) as view:
            await view.settled(SECONDS)
            assert view.problems() == []
    assert heard == [b"1", b"2"]
    assert "remediation.connect-fix/0/1 is passed by: KeyError at " in caplog.text
    assert "Jane" not in caplog.text


async def test_many_that_cannot_be_taken_do_not_fill_the_log(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    """The first hundred are named, then each hundredth, with how many there were."""
    for _ in range(350):
        topic.put(b"odd")

    def hear(_record: ViewRecord) -> None:
        raise KeyError

    with caplog.at_level(logging.ERROR):
        async with view_of(hear) as view:
            await view.settled(SECONDS)
    assert len(caplog.records) == 100 + 2
    assert "remediation.connect-fix/0/299 is passed by: KeyError at " in caplog.text
    assert "(300 so far)" in caplog.text


async def test_who_refuses_a_record_ends_the_view(topic: Topic) -> None:
    """Where nothing may be passed by: `problems` says why, and nobody is told that all is read."""
    topic.put(b"odd")

    def hear(_record: ViewRecord) -> None:
        raise RecordRefusedError("a record of a later release")

    async with view_of(hear) as view:
        with pytest.raises(TimeoutError, match="a record of a later release"):
            await view.settled(0.2)
        (said,) = view.problems()
        assert said.endswith(
            ": a record could not be taken: a record of a later release; start a release that can read it"
        )
