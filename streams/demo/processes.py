"""The workers of the demo: real `txpush` processes, started again when they exit, gone when the demo is."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from streams.exits import EXIT_NOTHING
from streams.kafka.embedded import process as embedded
from streams.kafka.embedded.machine import HOST
from streams.settings import PREFIX

MAX_RESTARTS = 4
START_SECONDS = 10.0
STOP_SECONDS = 4.0


class DemoError(Exception):
    """The demo cannot go on; the message says what happened, `details` what was last heard."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, slots=True)
class Worker:
    """What to run: a subcommand of `txpush` with its settings (names of the environment) and its admin port."""

    name: str
    command: str
    admin_port: int
    settings: Mapping[str, str]

    @property
    def admin(self) -> str:
        """Give the address of /metrics and /readyz."""
        return f"http://{HOST}:{self.admin_port}"

    def environment(self) -> dict[str, str]:
        """Give the environment: the caller's own settings would change what the demo shows."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return {**inherited, f"{PREFIX}ADMIN_PORT": str(self.admin_port), **self.settings}


class Workers:
    """Runs workers; one that exits is started again, as a supervisor in production does.

    Each hangs on a guard process that ends it even when the demo is killed (`streams.kafka.embedded.guard`).
    """

    def __init__(self, workers: Sequence[Worker], folder: Path) -> None:
        self.workers = workers
        self._folder = folder
        self._pids: dict[str, int] = {}

    def log(self, worker: Worker) -> Path:
        """Give the place of a worker's log; a restart goes on writing to it."""
        return self._folder / f"{worker.name}.log"

    def last_lines(self, worker: Worker) -> str:
        """Give the end of a worker's log with its place."""
        log = self.log(worker)
        return f"The end of {log}:\n" + "\n".join(embedded.last_lines(log))

    async def supervise(self) -> None:
        """Keep all running until cancelled, then end them. Raises DemoError when one cannot be kept running."""
        async with asyncio.TaskGroup() as group:
            for worker in self.workers:
                group.create_task(self._keep_running(worker))

    async def _keep_running(self, worker: Worker) -> None:
        for _ in range(MAX_RESTARTS + 1):
            code = await self._run(worker)
            if code == EXIT_NOTHING:
                break
        raise DemoError(f"{worker.name} cannot be kept running, its last exit code is {code}.", self.last_lines(worker))

    async def _run(self, worker: Worker) -> int:
        """Start a worker and wait for its end; gives its exit code, 0 for a signal."""
        guard = await self._start(worker)
        try:
            self._pids[worker.name] = await _reported_pid(guard)
            return await guard.wait()
        finally:
            pid = self._pids.pop(worker.name, None)
            await _end(guard, pid)

    async def _start(self, worker: Worker) -> asyncio.subprocess.Process:
        with self.log(worker).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-I",
                    "-S",
                    str(embedded.GUARD),
                    str(os.getpid()),
                    "--remove",
                    str(self._folder),
                    "--",
                ),
                *(sys.executable, "-m", "streams.cli", worker.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                env=worker.environment(),
                start_new_session=True,
            )

    def kill(self, name: str) -> int:
        """End a worker with SIGKILL and give the process id that it had."""
        pid = self._pids.get(name)
        if pid is None:
            raise DemoError(f"{name} does not run, so it cannot be killed.")
        os.kill(pid, signal.SIGKILL)
        return pid


async def _reported_pid(guard: asyncio.subprocess.Process) -> int:
    """Read the line in which the guard names its worker."""
    if guard.stdout is None:
        raise DemoError("the guard of a worker has no output: this is a fault of the demo.")
    async with asyncio.timeout(START_SECONDS):
        line = await guard.stdout.readline()
    if not line:
        raise DemoError("the guard of a worker ended before the worker started.")
    return int(line)


async def _end(guard: asyncio.subprocess.Process, pid: int | None) -> None:
    """Ask a worker to end; past its time its guard goes, and the worker with it."""
    if guard.returncode is not None:
        return
    try:
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            async with asyncio.timeout(STOP_SECONDS):
                await guard.wait()
            return
    except (ProcessLookupError, TimeoutError):
        pass
    with contextlib.suppress(ProcessLookupError):
        guard.kill()
    async with asyncio.timeout(STOP_SECONDS):
        await guard.wait()


async def unready(client: httpx.AsyncClient, worker: Worker) -> str | None:
    """Say why a worker does not work yet; None when it does."""
    try:
        answer = await client.get(f"{worker.admin}/readyz")
    except httpx.HTTPError:
        return "starting"
    return None if answer.status_code == httpx.codes.OK else answer.text.strip().splitlines()[0]
