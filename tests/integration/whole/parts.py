"""Processes of `txpush` as they ship, started, ended, killed and started again by a test."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.waiting import until

ROOT = Path(__file__).parents[3]
END_SECONDS = 20.0
ASK_SECONDS = 5.0


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give an environment with these settings of ours and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TXPUSH_")}
    return {**inherited, **settings}


def _total(metrics: str, name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name))


async def run(settings: Mapping[str, str], *words: str, seconds: float = 60.0) -> tuple[int, str]:
    """Run a command to its end; give its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *words),
        env=environment(settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), seconds)
    assert process.returncode is not None
    return process.returncode, said.decode()


@dataclass
class Part:
    """One process; it keeps its ports and its log from one life to the next."""

    name: str
    command: str
    settings: Mapping[str, str] = field(repr=False)
    folder: Path
    admin: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """Give where it writes what it says."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it."""
        settings = {**self.settings, "TXPUSH_ADMIN_PORT": str(self.admin), "TXPUSH_INSTANCE": self.name}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", self.command],
                env=environment(settings),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    async def page(self, page: str) -> str:
        """Give a page of the admin port; nothing where nobody answers."""
        try:
            async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
                return (await client.get(f"http://127.0.0.1:{self.admin}/{page}")).text
        except httpx.HTTPError:
            return ""

    async def counts(self, metric: str, wanted: float) -> None:
        """Wait until a counter, whatever its labels, has come so far."""
        async with asyncio.timeout(30.0):
            while _total(await self.page("metrics"), metric) < wanted:  # noqa: ASYNC110 - nobody would tell
                await asyncio.sleep(0.05)

    async def ready(self) -> None:
        """Wait until it says that it can work."""
        async with httpx.AsyncClient(timeout=ASK_SECONDS) as client:
            async with asyncio.timeout(60.0):
                while not await self._is_ready(client):
                    assert self.process is not None
                    assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()}"
                    await asyncio.sleep(0.05)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        try:
            answer = await client.get(f"http://127.0.0.1:{self.admin}/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(END_SECONDS)

    async def stop(self) -> int:
        """Ask it to end; give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            await until(lambda: self.process is None or self.process.poll() is not None, END_SECONDS)
        except TimeoutError:
            self.kill()
        return int(self.process.wait(END_SECONDS))
