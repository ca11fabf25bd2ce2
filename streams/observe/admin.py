"""The admin port of a process: `/metrics`, `/healthz` and `/readyz`, apart from the port that the world reaches."""

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from streams.ports import ADMIN, Endpoint, PortError, address_of

LISTEN_SECONDS = 5.0
"""How long the system may take to listen on an address."""
STOP_SECONDS = 1.0
MAX_LINES = 20
"""Reasons of one answer, and notes of one; behind them stands how many more there are."""
NOTE = "note: "
"""What a line begins with that is no reason against working: a restart would not mend it."""


class AdminServer:
    """Answers in the event loop of the process, so that a stuck loop shows as a dead process.

    Args:
        host: address to listen on, or a name of it; not one that the vendor can reach.
        port: port to listen on, 0 for any free one.
        registry: what `/metrics` shows.
        ready: gives what keeps the process from working, in words; ready when there is nothing. Must not block.
        healthy: gives why the process should be replaced, in the same way.
        notes: gives what somebody should look at though the process works; it is told with readiness, and changes none.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        ready: Callable[[], list[str]],
        healthy: Callable[[], list[str]] = list,
        *,
        notes: Callable[[], list[str]] = list,
    ) -> None:
        self.host = host
        self.port = port
        self._registry = registry
        self._ready = ready
        self._healthy = healthy
        self._notes = notes
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=STOP_SECONDS)

    async def start(self) -> None:
        """Listen; `host` and `port` are those of the `endpoint` from then on.

        Raises:
            PortError: it is taken, or nobody can listen there.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]
        await self._runner.setup()
        address = await address_of(self.host, self.port, ADMIN)
        try:
            async with asyncio.timeout(LISTEN_SECONDS):
                await web.TCPSite(self._runner, address, self.port).start()
        except (OSError, OverflowError) as error:
            raise PortError(self.host, self.port, ADMIN, error) from None
        self.host, self.port = address, int(self._runner.addresses[0][1])

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, once it does."""
        return Endpoint(self.host, self.port)

    async def stop(self) -> None:
        """Stop listening; takes `STOP_SECONDS` at most."""
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/readyz", self._readiness)
        return application

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return web.Response(body=encode(self._registry), headers={"content-type": content_type})

    async def _health(self, _request: web.Request) -> web.Response:
        return _told(self._healthy(), "ok")

    async def _readiness(self, _request: web.Request) -> web.Response:
        return _told(self._ready(), "ready", self._notes())


def _told(problems: list[str], good: str, notes: Sequence[str] = ()) -> web.Response:
    lines = [*(_few(problems) or [good]), *(f"{NOTE}{one}" for one in _few(notes))]
    return web.Response(status=503 if problems else 200, text="\n".join(lines) + "\n")


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MAX_LINES
    return [*lines[:MAX_LINES], *([f"and {more} more"] if more > 0 else [])]
