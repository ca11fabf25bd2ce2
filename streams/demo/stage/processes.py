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

from streams.exits import EXIT_NOTHING, EXIT_OK
from streams.kafka.embedded import process as embedded
from streams.kafka.embedded.machine import HOST
from streams.settings import PREFIX

SANDBOX = "sandbox"
MAX_RESTARTS = 4
START_SECONDS = 10.0
ONCE_SECONDS = 30.0
STOP_SECONDS = 4.0


class DemoError(Exception):
    """The demo cannot go on; the message says what happened, `details` what was last heard."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, slots=True)
class Worker:
    """What to run: a subcommand of `txpush` with its settings (names of the environment) and its admin port.

    The sandbox has no admin port: what it is asked for there is asked of its controls.
    """

    name: str
    command: str
    admin_port: int
    settings: Mapping[str, str]

    @property
    def admin(self) -> str:
        """Give the address of /metrics and /readyz."""
        return f"http://{HOST}:{self.admin_port}"

    @property
    def has_metrics(self) -> bool:
        """Tell whether it has an admin port."""
        return self.command != SANDBOX

    @property
    def ready(self) -> str:
        """Give the address that answers with 200 when the worker works."""
        if self.command == SANDBOX:
            return f"http://{HOST}:{self.settings[f'{PREFIX}SANDBOX_PORT']}/sandbox/"
        return f"{self.admin}/readyz"

    def environment(self) -> dict[str, str]:
        """Give the environment of the process."""
        return _environment({f"{PREFIX}ADMIN_PORT": str(self.admin_port), **self.settings})


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
        return _end_of(self.log(worker))

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
        guard = await self._start([worker.command], worker.environment(), self.log(worker))
        try:
            self._pids[worker.name] = await _reported_pid(guard)
            return await guard.wait()
        finally:
            pid = self._pids.pop(worker.name, None)
            await _end(guard, pid)

    async def run_once(self, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        """Run a command of `txpush` to its end. Raises DemoError when it takes too long, or does not end with 0."""
        place = self._folder / f"{arguments[0]}.log"
        guard = await self._start(arguments, _environment(settings), place)
        try:
            async with asyncio.timeout(ONCE_SECONDS):
                code = await guard.wait()
        except TimeoutError:
            code = None
        finally:
            await _end(guard, None)
        if code != EXIT_OK:
            ended = f"took longer than {ONCE_SECONDS:.0f} s" if code is None else f"ended with {code}"
            raise DemoError(f"txpush {arguments[0]} {ended}.", _end_of(place))

    async def _start(
        self, arguments: Sequence[str], environment: dict[str, str], place: Path
    ) -> asyncio.subprocess.Process:
        with place.open("ab") as log:
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
                *(sys.executable, "-m", "streams.cli", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                env=environment,
                start_new_session=True,
            )

    def kill(self, name: str) -> int:
        """End a worker with SIGKILL and give the process id that it had."""
        pid = self._pids.get(name)
        if pid is None:
            raise DemoError(f"{name} does not run, so it cannot be killed.")
        os.kill(pid, signal.SIGKILL)
        return pid


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a process: the caller's own settings would change what the demo shows."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, **settings}


def _end_of(log: Path) -> str:
    return f"The end of {log}:\n" + "\n".join(embedded.last_lines(log))


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
        answer = await client.get(worker.ready)
    except httpx.HTTPError:
        return "starting"
    return None if answer.status_code == httpx.codes.OK else answer.text.strip().splitlines()[0]
