"""Sends the notifications of a run at a steady rate: over HTTP until answered 200, or into the log directly."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.times import rfc3339, to_epoch_ms
from streams.clock import Clock
from streams.kafka.topics import EVENTS
from tests.chaos.actors.bridge import TOKEN
from tests.chaos.load.sent import Refusal, Sent, direct_id
from tests.chaos.load.traffic import Direct, Notification, Post

CONNECTIONS = 64
"""Enough for 300 notifications a second where each takes 0.2 s, as on a machine that has no time left."""
REQUEST_SECONDS = 8.0
GIVE_UP_SECONDS = 240.0
"""Longer than all brokers may be gone."""
MIN_RATE, MAX_RATE = 20.0, 600.0
"""Notifications a second."""
RETRY_SECONDS = 0.2
OK = 200

Pace = Callable[[int], float]
"""Seconds to wait before the notification of this number."""


def spread(count: int, seconds_left: Callable[[], float]) -> Pace:
    """Spread what is left of `count` over the seconds that are left, within bounds."""

    def pace(number: int) -> float:
        return 1 / min(MAX_RATE, max(MIN_RATE, (count - number) / max(0.1, seconds_left())))

    return pace


def steady(per_second: float) -> Pace:
    """Keep to a rate: what was held up is made good."""
    began = time.monotonic()

    def pace(number: int) -> float:
        return max(0.0, began + number / per_second - time.monotonic())

    return pace


@dataclass(slots=True)
class Feed:
    """A bounded number of requests at a time; customers' records may overtake each other, as the vendor's do.

    Each try goes to the next bridge of several, as behind a load balancer that does not know which ones live.
    """

    bootstrap: str
    ports: Sequence[int]
    clock: Clock
    sent: Sent = field(default_factory=Sent)
    begun: int = 0
    """Notifications sent at least once, or about to be."""
    stopping: bool = False
    """Set from outside to have the feed end before its notifications do."""
    _producer: Any = None
    _next_port: Any = None

    async def run(self, notifications: Iterable[Notification], pace: Pace) -> None:
        """Send notifications; raises TimeoutError for one not accepted in time."""
        # Not idempotent, as this sends again by itself; with acks, as it claims what was acknowledged.
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", request_timeout_ms=8_000)
        self._next_port = itertools.cycle(self.ports)
        await self._producer.start()
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        slots = asyncio.Semaphore(CONNECTIONS)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                asyncio.TaskGroup() as all_,
            ):
                for self.begun, notification in enumerate(notifications):
                    if self.stopping:
                        break
                    await asyncio.sleep(pace(self.begun))
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
        name = post.sha256
        while True:
            claim = self.sent.trying(name, post.stored, time.monotonic())
            answer = await self._answer(session, post)
            self.sent.answers[answer] += 1
            if answer == str(OK):
                break
            self.sent.refusals.append(Refusal(answer, time.time()))
            await asyncio.sleep(RETRY_SECONDS)
        self.sent.accept(claim, time.monotonic())
        if post.refused:
            self.sent.refused.add(name)

    async def _answer(self, session: aiohttp.ClientSession, post: Post) -> str:
        url = f"http://127.0.0.1:{next(self._next_port)}/{TOKEN}/{post.route}"
        try:
            async with session.post(url, data=post.body) as response:
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__

    async def _write(self, direct: Direct) -> None:
        name = direct_id(self.sent.direct)
        self.sent.direct += 1
        while True:
            claim = self.sent.trying(name, (), time.monotonic())
            try:
                await self._written(direct, name)
            except (KafkaError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.sent.accept(claim, time.monotonic())
                return

    async def _written(self, direct: Direct, name: str) -> None:
        at = self.clock.now()
        time_ = "yesterday" if direct.fault == "bad_time" else rfc3339(at)
        headers = [
            ("ce_id", name.encode()),
            ("ce_type", direct.event_type.encode()),
            ("ce_source", direct.source.encode()),
            ("ce_time", time_.encode()),
        ]
        key = {"no_key": None, "wrong_key": b"somebody"}.get(direct.fault, direct.customer_id.encode())
        kept = [header for header in headers if direct.fault != "no_type" or header[0] != "ce_type"]
        place = 0 if direct.fault == "wrong_partition" else None
        async with asyncio.timeout(REQUEST_SECONDS):
            await self._producer.send_and_wait(
                EVENTS, direct.data, key=key, partition=place, headers=kept, timestamp_ms=to_epoch_ms(at)
            )
