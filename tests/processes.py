"""Programs of ours as processes: started, asked, ended, killed and started again by a test."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from streams.kafka.embedded.machine import FREE_PORTS, is_free
from streams.kafka.topics import EMBEDDED, Layout
from tests.waiting import SECONDS, wait_until

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
CLI = ("-m", "streams.cli")
"""What Python is told to run `txpush`; the words of a command come after it."""
END_SECONDS = 15.0

_ports = iter(random.sample(FREE_PORTS, len(FREE_PORTS)))
_client = httpx.Client(timeout=10.0, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all: making a client takes 30 ms of a core, and a connection that is kept would outlive its program."""


def free_port(row: int = 1) -> int:
    """Give a port that nobody listens on, nor on those after it in a row, and that was not given before.

    It lies below those that connections take on their way out: nobody has it between two lives of a program.
    """
    return next(port for port in _ports if all(is_free(port + number) for number in range(row)))


@contextmanager
def taken_port() -> Iterator[int]:
    """Give a port that another server, which would share it, listens on."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def settings_for(bootstrap: str, layout: Layout = EMBEDDED, /, **more: str) -> dict[str, str]:
    """Give settings that lead to a cluster, and more of them, named without their prefix."""
    cluster = {
        "BOOTSTRAP": bootstrap,
        "PARTITIONS": str(layout.partitions),
        "REPLICATION": str(layout.replication),
    }
    return {f"TXPUSH_{name}": value for name, value in (cluster | more).items()}


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give an environment with these settings of ours and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TXPUSH_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **settings}


def run(
    command: Sequence[str], settings: Mapping[str, str], seconds: float = SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, as `Program` does; what it says by either way is kept apart."""
    return subprocess.run(
        [sys.executable, *command],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass
class Program:
    """A program, one life after the other; its admin port and its log stay the same.

    Attributes:
        command: what Python is told: `(*CLI, "agent")`, `("-c", code)`, or the file of a module.
        settings: what its environment has of ours, but for the admin port.
        log: to which all that it says is added.
        admin: the port of its metrics and of its readiness.
    """

    command: tuple[str, ...]
    settings: Mapping[str, str] = field(repr=False)
    log: Path
    admin: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _said_before: int = field(default=0, init=False, repr=False)

    def start(self) -> None:
        """Start it, and do not wait for anything."""
        assert not self.alive, "it runs already"
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                env=environment({**self.settings, "TXPUSH_ADMIN_PORT": str(self.admin)}),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process of its present life, or of its last one."""
        assert self._process is not None, "it was never started"
        return self._process

    @property
    def alive(self) -> bool:
        """Whether it runs, or sleeps."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """Give what it has said since it was last started."""
        return self.log.read_bytes()[self._said_before :].decode()

    def ask(self, page: str) -> tuple[int, str]:
        """Give status and text of a page of its admin port; 0 and nothing where nobody answers."""
        try:
            answer = _client.get(f"http://127.0.0.1:{self.admin}/{page}")
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def page(self, page: str) -> str:
        """Give the text of a page of its admin port; nothing where nobody answers."""
        return self.ask(page)[1]

    def is_ready(self) -> bool:
        """Tell whether it says that it can do all of its work."""
        return self.ask("readyz")[0] == httpx.codes.OK

    def metric(self, name: str) -> float:
        """Add up the series whose name and labels begin so; fails where nobody answers."""
        status, text = self.ask("metrics")
        assert status == httpx.codes.OK, f"no metrics:\n{self.said()}"
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    def until(self, what: Callable[[], T], found: Callable[[T], object] = bool, seconds: float = SECONDS) -> T:
        """Wait as `wait_until` does; fail at once, with its log, when it has ended."""

        def asked() -> T:
            assert self.alive, f"ended with {self.process.poll()}:\n{self.said()}"
            return what()

        return wait_until(asked, found, seconds=seconds, said=self.said)

    def until_ready(self, seconds: float = SECONDS) -> None:
        """Wait until it can do all of its work; fail at once, with its log, when it has ended."""
        self.until(self.is_ready, seconds=seconds)

    def resident(self) -> int:
        """Give its resident memory in bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would; it is gone on return. It need not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_SECONDS)

    def stop(self, seconds: float = END_SECONDS) -> int:
        """Ask it to end, and give its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended(seconds)

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end, and give its exit code; fail with its log when it does not come in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds:g} s:\n{self.said()}") from None


@contextmanager
def started(*programs: Program) -> Iterator[None]:
    """Start programs; whichever runs at the end of the block is killed."""
    try:
        for one in programs:
            one.start()
        yield
    finally:
        for one in programs:
            one.kill()


@contextmanager
def running(*programs: Program) -> Iterator[None]:
    """Have programs do all of their work in the block, and end in good order after it; none is ever left."""
    with started(*programs):
        for one in programs:
            one.until_ready()
        yield
        for one in programs:
            one.signal(signal.SIGTERM)
        for one in programs:
            assert one.ended() == 0, one.said()
