"""The stand-in for the vendor: its books, its API, its hosted page and its webhooks on one clock."""

import asyncio
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx
from starlette.applications import Starlette

from schemas.catalogue import Catalogue
from streams.clock import Clock
from streams.sandbox.api.control import Control
from streams.sandbox.api.routes import application
from streams.sandbox.books.aggregation import Aggregator
from streams.sandbox.books.model import Account
from streams.sandbox.books.partner import Partner
from streams.sandbox.books.world import World
from streams.sandbox.controls import Controls
from streams.sandbox.delivery.agenda import Agenda
from streams.sandbox.delivery.courier import Courier
from streams.sandbox.delivery.faults import Faults
from streams.sandbox.delivery.outbox import Outbox
from streams.sandbox.parts import Parts
from streams.sandbox.seed import Seed
from streams.sandbox.settings import SandboxSettings


class Sandbox(Controls):
    """One vendor in memory.

    `app` is its ASGI application. As a context manager it follows its clock by itself; without, nothing is sent until
    `settle()` is awaited, so that a test decides when. `client` carries the webhooks, and is closed by who made it.
    """

    def __init__(self, settings: SandboxSettings, clock: Clock, client: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self.clock = clock
        self._client = client
        self._own_client: httpx.AsyncClient | None = None
        self._following: asyncio.Task[None] | None = None
        seed = Seed(settings.seed)
        self.partner = Partner(settings.partner_id, settings.partner_secret, settings.app_key, seed)
        self.faults = Faults(seed)
        self.agenda = Agenda(self.faults, settings.max_pending)
        self._outbox = Outbox(self.agenda, seed, settings.signature_strategy, lambda: self.partner.secret)
        self.world = World(seed, self._changed)
        self.aggregator = Aggregator(self.world, Catalogue.load(), event_on_attempt=settings.event_on_attempt)
        self.courier = Courier(
            self.agenda,
            clock,
            self.webhook_client,
            nightly=self.aggregator.nightly,
            nightly_hour=settings.nightly_hour,
            senders=settings.senders,
            seconds=settings.webhook_seconds,
        )
        self.app = self._application(seed)

    async def __aenter__(self) -> Self:
        """Follow the clock."""
        self._following = asyncio.create_task(self.courier.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what has not been sent yet is not sent."""
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to listeners."""
        if self._own_client is not None:
            await self._own_client.aclose()
            self._own_client = None

    def webhook_client(self) -> httpx.AsyncClient:
        """Give the client for calls to listeners; one of our own where none was given."""
        if self._client is not None:
            return self._client
        if self._own_client is None:
            self._own_client = httpx.AsyncClient(timeout=self.settings.webhook_seconds, trust_env=False)
        return self._own_client

    def _changed(self, account: Account, type_name: str, at: datetime) -> None:
        self._outbox.account_changed(self.world, account, type_name, at)

    def _application(self, seed: Seed) -> Starlette:
        parts = Parts(
            settings=self.settings,
            clock=self.clock,
            seed=seed,
            partner=self.partner,
            world=self.world,
            aggregator=self.aggregator,
            faults=self.faults,
            agenda=self.agenda,
            outbox=self._outbox,
            client=self.webhook_client,
        )
        return application(parts, Control(self))
