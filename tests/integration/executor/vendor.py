"""A stand-in for the vendor's API that is just enough for an executor: a token, Fix links, and accounts."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

LINK = "https://connect2.example.com/?signature=canary-link"
SECRET = "canary-partner-secret"  # noqa: S105 - of this stand-in


class Stand:
    """What it is told to do, and what it was asked; changed and read from the test's thread."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.holds = False
        self.accepts = True
        self.busy = 0
        """Answers of 503 that are still to be given to reads."""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path))
        if request.path.endswith("/partners/authentication"):
            if not self.accepts:
                return web.json_response({"code": 10001, "message": "Invalid credentials"}, status=401)
            return web.json_response({"token": "canary-token"})
        if request.path == "/connect/v2/generate/fix":
            return await self._fix(request)
        return await self._read(request)

    async def _fix(self, request: web.Request) -> web.Response:
        self.bodies.append(json.loads(await request.read()))
        while self.holds:  # noqa: ASYNC110 - told from another thread
            await asyncio.sleep(0.02)
        return web.json_response({"link": f"{LINK}&number={len(self.bodies)}"})

    async def _read(self, request: web.Request) -> web.Response:
        while self.holds:  # noqa: ASYNC110 - told from another thread
            await asyncio.sleep(0.02)
        if self.busy:
            self.busy -= 1
            return web.Response(status=503)
        parts = request.path.split("/")
        account = {
            "id": "5900000001",
            "name": "canary-name",
            "number": "canary-number",
            "balance": 987654321.25,
            "customerId": parts[4],
            "institutionId": "102105",
            "institutionLoginId": 7100000007,
            "aggregationStatusCode": 0,
            "aggregationAttemptDate": 1793502000,
        }
        if parts[-1] == "simple":
            return web.json_response(account | {"id": parts[6]})
        return web.json_response({"accounts": [account]})

    def count(self, path: str) -> int:
        """Give how often a path was asked for."""
        return sum(path in one for _, one in self.asked)


@contextmanager
def standing() -> Iterator[Stand]:
    """Serve it on a free port, from a thread of its own."""
    stand, started, loop = Stand(), threading.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(stand, started, loop), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield stand
    finally:
        stand.holds = False
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _serve(stand: Stand, started: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stand.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    stand.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    started.set()
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()
