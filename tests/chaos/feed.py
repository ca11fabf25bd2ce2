"""Sends the notifications of a run at a steady rate: over HTTP until answered 200, or into the log directly."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer

from schemas.times import rfc3339, to_epoch_ms
from streams.kafka.topics import EVENTS
from tests.chaos.clock import TOKEN, ScaledClock
from tests.chaos.traffic import Direct, Notification, Post

CONNECTIONS = 16
REQUEST_SECONDS = 8.0
GIVE_UP_SECONDS = 90.0
MIN_RATE, MAX_RATE = 20.0, 600.0
"""Notifications a second."""
RETRY_SECONDS = 0.2
OK = 200


@dataclass(slots=True)
class Sent:
    """What was answered: ids of the events behind every 200, and hashes of the bodies that had refused records."""

    event_ids: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    direct: int = 0


@dataclass(slots=True)
class Feed:
    """A bounded number of requests at a time; customers' records may overtake each other, as the vendor's do."""

    bootstrap: str
    port: int
    clock: ScaledClock
    sent: Sent = field(default_factory=Sent)
    _producer: Any = None

    async def run(self, notifications: Iterable[Notification], count: int, seconds_left: Callable[[], float]) -> None:
        """Send `count` notifications over the seconds left; raises TimeoutError for one not accepted in time."""
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, enable_idempotence=True, acks="all")
        await self._producer.start()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        slots = asyncio.Semaphore(CONNECTIONS)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                asyncio.TaskGroup() as all_,
            ):
                for number, notification in enumerate(notifications):
                    await asyncio.sleep(1 / min(MAX_RATE, max(MIN_RATE, (count - number) / max(0.1, seconds_left()))))
                    await slots.acquire()
                    all_.create_task(self._send(session, notification, slots))
        finally:
            await asyncio.wait_for(self._producer.stop(), REQUEST_SECONDS)

    async def _send(self, session: aiohttp.ClientSession, notification: Notification, slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                if isinstance(notification, Post):
                    await self._post(session, notification)
                else:
                    await self._write(notification)
        finally:
            slots.release()

    async def _post(self, session: aiohttp.ClientSession, post: Post) -> None:
        """Send until it is accepted, as the vendor does."""
        url = f"http://127.0.0.1:{self.port}/{TOKEN}/{post.route}"
        while (answer := await self._answer(session, url, post.body)) != str(OK):
            self.sent.answers[answer] += 1
            await asyncio.sleep(RETRY_SECONDS)
        self.sent.answers[answer] += 1
        self.sent.event_ids.update(post.event_ids)
        if post.refused:
            self.sent.refused.add(post.sha256)

    async def _answer(self, session: aiohttp.ClientSession, url: str, body: bytes) -> str:
        try:
            async with session.post(url, data=body) as response:
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__

    async def _write(self, direct: Direct) -> None:
        at = self.clock.now()
        time_ = "yesterday" if direct.fault == "bad_time" else rfc3339(at)
        headers = [
            ("ce_id", f"direct:{self.sent.direct}".encode()),
            ("ce_type", direct.event_type.encode()),
            ("ce_source", direct.source.encode()),
            ("ce_time", time_.encode()),
        ]
        self.sent.direct += 1
        key = {"no_key": None, "wrong_key": b"somebody"}.get(direct.fault, direct.customer_id.encode())
        kept = [header for header in headers if direct.fault != "no_type" or header[0] != "ce_type"]
        place = 0 if direct.fault == "wrong_partition" else None
        await self._producer.send_and_wait(
            EVENTS, direct.data, key=key, partition=place, headers=kept, timestamp_ms=to_epoch_ms(at)
        )
