"""Follows whole topics, committed records only, from the beginning or a time on: what they say, held in memory."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.times import to_epoch_ms
from streams.ending import ended
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import LOOK_AT_BROKERS, told
from streams.kafka.since import offsets_since
from streams.places import place_of
from streams.polling import polled

log = logging.getLogger(__name__)

STEP_SECONDS = 15.0
POLL_MS = 200
MAX_POLL_RECORDS = 5000
RETRY_BACKOFF_MS = 250
BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
NEWER = "start a release that can read it"
"""What to do about a record that cannot be read."""
NAMED = 100
"""Records passed by that are named in the log one by one; behind them each of so many is."""


class RecordRefusedError(ValueError):
    """Who hears cannot go on without this record; the message says why and quotes nothing of it."""


class ViewRecord(NamedTuple):
    """One committed record; no value is a tombstone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class TopicView:
    """Hands every record of some topics to `hear`, in the order of each partition, without a consumer group.

    It starts without a broker, and connects again after any failure, going on where it had read to. `hear` is called
    from the event loop, must not block, and hears a record once. If it raises RecordRefusedError, the view ends, and
    `problems` says why; whatever else it raises is a fault of ours, and one record must not end a view for good: it is
    passed by, and the log names its topic, partition and offset.

    Args:
        since: gives the time before which records are of no use: at its first opening a partition is read from the
            first record of that time on, its end where there is none. All is read where it is left out.
    """

    def __init__(
        self,
        bootstrap: Bootstrap,
        topics: Iterable[str],
        hear: Callable[[ViewRecord], None],
        *,
        client_id: str = "txpush",
        since: Callable[[], datetime] | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = tuple(topics)
        self._hear = hear
        self._client_id = client_id
        self._since = since
        self._passed_by = 0
        self._positions: dict[TopicPartition, int] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._stood_at_ends = -math.inf
        self._why, self._remedy = "not started", LOOK_AT_BROKERS
        self._is_lost = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read and return at once; `caught_up` tells when the topics are known."""
        self._task = asyncio.create_task(self._keep_reading(), name="topic-view")

    async def stop(self) -> None:
        """End, within a step; never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STEP_SECONDS)
        for waiting in self._waiting:
            waiting.cancel()

    async def caught_up(self, deadline_seconds: float) -> None:
        """Return once everything has been read that was committed at the first look.

        Raises:
            TimeoutError: with what is in the way.
        """
        if math.isinf(self._stood_at_ends):
            await self.settled(deadline_seconds)

    async def settled(self, deadline_seconds: float) -> None:
        """Return once everything has been read that was committed when this was called.

        Raises:
            TimeoutError: with what is in the way.
        """
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(deadline_seconds):
                await waiting
        except TimeoutError:
            reason = "; ".join(self.problems()) or "more is written than is read"
            raise TimeoutError(f"{', '.join(self._topics)}: not read within {deadline_seconds} s: {reason}") from None
        finally:
            self._waiting.remove(waiting)

    def lag_seconds(self) -> float:
        """Give how long ago all that was committed had been read; infinite before the first time."""
        return time.monotonic() - self._stood_at_ends

    def problems(self) -> list[str]:
        """Say in words why the topics are not followed now; nothing when they are."""
        if not self._why:
            return []
        what = f"{', '.join(self._topics)} cannot be read from {self._bootstrap}: {self._why}"
        return [f"{what}; {self._remedy}"]

    async def _keep_reading(self) -> None:
        failures = 0
        while True:
            consumer = self._consumer()
            try:
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                failures = 0 if not self._why else failures + 1
                self._why = await told(self._bootstrap, error)
                self._is_lost = True
                if failures <= 1:
                    log.warning("the view of %s connects again: %s", ", ".join(self._topics), self._why)
            except RecordRefusedError as error:
                self._why, self._remedy = f"a record could not be taken: {error}", NEWER
                log.error("the view of %s ends: %s", ", ".join(self._topics), self._why)  # noqa: TRY400 - no trace
                return
            finally:
                await ended(consumer, STEP_SECONDS)
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])

    async def _read(self, consumer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
        """Read from end to end, and on, until something fails."""
        places = await self._opened(consumer)
        while True:
            waiting, asked_at = list(self._waiting), time.monotonic()
            ends = await _step(consumer.end_offsets(places))
            while any([await _position(consumer, place) < end for place, end in ends.items()]):
                await self._poll(consumer)
            self._why, self._stood_at_ends = "", asked_at
            self._say_found()
            for one in waiting:
                if not one.done():
                    one.set_result(None)
            if all(one.done() for one in self._waiting):
                await self._poll(consumer)

    def _say_found(self) -> None:
        if self._is_lost:
            self._is_lost = False
            log.info("the view of %s is read up to its end again", ", ".join(self._topics))

    async def _opened(self, consumer: Any) -> list[TopicPartition]:  # noqa: ANN401 - aiokafka is untyped
        """Connect and go to where reading had come, or is to begin."""
        await _step(consumer.start())
        known = await _step(consumer.topics())
        if missing := sorted(set(self._topics) - set(known)):
            raise UnknownTopicOrPartitionError(f"{', '.join(missing)} missing: run `txpush topics apply`")
        learned = consumer._client.set_topics(self._topics)  # noqa: SLF001 - else partitions are known once assigned only
        await _step(learned)
        places = [
            TopicPartition(topic, partition)
            for topic in self._topics
            for partition in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(places)
        if self._since is not None and (new := [place for place in places if place not in self._positions]):
            self._positions |= await _step(offsets_since(consumer, dict.fromkeys(new, to_epoch_ms(self._since()))))
        for place in places:
            consumer.seek(place, self._positions.get(place, 0))
        return places

    async def _poll(self, consumer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
        polling = polled(consumer, timeout_ms=POLL_MS, max_records=MAX_POLL_RECORDS)
        for place, records in (await _step(polling)).items():
            for record in records:
                self._positions[place] = record.offset + 1
                self._take(
                    ViewRecord(place.topic, place.partition, record.offset, record.key, record.value, record.timestamp)
                )

    def _take(self, record: ViewRecord) -> None:
        try:
            self._hear(record)
        except RecordRefusedError:
            raise
        except Exception as error:  # noqa: BLE001 - one record must not end the view
            self._passed_by += 1
            if self._passed_by <= NAMED or self._passed_by % NAMED == 0:
                place = f"{record.topic}/{record.partition}/{record.offset}"
                log.error("%s is passed by: %s (%d so far)", place, place_of(error), self._passed_by)  # noqa: TRY400

    def _consumer(self) -> Any:  # noqa: ANN401 - aiokafka is untyped
        return AIOKafkaConsumer(
            **client_arguments(self._bootstrap),
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            retry_backoff_ms=RETRY_BACKOFF_MS,
            fetch_max_wait_ms=POLL_MS,  # questions about ends wait behind a fetch
        )


async def _step(step: Awaitable[Any]) -> Any:  # noqa: ANN401 - aiokafka is untyped
    """Await a step; `asyncio.wait_for` of Python 3.11 loses a cancellation that comes as its awaitable ends."""
    async with asyncio.timeout(STEP_SECONDS):
        return await step


async def _position(consumer: Any, place: TopicPartition) -> int:  # noqa: ANN401 - aiokafka is untyped
    """Ask for the position rather than the last record: a topic ends in markers that are never seen."""
    return int(await _step(consumer.position(place)))
