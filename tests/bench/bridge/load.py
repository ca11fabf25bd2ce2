"""A closed loop of notifications over raw HTTP/1.1 connections: cheap enough to share a core with the broker."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

SAMPLE = Path(__file__).parents[2] / "payloads" / "synthetic-txpush-account-modified-185.json"
CUSTOMERS = 1000
END_OF_ANSWER = b"\r\n\r\n"
"""The bridge's answers to notifications have no body."""
DRAIN_SECONDS = 10.0


class Bodies:
    """The sample notification for ever new accounts: every body of every run differs, and so does its event's id."""

    def __init__(self, path: str) -> None:
        notification = json.loads(SAMPLE.read_text())
        account = notification["event"]["records"][0]
        account["id"], account["customerId"], account["name"] = "ACCOUNT", "CUSTOMER", secrets.token_hex(8)
        compact = json.dumps(notification, separators=(",", ":")).replace("%", "%%")
        self._body = compact.replace("ACCOUNT", "%(account)010d").replace("CUSTOMER", "%(customer)010d")
        head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: "
        self._head = f"{head}{len(self.body(0))}\r\n\r\n".encode()

    def body(self, number: int) -> bytes:
        """Give the body of a number; all have the same length."""
        ids = {"account": 5_900_000_000 + number, "customer": 7_000_000_000 + number % CUSTOMERS}
        return (self._body % ids).encode()

    def request(self, number: int) -> bytes:
        """Give the whole request of a number."""
        return self._head + self.body(number)

    def event_id(self, number: int) -> str:
        """Give the id that the bridge derives from the body."""
        return hashlib.sha256(self.body(number)).hexdigest() + ":0"


@dataclass(slots=True)
class Tally:
    """What came of the requests: those answered 200 with their seconds, and other answers by their first line."""

    bodies: Bodies
    sent: int = 0
    stopped: bool = False
    stored: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """One connection: the next request goes out when the last is answered."""

    def __init__(self, tally: Tally, closed: Callable[[], None]) -> None:
        self._tally = tally
        self._closed = closed
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        tally = self._tally
        if tally.stopped:
            self._transport.close()
            return
        self._number, tally.sent = tally.sent, tally.sent + 1
        request = tally.bodies.request(self._number)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note an answer once it is whole."""
        self._received += data
        if not self._received.endswith(END_OF_ANSWER):
            return
        took, answer, self._received = time.perf_counter() - self._sent_at, self._received, b""
        if answer.startswith(b"HTTP/1.1 200 "):
            self._tally.stored.append(self._number)
            self._tally.seconds.append(took)
        else:
            line = answer.partition(b"\r\n")[0].decode(errors="replace")
            self._tally.refused[line] = self._tally.refused.get(line, 0) + 1
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell of the end."""
        if not self._tally.stopped:
            line = f"connection lost: {error!r}"
            self._tally.refused[line] = self._tally.refused.get(line, 0) + 1
        self._closed()


@dataclass(frozen=True, slots=True)
class Load:
    """Where to send, on how many connections at once, and for how long."""

    port: int
    connections: int
    seconds: float

    async def run(self, tally: Tally) -> float:
        """Send, then wait for the last answers; give the seconds of sending."""
        loop, gone = asyncio.get_running_loop(), asyncio.Semaphore(0)
        began = time.perf_counter()
        for _ in range(self.connections):
            await loop.create_connection(lambda: Connection(tally, gone.release), "127.0.0.1", self.port)
        await asyncio.sleep(self.seconds)
        tally.stopped = True
        took = time.perf_counter() - began
        async with asyncio.timeout(DRAIN_SECONDS):
            for _ in range(self.connections):
                await gone.acquire()
        return took
