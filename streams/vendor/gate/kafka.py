"""The gate of all processes of a cluster: claims and outcomes on the compact topic `vendor.auth`."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.ending import ended
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.topics import VENDOR_AUTH
from streams.kafka.view import RecordRefusedError, TopicView, ViewRecord
from streams.vendor.gate.claims import AuthRecord, ClaimGate, Hear

STEP_SECONDS = 8.0
STOP_SECONDS = 2.0
CLIENT_ID = "txpush-vendor"


class KafkaLog:
    """The topic: read by a view, written by a producer made for each writing, as there are few."""

    def __init__(self, bootstrap: Bootstrap, topic: str = VENDOR_AUTH) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._view: TopicView | None = None

    async def start(self, hear: Hear) -> None:
        """Begin to read."""
        self._view = TopicView(self._bootstrap, [self._topic], partial(_heard, hear), client_id=CLIENT_ID)
        await self._view.start()

    async def stop(self) -> None:
        """Stop reading."""
        if self._view is not None:
            await self._view.stop()

    async def write(self, records: Sequence[AuthRecord]) -> None:
        """Write records of one pair to the partition of the pair, in order."""
        producer = self._producer()
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await producer.start()
                partition = _partition_of(records[0].key, len(await producer.partitions_for(self._topic)))
                for record in records:
                    await producer.send_and_wait(
                        self._topic,
                        record.value,
                        key=record.key.encode(),
                        partition=partition,
                        timestamp_ms=to_epoch_ms(WallClock().now()),
                    )
        finally:
            await ended(producer, STOP_SECONDS)

    async def caught_up(self, seconds: float) -> None:
        """Wait for the view."""
        if self._view is None:
            raise TimeoutError(f"{self._topic} is not read: the gate was not entered")
        await self._view.caught_up(seconds)

    def problems(self) -> list[str]:
        """Say what is in the way of the view."""
        if self._view is not None:
            return self._view.problems()
        return [f"{self._topic} is not read yet; wait for topics that fit, `txpush topics check` tells whether they do"]

    def _producer(self) -> Any:  # noqa: ANN401 - aiokafka is untyped
        return AIOKafkaProducer(
            **client_arguments(self._bootstrap),
            client_id=CLIENT_ID,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            request_timeout_ms=int(STEP_SECONDS * 1000),
        )


def _heard(hear: Hear, record: ViewRecord) -> None:
    """Pass on a record; without one of them the credentials could be tried once too often."""
    if record.key is None:
        return
    try:
        hear(record.key.decode(errors="replace"), record.value, record.timestamp_ms)
    except Exception as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise RecordRefusedError(f"{place}: {type(error).__name__}") from error


def _partition_of(key: str, partitions: int) -> int:
    """Place by the pair alone: murmur2 of the whole key would part a claim from its outcome."""
    pair, _, _ = key.partition("/")
    return int(pair, 16) % partitions


class KafkaGate(ClaimGate):
    """One decision for all processes of a cluster.

    Args:
        bootstrap: Kafka's addresses.
        who: the name of this process in the records.
        topic: another one in tests.
    """

    def __init__(self, bootstrap: Bootstrap, who: str | None = None, topic: str = VENDOR_AUTH) -> None:
        super().__init__(KafkaLog(bootstrap, topic), who, (KafkaError, OSError, TimeoutError))
