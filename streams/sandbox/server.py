"""The sandbox on a port: granian in this event loop, for the command and for tests that want real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.ports import SANDBOX, Endpoint, ToldBy, free_endpoint
from streams.sandbox.sandbox import Sandbox
from streams.serving import http_server

BACKLOG = 512
MAX_CONNECTIONS = 2048
START_SECONDS = 10.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.01
_TASKS = Path("/proc/self/task")


class SandboxError(RuntimeError):
    """The sandbox does not answer; the message says where, and what to do."""


@asynccontextmanager
async def serving(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, told_by: ToldBy = SANDBOX
) -> AsyncIterator[str]:
    """Serve a sandbox that follows its clock; gives its address, on a free port where 0 was asked for.

    `told_by` is what was given host and port, and has to change where nobody can listen there.

    Raises:
        PortError: the port is taken, or nobody can listen there.
        SandboxError: the server does not start in ten seconds.
    """
    endpoint = await free_endpoint(host, port, told_by)
    server, threads = (
        http_server(sandbox.app, endpoint.host, endpoint.port, max_connections=MAX_CONNECTIONS, backlog=BACKLOG),
        _threads(),
    )
    async with sandbox:
        running = asyncio.create_task(server.serve())
        try:
            await _until_listening(endpoint, running)
            yield f"http://{endpoint}"
        finally:
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([running], timeout=STOP_SECONDS)
            await _until_ended(threads)


def _threads() -> int:
    """Count the threads of this process, those that Python does not know of included."""
    return len(list(_TASKS.iterdir())) if _TASKS.is_dir() else 0


async def _until_ended(threads: int) -> None:
    """Wait for the server's threads: granian panics if the interpreter goes before them (its issue 693)."""
    for _ in range(int(STOP_SECONDS / LOOK_SECONDS)):
        if _threads() <= threads:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _until_listening(endpoint: Endpoint, running: asyncio.Task[None]) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not running.done():
                try:
                    _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
                except OSError:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pass
    raise SandboxError(f"the sandbox does not answer on {endpoint}. Start it again; choose another port with --port.")
