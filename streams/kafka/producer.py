"""Records onto Kafka, durable once sent: idempotent, acknowledged by all in-sync replicas, in order per key."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, KafkaError, ProducerClosed

from streams.ending import ended
from streams.kafka.access import Bootstrap, ClusterError, client_arguments
from streams.kafka.applied import require
from streams.kafka.lanes import Delivery, Lanes
from streams.kafka.log import LogFull, LogRecord, LogUnavailable
from streams.kafka.refusals import LOOK_AT_BROKERS, NO_RIGHT, no_right, told
from streams.kafka.silence import Silence
from streams.kafka.topics import Layout

log = logging.getLogger(__name__)

MAX_BATCH_BYTES = 512 * 1024
RECORD_BYTES = 1024
"""What a record takes beside its value: a kilobyte of Python objects, measured with one account a record."""
START_SECONDS = 10.0
DISCARD_SECONDS = 2.0
PROBE_SECONDS = 2.0
RETRY_BACKOFF_MS = 250
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
REFUSALS = 3
"""Refused calls without an acknowledgement in between that tell of more than one odd record."""
REFUSED_SECONDS = 60.0
"""How long after the last refusal nothing is expected of the log; then it is tried again: what else would tell."""


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """How to reach Kafka; times in seconds.

    Attributes:
        topics: looked up at the start; the producer is not available while one is missing.
        request_seconds: when a connection with an unanswered request is given up.
        stall_seconds: silence with records waiting after which the log counts as not available.
        rebuild_after_seconds: silence with records waiting after which the producer is made anew.
        max_in_flight: calls of `send_all` that may wait at once.
        max_waiting_bytes: memory of the records of all these calls, estimated; one that waits alone may have more.
        layout: how the cluster has to carry the topics of the contract before anything is written; None for any.
    """

    bootstrap: Bootstrap
    topics: tuple[str, ...]
    client_id: str = "txpush"
    request_seconds: float = 10.0
    stall_seconds: float = 5.0
    rebuild_after_seconds: float = 60.0
    max_in_flight: int = 4096
    max_waiting_bytes: int = 64 << 20
    layout: Layout | None = None


class LogProducer:
    """An idempotent producer that outlives its broker.

    It starts without one, makes itself anew when Kafka refuses it for good or stays silent (aiokafka counts a refused
    batch as sent and would be out of sequence from then on), and waits for nothing longer than its settings say.
    """

    def __init__(self, settings: ProducerSettings, on_rebuild: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.in_flight = 0
        self._waiting_bytes = 0
        self._on_rebuild = on_rebuild
        self._fits = asyncio.Event()
        self._lanes: Lanes | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._reachable = False
        self._why = "not started"
        self._refusal = ""
        """Why records were refused the last time."""
        self._refusals = 0
        """How many calls were, since the last acknowledgement."""
        self._refused_at = 0.0
        self._told_at = -math.inf

    async def start(self) -> None:
        """Begin to connect and return at once; `problems` tells when there is a connection."""
        self._task = asyncio.create_task(self._keep_alive(), name="log-producer")

    async def fitting(self) -> None:
        """Return once there was a connection to a cluster whose topics fit; until then `problems` says why not."""
        await self._fits.wait()

    async def stop(self, flush_seconds: float) -> None:
        """Give what is under way `flush_seconds` to be acknowledged, then close; never raises."""
        if self._lanes is not None:
            await self._lanes.flush(flush_seconds)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=2 * DISCARD_SECONDS)

    def problems(self) -> list[str]:
        """Say in words why records cannot be written now; nothing when they can."""
        if self._lanes is None:
            return [f"Kafka at {self.settings.bootstrap} is not available: {self._why}; {LOOK_AT_BROKERS}"]
        if self._refusals >= REFUSALS and time.monotonic() < self._refused_at + REFUSED_SECONDS:
            return [f"Kafka at {self.settings.bootstrap} refuses what is written: {self._refusal}; {LOOK_AT_BROKERS}"]
        silent = self._lanes.silent_seconds()
        if silent > self.settings.stall_seconds:
            return [f"Kafka has acknowledged nothing for {silent:.0f} s with records waiting; {LOOK_AT_BROKERS}"]
        return [] if self._reachable else [f"Kafka at {self.settings.bootstrap} does not answer; {LOOK_AT_BROKERS}"]

    async def send_all(self, records: Sequence[LogRecord], deadline_seconds: float) -> None:
        """Write the records in order and return once all are acknowledged by all in-sync replicas.

        Raises:
            LogUnavailable: not acknowledged within the deadline, or refused.
            LogFull: too many calls wait already, or too many bytes.
        """
        lanes = self._lanes
        if lanes is None:
            raise LogUnavailable(self.problems()[0])
        size = sum(len(record.value) for record in records) + RECORD_BYTES * len(records)
        self._refuse_too_much(size)
        if not records:
            return
        self.in_flight += 1
        self._waiting_bytes += size
        try:
            error = await _delivered(lanes, records, deadline_seconds)
        except KafkaError as refused:
            self._heard(refused)
            error = refused
        finally:
            self.in_flight -= 1
            self._waiting_bytes -= size
        if isinstance(error, TimeoutError):
            raise LogUnavailable(f"Kafka did not acknowledge within {deadline_seconds} s")
        if error is not None:
            self._refusals += not isinstance(error, ProducerClosed)
            raise LogUnavailable(f"Kafka refused a record: {error!r}") from error

    def _refuse_too_much(self, size: int) -> None:
        """Raise LogFull where a call would have more wait than may."""
        if self.in_flight >= self.settings.max_in_flight:
            raise LogFull(f"{self.in_flight} calls wait for Kafka already")
        if self.in_flight and self._waiting_bytes + size > self.settings.max_waiting_bytes:
            raise LogFull(f"{self._waiting_bytes} bytes wait for Kafka already")

    def _heard(self, error: BaseException | None) -> None:
        if error is None:
            self._reachable, self._refusals = True, 0
            return
        self._broken.set()
        if not isinstance(error, ProducerClosed):  # which others hear when a refusal has the producer made anew
            self._refusal, self._refused_at = _words(self.settings.bootstrap, error), time.monotonic()

    async def _keep_alive(self) -> None:
        """Connect, watch, and connect anew, until cancelled."""
        failures = 0
        while True:
            failures = 0 if await self._live_once() else failures + 1
            if failures <= 1:
                self._tell()
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])

    def _tell(self) -> None:
        """Log why a producer is made anew; where every record is refused, once a minute."""
        now = time.monotonic()
        if self._refusals < REFUSALS or now > self._told_at + REFUSED_SECONDS:
            log.warning("Kafka producer is made anew: %s", self._why)
            self._told_at = now

    async def _live_once(self) -> bool:
        """Make a producer and keep it until it has to go; tell whether it ever was connected."""
        producer = self._new_producer()
        try:
            self._lanes = await asyncio.wait_for(self._connected(producer), START_SECONDS)
            await self._watch(producer, self._lanes)
            self._on_rebuild()
        except ClusterError as error:
            if str(error) != self._why:
                log.warning("nothing is written to %s: %s", self.settings.bootstrap, error)
            self._why = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - whatever aiokafka raises, the next try may succeed
            self._why = await told(self.settings.bootstrap, error)
            return False
        else:
            return True
        finally:
            if self._lanes is not None:
                self._lanes.close()
            self._lanes = None
            await _discard(producer)

    def _new_producer(self) -> Any:  # noqa: ANN401 - aiokafka is untyped
        return AIOKafkaProducer(
            **client_arguments(self.settings.bootstrap),
            client_id=self.settings.client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
            request_timeout_ms=int(self.settings.request_seconds * 1000),
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )

    async def _connected(self, producer: Any) -> Lanes:  # noqa: ANN401 - aiokafka is untyped
        await producer.start()
        for topic in self.settings.topics:
            await producer.partitions_for(topic)
        await self._require_layout()
        self._broken.clear()
        self._reachable = True
        if self._refusals < REFUSALS:
            log.info("Kafka producer is connected to %s", self.settings.bootstrap)
        return Lanes(producer, self._heard)

    async def _require_layout(self) -> None:
        """Look at the topics of the cluster the first time that there is one."""
        if self.settings.layout is not None and not self._fits.is_set():
            await require(self.settings.bootstrap, self.settings.layout)
        self._fits.set()

    async def _watch(self, producer: Any, lanes: Lanes) -> None:  # noqa: ANN401 - aiokafka is untyped
        """Return when the producer has to be made anew; until then ask every few seconds whether Kafka answers."""
        silence = Silence(self.settings.bootstrap)
        while not self._broken.is_set():
            if lanes.silent_seconds() > self.settings.rebuild_after_seconds:
                self._why = f"no acknowledgement for {self.settings.rebuild_after_seconds:.0f} s"
                return
            self._reachable = await _answers(producer)
            lanes.look_up_partitions_again()
            silence.note(answers=self._reachable)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._broken.wait(), PROBE_SECONDS)
        self._why = f"Kafka refused a record: {self._refusal}"


async def _delivered(lanes: Lanes, records: Sequence[LogRecord], seconds: float) -> BaseException | None:
    """Queue the records and wait, at most so long; give the error, a TimeoutError when the time was over.

    A timer on a plain future costs a fifth of `asyncio.timeout`.
    """
    loop = asyncio.get_running_loop()
    delivery = Delivery(loop.create_future())
    timer = loop.call_later(seconds, delivery.give_up)
    try:
        lanes.add(records, delivery)
        return await delivery.done
    finally:
        timer.cancel()
        if delivery.left > 0:
            lanes.forget(delivery)


def _words(cluster: Bootstrap, error: BaseException) -> str:
    """Put a refusal in words, with what to look at where that is known."""
    if isinstance(error, InvalidTimestampError):
        return f"{error!r}: is this machine's clock ahead of the brokers'?"
    if isinstance(error, NO_RIGHT):
        return no_right(cluster, error)
    return repr(error)


async def _answers(producer: Any) -> bool:  # noqa: ANN401 - aiokafka is untyped
    try:
        return bool(await asyncio.wait_for(producer.client.force_metadata_update(), PROBE_SECONDS))
    except TimeoutError:
        return False


class _UnderWay(set[Any]):
    """Batches under way, of a producer that is given up.

    aiokafka (0.14) takes a batch out when it fails, and once more when its try fails later, or if that has failed
    before: of a plain set a KeyError, by which the sender ends, and its own end has a fault of its own then
    (`TransactionManager.fatal_error`, without a transaction).
    """

    remove = set.discard


async def _discard(producer: Any) -> None:  # noqa: ANN401 - aiokafka is untyped
    """Close without waiting for a broker that may be gone; what still waits fails at once."""
    waiting = producer._message_accumulator  # noqa: SLF001 - `stop` alone would flush first
    waiting._pending_batches = _UnderWay(waiting._pending_batches)  # noqa: SLF001
    waiting.fail_all(ProducerClosed())
    await ended(producer, DISCARD_SECONDS)
