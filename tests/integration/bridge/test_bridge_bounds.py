"""What the bridge holds at most: requests while Kafka is silent, and bodies of any size."""

import asyncio
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.log import LogFull, LogRecord
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.topics import EVENTS
from tests.integration.asleep import asleep
from tests.processes import CLI, Program, free_port, running, settings_for
from tests.waiting import until, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

TOKEN = "t" * 20
IN_FLIGHT = 64
ACK_SECONDS = 3.0
MB = 1 << 20
RECORDS = 1900
"""Records of a body of nearly 1 MB; more than 2,000 are not read."""


def account(number: int, records: int = 1) -> bytes:
    """Give a notification of so many accounts of a customer."""
    accounts = [
        {
            "id": f"{number}-{n}",
            "customerId": str(7_000_000_000 + number),
            "aggregationStatusCode": 185,
            "name": "x" * 380,
        }
        for n in range(records)
    ]
    return json.dumps({"event": {"class": "account", "type": "modified", "records": accounts}}).encode()


@dataclass
class Bridge(Program):
    """A bridge, and the port that notifications come to."""

    port: int = field(kw_only=True)

    @property
    def path(self) -> str:
        return f"/{TOKEN}/txpush"

    def post(self, body: bytes, client: httpx.Client | None = None) -> httpx.Response:
        """Send one notification."""
        send = httpx.post if client is None else client.post
        return send(f"http://127.0.0.1:{self.port}{self.path}", content=body, timeout=60)

    def in_flight(self) -> float:
        """Give how many requests wait for Kafka."""
        (found,) = re.findall(r"^txpush_bridge_requests_in_flight (\S+)$", self.page("metrics"), re.MULTILINE)
        return float(found)


@pytest.fixture(scope="module")
def bridge(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    port = free_port()
    settings = settings_for(
        broker.bootstrap,
        CALLBACK_TOKENS=TOKEN,
        SIGNATURES="log",
        BRIDGE_PORT=str(port),
        ACK_SECONDS=str(ACK_SECONDS),
        MAX_IN_FLIGHT=str(IN_FLIGHT),
    )
    made = Bridge((*CLI, "bridge"), settings, tmp_path_factory.mktemp("bounds") / "bridge.log", port=port)
    with running(made):
        yield made


@dataclass
class Crowd:
    """Senders that post until they are told to stop, each on a connection of its own."""

    bridge: Bridge
    senders: int
    body: bytes
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send until the end of the block."""
        threads = [threading.Thread(target=self._send) for _ in range(self.senders)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)

    def _send(self) -> None:
        with httpx.Client() as client:
            while not self._stop.is_set():
                began = time.monotonic()
                answer = self.bridge.post(self.body, client)
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers[answer.status_code] += 1
                if answer.status_code == 503:
                    assert answer.headers["retry-after"] == "30"
                    self._stop.wait(0.02)


def test_a_silent_broker_costs_no_more_than_the_limit(broker: EmbeddedKafka, bridge: Bridge) -> None:
    """More requests than may wait: 503 to the rest at once, to all in time, bounded memory, and 200 when it wakes."""
    assert bridge.post(account(1)).status_code == 200
    crowd, before, waiting = Crowd(bridge, 2 * IN_FLIGHT, account(2)), bridge.resident(), list[float]()
    with asleep(broker), crowd.sending():
        while crowd.answers[503] < 800:
            waiting.append(bridge.in_flight())
        grown = bridge.resident() - before
    assert max(waiting) <= IN_FLIGHT
    assert crowd.slowest < ACK_SECONDS + 2
    assert grown < 48 * MB
    wait_until(lambda: bridge.in_flight() == 0)
    wait_until(lambda: bridge.post(account(3)).status_code == 200)
    bridge.until_ready()


def test_large_bodies_wait_within_a_limit_of_bytes(broker: EmbeddedKafka, bridge: Bridge) -> None:
    """Bodies of nearly a megabyte are refused before as many as may wait do: what waits is bounded in bytes, too."""
    body = account(4, RECORDS)
    assert MB * 0.8 < len(body) < MB
    assert bridge.post(body).status_code == 200
    crowd, before, most = Crowd(bridge, 48, body), bridge.resident(), list[int]()

    def refusals() -> int:
        most.append(bridge.resident())
        return crowd.answers[503]

    with asleep(broker), crowd.sending():
        wait_until(refusals, lambda refused: refused >= 100, said=bridge.said)
    assert max(most) - before < 200 * MB
    wait_until(lambda: bridge.in_flight() == 0)
    wait_until(lambda: bridge.post(account(5)).status_code == 200)


async def test_what_waits_is_bounded_in_bytes(broker: EmbeddedKafka) -> None:
    """Calls of many records are refused before as many as may wait do; one that waits alone may be of any size."""
    settings = ProducerSettings(broker.bootstrap, (EVENTS,), max_waiting_bytes=MB)
    producer = LogProducer(settings)
    records = [LogRecord(EVENTS, b"7", b"x" * 100, ()) for _ in range(600)]
    await producer.start()
    try:
        await until(lambda: not producer.problems())
        with asleep(broker):
            waiting = [asyncio.create_task(producer.send_all(3 * records, 20))]
            await until(lambda: producer.in_flight == 1)
            with pytest.raises(LogFull, match="bytes wait for Kafka already"):
                await producer.send_all(records[:1], 20)
        await asyncio.gather(*waiting)
        with asleep(broker):
            waiting = [asyncio.create_task(producer.send_all(records, 20))]
            await until(lambda: producer.in_flight == 1)
            with pytest.raises(LogFull, match="bytes wait for Kafka already"):
                await producer.send_all(records, 20)
            waiting.append(asyncio.create_task(producer.send_all(records[:100], 20)))
            await until(lambda: producer.in_flight == 2)
        await asyncio.gather(*waiting)
        await producer.send_all(records, 20)
    finally:
        await producer.stop(1)


def test_ten_megabytes_are_refused_by_their_length(bridge: Bridge) -> None:
    """A body that says how long it is gets its 413 before a byte of it is sent."""
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=10) as client:
        head = f"POST {bridge.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {10 * MB}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def chunked(bridge: Bridge, megabytes: int) -> tuple[bytes, int]:
    """Send a body without a length, a piece at a time, until there is an answer; give it and how much was sent."""
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=30) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        client.sendall(f"POST {bridge.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        while sent < megabytes * MB:
            client.settimeout(0.001)
            try:
                return client.recv(1000), sent
            except TimeoutError:
                client.settimeout(30)
            try:
                client.sendall(piece)
            except OSError:
                return client.recv(1000), sent
            sent += 65536
        return b"", sent


def test_ten_megabytes_without_a_length_are_not_read_to_their_end(bridge: Bridge) -> None:
    """One that says nothing gets its 413 when the limit is passed, with most of it unsent; others are served."""
    answer, sent = chunked(bridge, 10)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent <= 4 * MB
    assert bridge.post(account(6)).status_code == 200


def test_many_large_bodies_cost_no_memory(bridge: Bridge) -> None:
    """Two hundred of ten megabytes, twenty at a time, leave the process as large as before."""
    before, answers, most = bridge.resident(), list[bytes](), list[int]()

    def send() -> None:
        for _ in range(10):
            answers.append(chunked(bridge, 10)[0])
            most.append(bridge.resident())

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(answers) == 200
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 413"}
    assert max(most) - before < 64 * MB
