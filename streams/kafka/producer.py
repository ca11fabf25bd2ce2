"""Records onto Kafka, durable once sent: idempotent, acknowledged by all in-sync replicas, in order per key."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

log = logging.getLogger(__name__)

MAX_BATCH_BYTES = 512 * 1024
START_SECONDS = 10.0
DISCARD_SECONDS = 2.0
PROBE_SECONDS = 2.0
RETRY_BACKOFF_MS = 250
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class LogError(Exception):
    """The records are not known to be in the log."""


class LogUnavailable(LogError):  # noqa: N818 - says how the log is
    """Kafka did not acknowledge in time, or is away: try the same again later. The records may still get in."""


class LogFull(LogError):  # noqa: N818 - the same
    """Too much waits for Kafka already: try the same again later. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record to be; `timestamp_ms` becomes its CreateTime, None the time of sending."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int | None = None


class Log(Protocol):
    """What writes records durably."""

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Write the records in order and return once all are acknowledged.

        Raises:
            LogUnavailable: not acknowledged within the deadline, or refused.
            LogFull: too many calls wait already.
        """

    def problems(self) -> list[str]:
        """Say in words why records cannot be written now; nothing when they can."""


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """How to reach Kafka; times in seconds.

    Attributes:
        topics: looked up at the start; the producer is not available while one is missing.
        request_seconds: when a connection with an unanswered request is given up.
        rebuild_after_seconds: silence with records waiting after which the producer is made anew.
        max_in_flight: calls of `send_all` that may wait at once.
    """

    bootstrap: str
    topics: tuple[str, ...]
    client_id: str = "txpush"
    request_seconds: float = 10.0
    stall_seconds: float = 5.0
    rebuild_after_seconds: float = 60.0
    max_in_flight: int = 4096


class _Delivery:
    """The acknowledgements that one call waits for."""

    __slots__ = ("done", "left")

    def __init__(self, left: int, done: "asyncio.Future[None]") -> None:
        self.left = left
        self.done = done

    def settle(self, error: BaseException | None) -> None:
        self.left -= 1
        if self.done.done():
            return
        if error is not None:
            self.done.set_exception(LogUnavailable(f"Kafka refused a record: {error!r}"))
        elif self.left == 0:
            self.done.set_result(None)


class LogProducer:
    """An idempotent producer that outlives its broker.

    It starts without one, makes itself anew when Kafka refuses it for good or stays silent (aiokafka counts a refused
    batch as sent and would be out of sequence from then on), and waits for nothing longer than its settings say.
    """

    def __init__(self, settings: ProducerSettings, on_rebuild: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.in_flight = 0
        self._on_rebuild = on_rebuild
        self._producer: Any = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._reachable = False
        self._why = "not started"
        self._waiting = 0
        self._heard_at = 0.0

    async def start(self) -> None:
        """Begin to connect and return at once; `problems` tells when there is a connection."""
        self._task = asyncio.create_task(self._keep_alive(), name="log-producer")

    async def stop(self, flush_seconds: float) -> None:
        """Give what is under way `flush_seconds` to be acknowledged, then close; never raises."""
        if self._producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._producer.flush(), flush_seconds)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=2 * DISCARD_SECONDS)

    def problems(self) -> list[str]:
        """Say in words why records cannot be written now; nothing when they can."""
        if self._producer is None:
            return [f"Kafka at {self.settings.bootstrap} is not available: {self._why}"]
        silent = self._silent_seconds()
        if silent > self.settings.stall_seconds:
            return [f"Kafka has acknowledged nothing for {silent:.0f} s with records waiting"]
        return [] if self._reachable else [f"Kafka at {self.settings.bootstrap} does not answer"]

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Write the records in order and return once all are acknowledged by all in-sync replicas.

        Raises:
            LogUnavailable: not acknowledged within the deadline, or refused.
            LogFull: too many calls wait already.
        """
        producer = self._producer
        if producer is None:
            raise LogUnavailable(self.problems()[0])
        if self.in_flight >= self.settings.max_in_flight:
            raise LogFull(f"{self.in_flight} calls wait for Kafka already")
        self.in_flight += 1
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._deliver(producer, records)
        except TimeoutError:
            raise LogUnavailable(f"Kafka did not acknowledge within {deadline_seconds} s") from None
        except KafkaError as error:
            self._refused(producer)
            raise LogUnavailable(f"Kafka refused a record: {error!r}") from error
        finally:
            self.in_flight -= 1

    async def _deliver(self, producer: Any, records: Sequence[LogRecord]) -> None:  # noqa: ANN401 - aiokafka is untyped
        """Hand over and wait; a record whose caller has given up still counts, as the sign that Kafka is back."""
        delivery = _Delivery(len(records), asyncio.get_running_loop().create_future())

        def settled(future: "asyncio.Future[Any]") -> None:
            delivery.settle(self._heard(producer, future))

        for record in records:
            future = await producer.send(
                record.topic, record.value, record.key, timestamp_ms=record.timestamp_ms, headers=record.headers
            )
            if not self._waiting:
                self._heard_at = time.monotonic()
            self._waiting += 1
            future.add_done_callback(settled)
        await delivery.done

    def _heard(self, producer: Any, future: "asyncio.Future[Any]") -> BaseException | None:  # noqa: ANN401 - the same
        error = future.exception()
        if error is not None:
            self._refused(producer)
        elif producer is self._producer:
            self._heard_at = time.monotonic()
            self._reachable = True
        self._waiting -= producer is self._producer
        return error

    def _refused(self, producer: Any) -> None:  # noqa: ANN401 - the same
        """Have the producer made anew, unless it already was."""
        if producer is self._producer:
            self._broken.set()

    def _silent_seconds(self) -> float:
        return time.monotonic() - self._heard_at if self._waiting else 0.0

    async def _keep_alive(self) -> None:
        """Connect, watch, and connect anew, until cancelled."""
        failures = 0
        while True:
            failures = 0 if await self._live_once() else failures + 1
            if failures <= 1:
                log.warning("Kafka producer is made anew: %s", self._why)
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])

    async def _live_once(self) -> bool:
        """Make a producer and keep it until it has to go; tell whether it ever was connected."""
        producer = self._new_producer()
        try:
            await asyncio.wait_for(self._connect(producer), START_SECONDS)
            await self._watch(producer)
            self._on_rebuild()
        except Exception as error:  # noqa: BLE001 - whatever aiokafka raises, the next try may succeed
            self._why = repr(error)
            return False
        else:
            return True
        finally:
            self._producer = None
            await _discard(producer)

    def _new_producer(self) -> Any:  # noqa: ANN401 - aiokafka is untyped
        return AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap,
            client_id=self.settings.client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
            request_timeout_ms=int(self.settings.request_seconds * 1000),
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )

    async def _connect(self, producer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
        await producer.start()
        for topic in self.settings.topics:
            await producer.partitions_for(topic)
        self._broken.clear()
        self._waiting = 0
        self._reachable = True
        self._producer = producer
        log.info("Kafka producer is connected to %s", self.settings.bootstrap)

    async def _watch(self, producer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
        """Return when the producer has to be made anew; until then ask every few seconds whether Kafka answers."""
        answered = True
        while not self._broken.is_set():
            if self._silent_seconds() > self.settings.rebuild_after_seconds:
                self._why = f"no acknowledgement for {self.settings.rebuild_after_seconds:.0f} s"
                return
            self._reachable = await _answers(producer)
            if self._reachable is not answered:
                answered = self._reachable
                log.warning("Kafka at %s %s", self.settings.bootstrap, "answers again" if answered else "is silent")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._broken.wait(), PROBE_SECONDS)
        self._why = "Kafka refused a record"


async def _answers(producer: Any) -> bool:  # noqa: ANN401 - aiokafka is untyped
    try:
        return bool(await asyncio.wait_for(producer.client.force_metadata_update(), PROBE_SECONDS))
    except TimeoutError:
        return False


async def _discard(producer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
    """Close without waiting for a broker that may be gone; what still waits fails at once."""
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - `stop` alone would flush first
    try:
        await asyncio.wait_for(producer.stop(), DISCARD_SECONDS)
    except (TimeoutError, KafkaError):
        await producer.client.close()
