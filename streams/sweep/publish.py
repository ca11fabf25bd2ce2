"""Where a sweep's events go: into the log, or to standard output in a dry run."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

import orjson

from schemas.cloudevents import to_headers, to_structured, to_value
from schemas.events import Event
from schemas.times import to_epoch_ms
from streams.kafka.log import Log, LogError, LogRecord
from streams.kafka.topics import EVENTS

SEND_SECONDS = 10.0
PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Between tries to write, while Kafka is away; the same event again is no other (R1)."""


@dataclass(frozen=True, slots=True)
class LogPublisher:
    """Writes events into the inbound log."""

    log: Log
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def publish(self, events: Sequence[Event]) -> None:
        """Write events in order, each acknowledged by all in-sync replicas.

        Raises:
            LogError: Kafka does not take them, after all tries.
        """
        records = [_record(event) for event in events]
        for pause in PAUSES_SECONDS:
            try:
                return await self.log.send_all(records, SEND_SECONDS)
            except LogError:
                await self.sleep(pause)
        return await self.log.send_all(records, SEND_SECONDS)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints events in structured mode, one a line, as `txpush simulate` reads them."""

    out: TextIO | None = None

    async def publish(self, events: Sequence[Event]) -> None:
        """Print events."""
        out = self.out or sys.stdout
        out.writelines(orjson.dumps(to_structured(event)).decode() + "\n" for event in events)
        out.flush()


def _record(event: Event) -> LogRecord:
    key = None if event.partition_key is None else event.partition_key.encode()
    return LogRecord(EVENTS, key, to_value(event.data), to_headers(event), to_epoch_ms(event.time))
