"""A sandbox on a clock that stands, its API without sockets, and a listener that keeps what it is sent."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.visitor import Visitor
from streams.testing.clock import VirtualClock

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TXPUSH, CONNECT = "http://127.0.0.1:8080/token/txpush", "http://127.0.0.1:8080/token/connect"
BACK = "https://app.example.com/back?case=7"


@dataclass
class Received:
    """One call of the sandbox."""

    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 - JSON of any shape
        return orjson.loads(self.content)

    @property
    def word(self) -> str:
        """Give the event in a word: `185` for an account's code, the event type of Data Connect, else the type."""
        if "eventType" in self.body:
            return str(self.body["eventType"])
        event = self.body["event"]
        code = event["records"][0].get("aggregationStatusCode")
        return str(code) if (event["class"], event["type"]) == ("account", "modified") else event["type"]


@dataclass
class Listener:
    """Answers as it is told, 200 by default, and echoes verification codes."""

    received: list[Received] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    status: int = 200
    echo: Response | None = None
    stuck: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Starlette:
        """Give the ASGI application."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    def words(self) -> list[str]:
        """Give what was received, in words."""
        return [one.word for one in self.received]

    async def _answer(self, request: Request) -> Response:
        if self.stuck:
            await asyncio.Event().wait()
        if request.method == "GET":
            self.verified.append(request.query_params["txpush_verification_code"])
            return self.echo or PlainTextResponse(self.verified[-1])
        content = await request.body()
        self.received.append(Received(request.url.path, dict(request.headers), content))
        self.heard.set()
        return Response(status_code=self.statuses.pop(0) if self.statuses else self.status)


@dataclass
class Bench:
    """A sandbox with everything around it; `api` has key and token."""

    sandbox: Sandbox
    clock: VirtualClock
    listener: Listener
    api: httpx.AsyncClient

    async def authenticate(self) -> None:
        """Get a token for two hours."""
        settings = self.sandbox.settings
        pair = {"partnerId": settings.partner_id, "partnerSecret": settings.partner_secret}
        reply = await self.api.post("/aggregation/v2/partners/authentication", json=pair)
        self.api.headers["finicity-app-token"] = reply.json()["token"]

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Give the body of a GET that is answered 200."""
        reply = await self.api.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def subscribe(self, account_id: str, url: str = TXPUSH) -> list[dict[str, Any]]:
        """Subscribe to an account."""
        customer = self.sandbox.world.accounts[account_id].customer_id
        path = f"/aggregation/v1/customers/{customer}/accounts/{account_id}/txpush"
        reply = await self.api.post(path, json={"callbackUrl": url})
        assert reply.status_code == 201, reply.text
        subscriptions: list[dict[str, Any]] = reply.json()["subscriptions"]
        return subscriptions

    async def link(self, customer_id: str, login_id: str | None = None, **more: object) -> str:
        """Make a link to the hosted page: Fix for a login, else Full."""
        await self.authenticate()
        body = {"partnerId": "sandbox-partner", "customerId": customer_id, "webhook": CONNECT, "redirectUri": BACK}
        fix = {} if login_id is None else {"institutionLoginId": login_id}
        path = "/connect/v2/generate" + ("" if login_id is None else "/fix")
        reply = await self.api.post(path, json={**body, **fix, **more})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["link"])

    def visitor(self) -> Visitor:
        """Give somebody who uses the hosted page."""
        return Visitor(self.api)

    def codes(self) -> list[int | None]:
        """Give the code of every account."""
        return [account.code for account in self.sandbox.truth()]

    async def connected(
        self,
        username: str = "tfa_multi",
        password: str = "go",  # noqa: S107 - a test profile
        bank: str = "102105",
    ) -> tuple[str, str]:
        """Give a new customer with one login of one account that has a subscription."""
        customer = self.sandbox.add_customer()
        login = self.sandbox.add_login(customer, bank, username, password)
        first, *others = self.sandbox.accounts_of(login.id)
        for account in others:
            self.sandbox.delete_account(account)
        await self.subscribe(first)
        return customer, login.id

    def connected_quietly(self, username: str) -> str:
        """Give the login of a new customer; its first account has a subscription that nobody verified."""
        login = self.sandbox.add_login(self.sandbox.add_customer(), "102105", username, "go")
        first = self.sandbox.world.of_login(login.id)[0]
        self.sandbox.world.subscribe(first, TXPUSH, wants_xml=False)
        return login.id

    async def after(self, **later: float) -> None:
        """Move the clock on and let everything happen that is due by then."""
        await self.sandbox.advance(timedelta(**later))


def bench_with(listener: Listener, settings: SandboxSettings, clock: VirtualClock) -> Bench:
    """Give a sandbox that calls the listener."""
    webhooks = httpx.AsyncClient(transport=httpx.ASGITransport(listener.app()))
    sandbox = Sandbox(settings, clock, webhooks)
    api = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox")
    return Bench(sandbox, clock, listener, api)
