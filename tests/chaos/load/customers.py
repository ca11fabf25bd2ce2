"""Customers who follow their links: the executor's page, the vendor's page, and back."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.sandbox.visitor import VisitError, Visitor
from tests.chaos.actors.vendor import Vendor

TOPIC = "remediation.connect-fix"
CLICKING_SHARE = 0.5
AT_ONCE = 2
VISIT_SECONDS = 30.0
PAGES = 5
FIXABLE = 103
LED_ON = 303
POLL_SECONDS = 0.2
RESTART_SECONDS = 1.0
FIELDS: dict[str, dict[str, str]] = {
    "sign_in": {"username": "demo", "password": "go"},
    "answer": {"answer": "kite"},
    "approve": {},
    "finish": {},
    "exit": {},
}
"""What is filled in before each button of the vendor's page, in the order of preference."""


@dataclass(slots=True)
class Customers:
    """Reads commands as they are committed, and lets some of the vendor's customers use the link."""

    bootstrap: str
    seed: int
    vendor: Vendor
    outcomes: Counter[str] = field(default_factory=Counter)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Go on until cancelled, with a new consumer whenever one fails."""
        draw = random.Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
        known = {login.customer_id: login.login_id for login in self.vendor.logins}
        async with httpx.AsyncClient(timeout=VISIT_SECONDS, trust_env=False) as browser:
            try:
                while True:
                    with contextlib.suppress(KafkaError, TimeoutError, OSError):
                        await self._follow(browser, known, draw)
                    await asyncio.sleep(RESTART_SECONDS)
            finally:
                for visit in self._visits:
                    visit.cancel()

    async def _follow(self, browser: httpx.AsyncClient, known: dict[str, str], draw: random.Random) -> None:
        consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=self.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            while True:
                polled = await consumer.getmany(timeout_ms=int(POLL_SECONDS * 1000))
                for record in (one for records in polled.values() for one in records):
                    self._hear(browser, orjson.loads(record.value), known, draw)
        finally:
            await asyncio.wait_for(consumer.stop(), VISIT_SECONDS)

    def _hear(
        self, browser: httpx.AsyncClient, command: dict[str, Any], known: dict[str, str], draw: random.Random
    ) -> None:
        link = command.get("fix_url")
        if link is None or command["customer_id"] not in known or len(self._visits) >= AT_ONCE:
            return
        if draw.random() < CLICKING_SHARE:
            visit = asyncio.create_task(self._visit(browser, link, known[command["customer_id"]]))
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)

    async def _visit(self, browser: httpx.AsyncClient, link: str, login_id: str) -> None:
        try:
            async with asyncio.timeout(VISIT_SECONDS):
                self.outcomes[await self._walk(browser, link, login_id)] += 1
        except (httpx.HTTPError, TimeoutError, VisitError) as error:
            self.outcomes[type(error).__name__] += 1

    async def _walk(self, browser: httpx.AsyncClient, link: str, login_id: str) -> str:
        """Press the button of our page, then those of the vendor's; gives how it ended."""
        self.vendor.break_login(login_id, FIXABLE)
        answer = await browser.post(link, follow_redirects=False)
        if answer.status_code != LED_ON:
            return str(answer.status_code)
        visitor = Visitor(browser)
        page = await visitor.open(answer.headers["location"])
        for _ in range(PAGES):
            if page.left_to is not None:
                return "back with us"
            button = next((name for name in FIELDS if name in page.buttons), None)
            if button is None:
                break
            page = await visitor.press(button, **FIELDS[button])
        return f"left at {page.title}"
