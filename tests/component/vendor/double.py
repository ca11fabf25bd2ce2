"""A stand-in for the vendor that answers as it is told, over a real socket, and a client of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from streams.observe.metrics import Instruments
from streams.vendor import MemoryGate, Vendor, VendorMeters, VendorSettings
from streams.vendor.calls import AUTHENTICATION
from streams.vendor.gate import Gate
from streams.vendor.pace import Timing

APP_KEY, PARTNER_ID, SECRET = "canary-app-key", "2445580000000", "canary-partner-secret"
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
CUSTOMER, ACCOUNT, LOGIN, INSTITUTION = "7000000042", "5900000001", "7100000007", "102105"
RECORD: dict[str, Any] = {
    "id": ACCOUNT,
    "accountNumberDisplay": "canary-9876",
    "realAccountNumberLast4": "9876",
    "name": "canary-name",
    "accountNickname": "canary-nickname",
    "number": "canary-number",
    "balance": 987654.32,
    "type": "checking",
    "aggregationStatusCode": 185,
    "status": "active",
    "customerId": CUSTOMER,
    "institutionId": INSTITUTION,
    "balanceDate": 1793500000,
    "aggregationSuccessDate": 1793400000,
    "aggregationAttemptDate": 1793500000,
    "createdDate": 1790000000,
    "currency": "USD",
    "institutionLoginId": int(LOGIN),
}


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


class HandTiming:
    """Waits that are over at once, and are kept."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.waits: list[float] = []
        self.chance = 0.5
        self.timing = Timing(lambda: self.at, self._sleep, lambda: self.chance)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Reply:
    """An answer to come."""

    status: int = 200
    body: bytes | str | dict[str, Any] = field(default_factory=dict)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False

    @property
    def content(self) -> bytes:
        body = orjson.dumps(self.body) if isinstance(self.body, dict) else self.body
        return body.encode() if isinstance(body, str) else body

    def response(self) -> web.Response:
        headers = {"content-type": self.content_type, **self.headers}
        return web.Response(status=self.status, body=self.content, headers=headers)


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Upstream:
    """The vendor: replies in the order they were queued, then with `default`; tokens count up from 1."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.default = Reply(200, RECORD)
        self.default_token: Reply | None = None
        self.replies: deque[Reply] = deque()
        self.tokens: deque[Reply] = deque()
        self.attempts = 0
        self.valid: Callable[[str], bool] = lambda _token: True
        self.asked = asyncio.Event()
        self.hanging = asyncio.Event()

    @property
    def calls(self) -> list[Seen]:
        """Requests that were no authentication."""
        return [one for one in self.seen if one.path != AUTHENTICATION]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.method, request.path_qs, headers, await request.read()))
        reply = self._authenticated() if request.path == AUTHENTICATION else self._replied(headers)
        if reply.hang:
            await self.hanging.wait()
        return reply.response()

    def _authenticated(self) -> Reply:
        self.attempts += 1
        self.asked.set()
        if self.tokens:
            return self.tokens.popleft()
        return self.default_token or Reply(200, {"token": f"canary-token-{self.attempts}"})

    def _replied(self, headers: dict[str, str]) -> Reply:
        if not self.valid(headers.get("finicity-app-token", "")):
            return Reply(401, {"code": "10023", "message": "Expired (Finicity-App-Token)"})
        return self.replies.popleft() if self.replies else self.default


@asynccontextmanager
async def serving() -> AsyncIterator[Upstream]:
    """Serve on a free port of this machine."""
    upstream = Upstream()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        upstream.hanging.set()
        await runner.cleanup()


def settings_of(upstream: Upstream, **changed: Any) -> VendorSettings:  # noqa: ANN401 - any setting by name
    """Give settings that lead to the stand-in."""
    fields: dict[str, Any] = {
        "url": upstream.url,
        "app_key": SecretStr(APP_KEY),
        "partner_id": PARTNER_ID,
        "partner_secret": SecretStr(SECRET),
        "per_second": 1000.0,
        "institution_per_second": 1000.0,
    }
    return VendorSettings(**(fields | changed))


class Client:
    """A vendor client with all that a test may move or look at."""

    def __init__(self, upstream: Upstream, gate: Gate | None = None, **changed: Any) -> None:  # noqa: ANN401 - as above
        self.upstream = upstream
        self.clock, self.hand = HandClock(), HandTiming()
        self.registry = CollectorRegistry()
        self.gate = gate or MemoryGate()
        meters = VendorMeters(Instruments("vendor", self.registry))
        settings = settings_of(upstream, **changed)
        self.vendor = Vendor(settings, self.gate, self.clock, meters, timing=self.hand.timing)

    def count(self, name: str, **labels: str) -> float:
        """Read a series."""
        return self.registry.get_sample_value(f"txpush_vendor_{name}", labels) or 0.0


@asynccontextmanager
async def client_of(upstream: Upstream, gate: Gate | None = None, **changed: Any) -> AsyncIterator[Client]:  # noqa: ANN401 - as above
    """Give an open client."""
    client = Client(upstream, gate, **changed)
    async with client.gate, client.vendor:
        yield client
