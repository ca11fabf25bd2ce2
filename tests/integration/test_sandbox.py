"""`txpush sandbox` as a process, and a sandbox on real sockets that calls a real listener."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp import web

from streams.ports import PortError
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.server import serving
from streams.sandbox.visitor import Visitor
from streams.testing.clock import VirtualClock
from tests.processes import CLI, environment, run, taken_port

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COMMAND = [sys.executable, "-m", "streams.cli", "sandbox"]
SECONDS = 20.0


@contextmanager
def command(**more: str) -> Iterator[str]:
    """Run the command and give its address; it must end with 0 when it is asked to."""
    environ = environment(more)
    with subprocess.Popen([*COMMAND, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(SECONDS)
    assert code == 0


def test_the_command_serves_until_it_is_asked_to_end() -> None:
    """Prints its address, answers, moves its clock, and ends with 0."""
    with command() as url:
        moved = httpx.post(f"{url}/sandbox/clock", json={"seconds": 86_400}, timeout=SECONDS)
        assert datetime.fromisoformat(moved.json()["now"]) > datetime.now(UTC)


def test_the_command_says_that_a_port_is_taken() -> None:
    """Exit 2 and one line: the address, and what to do."""
    with taken_port() as port:
        done = run((*CLI, "sandbox", "--port", str(port)), {}, SECONDS)
    assert done.returncode == 2
    assert f"the sandbox cannot listen on 127.0.0.1:{port}: Address already in use; end what" in done.stderr
    assert "set --port to another port" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_shared_clock_is_not_moved_by_the_command() -> None:
    """With TXPUSH_CLOCK it is everybody's: 409."""
    with command(TXPUSH_CLOCK="2025-01-01T00:00:00Z,2026-01-01T00:00:00Z,1") as url:
        assert httpx.post(f"{url}/sandbox/clock", json={"seconds": 1}, timeout=SECONDS).status_code == 409
        now = httpx.get(f"{url}/sandbox/", timeout=SECONDS).json()["now"]
        assert datetime.fromisoformat(now) < datetime.now(UTC)


async def test_a_taken_port_is_refused_in_words() -> None:
    """Not shared with whoever is there."""
    with taken_port() as port, pytest.raises(PortError, match=f"127.0.0.1:{port}"):
        async with serving(Sandbox(SandboxSettings(), VirtualClock(START)), port=port):
            pass


async def test_a_repair_over_real_sockets() -> None:
    """API, page and webhooks over TCP: the listener hears all of it, the account is at 0."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        record = body["event"]["records"][0] if "event" in body else {}
        await heard.put(str(body.get("eventType", record.get("aggregationStatusCode"))))
        return web.Response()

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.query["txpush_verification_code"])

    application = web.Application()
    application.router.add_post("/connect", hear)
    application.router.add_get("/txpush", echo)
    application.router.add_post("/txpush", hear)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener = f"http://127.0.0.1:{runner.addresses[0][1]}"
    clock = VirtualClock(START)
    sandbox = Sandbox(SandboxSettings(refresh_after_seconds=0), clock)
    try:
        async with serving(sandbox) as url, httpx.AsyncClient(base_url=url, timeout=SECONDS) as api:
            await _repair(sandbox, api, listener)
            async with asyncio.timeout(SECONDS):
                words = [await heard.get() for _ in range(7)]
    finally:
        await runner.cleanup()
    assert words == ["185", "ping", "started", "mfa", "credentialsUpdated", "done", "0"]
    assert sandbox.truth()[0].code == 0


async def _repair(sandbox: Sandbox, api: httpx.AsyncClient, listener: str) -> None:
    pair = {"partnerId": "sandbox-partner", "partnerSecret": "sandbox-secret-1"}
    api.headers["finicity-app-key"] = "sandbox-app-key"
    token = (await api.post("/aggregation/v2/partners/authentication", json=pair)).json()["token"]
    api.headers["finicity-app-token"] = token
    customer = sandbox.add_customer()
    login = sandbox.add_login(customer, "102105", "tfa_multi", "go")
    account, *_ = sandbox.accounts_of(login.id)
    path = f"/aggregation/v1/customers/{customer}/accounts/{account}/txpush"
    json_wanted = {"accept": "application/json"}
    subscribed = await api.post(path, json={"callbackUrl": f"{listener}/txpush"}, headers=json_wanted)
    assert subscribed.status_code == 201
    sandbox.refresh(login.id)
    await sandbox.settle()
    fix = {"partnerId": "sandbox-partner", "customerId": customer, "institutionLoginId": login.id}
    made = await api.post("/connect/v2/generate/fix", json={**fix, "webhook": f"{listener}/connect"})
    visitor = Visitor(api)
    await visitor.open(made.json()["link"])
    await visitor.press("answer", answer="kite")
    await visitor.press("finish")
