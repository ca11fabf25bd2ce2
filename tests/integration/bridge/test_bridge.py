"""The bridge as a process, over real sockets, against a real Kafka."""

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer

from schemas.cloudevents import from_record, to_value
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.asleep import asleep
from tests.processes import ROOT, Program, free_port, run, started
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

PAYLOADS = ROOT / "tests" / "payloads"
BODY = (PAYLOADS / "synthetic-txpush-account-modified-185.json").read_bytes()
TOKEN = "t" * 20
PARTITIONS = 3
ACK_SECONDS = 2.0
LAUNCH = """
import json, logging, sys
from streams.bridge.checks import Signing
from streams.bridge.command import run_bridge
from streams.bridge.settings import BridgeSettings
logging.basicConfig(level=logging.INFO)
given = json.loads(sys.argv[1])
sys.exit(run_bridge(BridgeSettings(tokens=tuple(given.pop("tokens")), signing=Signing(enforce=False), **given)))
"""


@dataclass
class Topics:
    """Two topics of a test's own."""

    bootstrap: str
    events: str = field(default_factory=lambda: f"events-{uuid.uuid4().hex[:8]}")
    letters: str = field(default_factory=lambda: f"letters-{uuid.uuid4().hex[:8]}")

    async def create(self) -> None:
        """Create both."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (self.events, self.letters)])
        finally:
            await admin.close()

    def read(self, topic: str) -> list[Any]:
        """Give every record of a topic, in order within each partition."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            found: list[Any] = []
            async with asyncio.timeout(20):
                while len(found) < sum(ends.values()):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += records
            return found
        finally:
            await consumer.stop()

    def subjects(self) -> set[str]:
        """Give the ids of the accounts that the log speaks of."""
        return {dict(record.headers)["ce_subject"].decode() for record in self.read(self.events)}


@dataclass
class Bridge(Program):
    """A bridge, and the port that notifications come to."""

    port: int = field(kw_only=True)

    @property
    def url(self) -> str:
        """Give the callback for notifications of accounts."""
        return f"http://127.0.0.1:{self.port}/{TOKEN}/txpush"

    def post(self, body: bytes = BODY, url: str | None = None) -> httpx.Response:
        """Send one notification on a connection of its own."""
        return httpx.post(url or self.url, content=body, timeout=30)

    def listens(self) -> bool:
        """Tell whether both ports answer."""
        try:
            return self.ask("healthz")[0] == httpx.get(self.url + "?txpush_verification_code=a").status_code
        except httpx.TransportError:
            return False


@contextmanager
def bridge(topics: Topics, folder: Path, **changed: object) -> Iterator[Bridge]:
    """Run a bridge that listens; whatever is left of it is killed at the end."""
    port, admin = free_port(), free_port(2)
    settings = {
        "bootstrap": topics.bootstrap,
        "tokens": [TOKEN],
        "port": port,
        "admin_port": admin,
        "events_topic": topics.events,
        "dead_letter_topic": topics.letters,
        "ack_deadline_seconds": ACK_SECONDS,
    }
    made = Bridge(("-c", LAUNCH, json.dumps(settings | changed)), {}, folder / "bridge.log", admin, port=port)
    with started(made):
        made.until(made.listens)
        yield made


@pytest.fixture(scope="module")
def topics(kafka: EmbeddedKafka) -> Topics:
    made = Topics(kafka.bootstrap)
    asyncio.run(made.create())
    return made


@pytest.fixture(scope="module")
def ready(topics: Topics, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    with bridge(topics, tmp_path_factory.mktemp("bridge"), read_seconds=1.0, max_body_bytes=100_000) as running:
        running.until_ready()
        yield running


@pytest.fixture(scope="module")
def mortal() -> Iterator[EmbeddedKafka]:
    """A broker that tests of this file kill and start again."""
    with EmbeddedKafka() as cluster:
        yield cluster


@pytest.fixture
def mortal_topics(mortal: EmbeddedKafka) -> Topics:
    if mortal.pid(1) is None:
        mortal.start(1)
    made = Topics(mortal.bootstrap)
    asyncio.run(made.create())
    return made


def account(number: int, customer: int = 7000000042) -> bytes:
    """Give a notification of an account of its own."""
    records = [{"id": str(number), "customerId": str(customer), "aggregationStatusCode": 185}]
    return json.dumps({"event": {"class": "account", "type": "modified", "records": records}}).encode()


def test_a_200_is_a_record_in_the_log(ready: Bridge, topics: Topics) -> None:
    """Headers, key, value and timestamp are the event, and the id is the hash of the body."""
    before = time.time_ns() // 1_000_000
    assert ready.post().status_code == 200
    record = next(
        record
        for record in topics.read(topics.events)
        if dict(record.headers)["ce_id"] == f"{hashlib.sha256(BODY).hexdigest()}:0".encode()
    )
    event = from_record(record.headers, record.key, record.value, record.timestamp)
    assert (event.type, record.key) == ("txpush.account.modified", b"7000000042")
    assert before <= record.timestamp <= time.time_ns() // 1_000_000
    assert to_value(event.data) == record.value


def test_partitions_are_those_of_murmur2(ready: Bridge, topics: Topics) -> None:
    """A customer lies where every other Kafka client looks for it: librdkafka's murmur2 agrees."""
    customers = range(8_000_000_000, 8_000_000_030)
    for customer in customers:
        assert ready.post(account(1, customer)).status_code == 200
    partitions = {record.key: record.partition for record in topics.read(topics.events)}
    expected: dict[bytes, int] = {}
    producer = Producer({"bootstrap.servers": topics.bootstrap, "partitioner": "murmur2_random"})
    for customer in customers:
        key = str(customer).encode()
        producer.produce(
            topics.letters, b"x", key, on_delivery=lambda _, done: expected.update({done.key(): done.partition()})
        )
    assert producer.flush(20) == 0
    assert {key: partitions[key] for key in expected} == expected
    assert set(expected.values()) == set(range(PARTITIONS))


def test_every_sample_over_the_wire(ready: Bridge, topics: Topics) -> None:
    """Every documented body is answered 200, and nothing private of it is in any byte of the log."""
    for path in sorted(PAYLOADS.glob("synthetic-*.json")):
        route = "connect" if "dataconnect" in path.name else "txpush"
        url = f"http://127.0.0.1:{ready.port}/{TOKEN}/{route}"
        assert ready.post(path.read_bytes(), url).status_code == 200, path.name
    records = topics.read(topics.events)
    types = {dict(record.headers)["ce_type"] for record in records}
    assert {b"txpush.account.deleted", b"connect.done", b"connect.credentialsUpdated"} <= types
    produced = b"".join(record.value + b"".join(value for _, value in record.headers) for record in records)
    assert not re.search(
        rb"Everyday|Savings|4000001111|4000002222|401\.26|395\.0|\b1111\b|\b2222\b|testing transaction", produced
    )


def test_records_of_one_request_keep_their_order(ready: Bridge, topics: Topics) -> None:
    """The records of a notification stand in the log in the order in which they came."""
    records = [{"id": f"order-{number:03}", "customerId": "9"} for number in range(100)]
    body = json.dumps({"event": {"class": "account", "type": "modified", "records": records}}).encode()
    assert ready.post(body).status_code == 200
    found = [json.loads(record.value)["accountId"] for record in topics.read(topics.events) if record.key == b"9"]
    assert found == [record["id"] for record in records]


def test_an_unreadable_body_is_set_aside(ready: Bridge, topics: Topics) -> None:
    """The dead letter holds the hash of the body and not the body."""
    body = b"<event>" + uuid.uuid4().hex.encode()
    assert ready.post(body).status_code == 200
    letters = [json.loads(record.value) for record in topics.read(topics.letters) if record.value.startswith(b"{")]
    (letter,) = [one for one in letters if one["body_sha256"] == hashlib.sha256(body).hexdigest()]
    assert (letter["reason"], letter["reduced"]) == ("unreadable_body", None)


def test_verification_is_the_code_to_the_byte(ready: Bridge) -> None:
    """No line end, no quotes: the vendor compares the body."""
    answer = httpx.get(ready.url, params={"txpush_verification_code": "Ab-1.~_"})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"Ab-1.~_", "text/plain")


def test_a_wrong_token_is_an_unknown_path(ready: Bridge) -> None:
    """Both answers are the same to the header, but for `connection`: how much of the body had come decides on that."""
    wrong, unknown = (
        ready.post(BODY, f"http://127.0.0.1:{ready.port}{path}") for path in (f"/{TOKEN[1:]}x/txpush", "/anything")
    )
    assert wrong.status_code == 404
    varying = {"date", "connection"}
    answers = [
        {name: value for name, value in answer.headers.items() if name not in varying} | {"body": answer.text}
        for answer in (wrong, unknown)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large(ready: Bridge, declared: bool) -> None:  # noqa: FBT001 - an example
    """413 for a declared and for a counted length, and the next request is served."""
    chunks = (b"x" * 10_000 for _ in range(12))
    answer = httpx.post(ready.url, content=b"x" * 120_000 if declared else chunks)
    assert answer.status_code == 413
    assert ready.post().status_code == 200


def test_a_slow_body(ready: Bridge) -> None:
    """A client that stops in the middle of its body is answered 408 when the read deadline is over."""
    with socket.create_connection(("127.0.0.1", ready.port), timeout=10) as client:
        client.sendall(f"POST /{TOKEN}/txpush HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")


def test_the_admin_port(ready: Bridge) -> None:
    """Health, readiness and metrics are there, and not on the port of the world."""
    assert ready.post().status_code == 200
    assert ready.page("readyz") == "ready\n"
    scraped = ready.page("metrics")
    assert re.search(r'txpush_bridge_requests_total\{outcome="stored",route="txpush"\} [1-9]', scraped)
    assert "txpush_bridge_log_available 1.0" in scraped
    assert "txpush_bridge_acknowledgement_seconds_bucket" in scraped
    assert httpx.get(f"http://127.0.0.1:{ready.port}/metrics").status_code == 404


def test_two_workers_share_the_port(topics: Topics, tmp_path: Path) -> None:
    """Several processes answer on one port; SIGTERM ends all of them in order."""
    with bridge(topics, tmp_path, workers=2) as running:
        running.until_ready()
        second = replace(running, admin=running.admin + 1)
        running.until(second.is_ready)
        stored = 'txpush_bridge_requests_total{outcome="stored",route="txpush"}'
        wait_until(
            lambda: running.post().status_code == 200 and all(one.metric(stored) > 0 for one in (running, second))
        )
        assert running.stop() == 0


def test_a_dead_worker_ends_all(topics: Topics, tmp_path: Path) -> None:
    """A worker that is killed is not left missing: the parent ends with 1, to be started anew."""
    with bridge(topics, tmp_path, workers=2) as running:
        running.until_ready()
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(workers[0]), signal.SIGKILL)
        assert running.ended(20.0) == 1
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_taken_admin_port_is_said(topics: Topics) -> None:
    """The process ends with 2 and says what it could not have."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = {"bootstrap": topics.bootstrap, "tokens": [TOKEN], "admin_port": taken.getsockname()[1]}
        done = run(("-c", LAUNCH, json.dumps(settings | {"port": free_port()})), {}, 30.0)
    assert done.returncode == 2
    assert "set TXPUSH_ADMIN_PORT" in done.stderr


class Load:
    """Sends accounts one after the other on some connections, and notes every answer."""

    def __init__(self, running: Bridge, senders: int = 4) -> None:
        self.running = running
        self.answers: dict[int, int] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(senders)]

    def __enter__(self) -> Self:
        """Begin to send."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        number = sender * 1_000_000
        with httpx.Client(timeout=30) as client:
            while not self._stop.is_set():
                number += 1
                answer = client.post(self.running.url, content=account(number, 7_000_000_000 + number % 50))
                self.answers[number] = answer.status_code
                if answer.status_code == 503:
                    assert answer.headers["retry-after"] == "30"
                    self._stop.wait(0.1)

    def count(self, status: int) -> int:
        """Give how many answers there were with this status."""
        return list(self.answers.values()).count(status)


@pytest.mark.slow
def test_no_200_is_lost_when_the_broker_is_killed(mortal: EmbeddedKafka, mortal_topics: Topics, tmp_path: Path) -> None:
    """Under load the broker is killed twice: 503 while it is gone, 200 again by itself, and every 200 is in the log."""
    with bridge(mortal_topics, tmp_path) as running:
        running.until_ready()
        with Load(running) as load:
            for round_number in (1, 2):
                wait_until(lambda: load.count(200) > 200 * round_number)  # noqa: B023 - called in this round
                mortal.kill(1)
                refused = load.count(503)
                wait_until(lambda: load.count(503) > refused + 8)  # noqa: B023 - the same
                assert running.ask("readyz")[0] == 503
                mortal.start(1)
                running.until_ready()
                answered = load.count(200)
                wait_until(lambda: load.count(200) > answered + 100)  # noqa: B023 - the same
        assert set(load.answers.values()) == {200, 503}
        stored = {f"accounts/{number}" for number, status in load.answers.items() if status == 200}
        assert not stored - mortal_topics.subjects()


def test_503_comes_within_the_deadline(mortal: EmbeddedKafka, mortal_topics: Topics, tmp_path: Path) -> None:
    """A broker that hangs is waited for as long as the deadline says; then the answer is 503 and asks to come again."""
    with bridge(mortal_topics, tmp_path) as running:
        running.until_ready()
        with asleep(mortal):
            started = time.monotonic()
            answer = running.post()
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert time.monotonic() - started < ACK_SECONDS + 1
            wait_until(lambda: not running.is_ready(), seconds=10)
        wait_until(lambda: running.post().status_code == 200)
        assert running.is_ready()


@pytest.mark.slow
def test_a_start_without_a_broker(mortal: EmbeddedKafka, mortal_topics: Topics, tmp_path: Path) -> None:
    """The bridge listens at once, answers 503 and the verification, and works as soon as there is a broker."""
    mortal.kill(1)
    with bridge(mortal_topics, tmp_path) as running:
        assert running.post().status_code == 503
        assert "not available" in running.page("readyz")
        verified = httpx.get(running.url, params={"txpush_verification_code": "a"})
        assert verified.status_code == 200
        mortal.start(1)
        running.until_ready()
        assert running.post().status_code == 200


def in_flight(running: Bridge) -> bool:
    """Tell whether a request waits for Kafka."""
    return "txpush_bridge_requests_in_flight 1.0" in running.page("metrics")


def test_sigterm_answers_what_is_in_flight(mortal: EmbeddedKafka, mortal_topics: Topics, tmp_path: Path) -> None:
    """A request that waits for a slow broker gets its 200 after SIGTERM, new ones find no listener, the exit is 0."""
    with bridge(mortal_topics, tmp_path, ack_deadline_seconds=5.0) as running, ThreadPoolExecutor(1) as pool:
        running.until_ready()
        with asleep(mortal):
            waiting: Future[httpx.Response] = pool.submit(running.post, account(77))
            wait_until(lambda: in_flight(running))
            running.signal(signal.SIGTERM)
            wait_until(lambda: is_closed(running.port))
        assert waiting.result(20).status_code == 200
        assert running.ended() == 0
    assert "accounts/77" in mortal_topics.subjects()


def test_sigterm_without_a_broker(mortal: EmbeddedKafka, mortal_topics: Topics, tmp_path: Path) -> None:
    """With a broker that never answers the request in flight gets 503, and the process ends within its time."""
    with bridge(mortal_topics, tmp_path) as running, ThreadPoolExecutor(1) as pool:
        running.until_ready()
        with asleep(mortal):
            waiting: Future[httpx.Response] = pool.submit(running.post)
            wait_until(lambda: in_flight(running))
            started = time.monotonic()
            running.signal(signal.SIGTERM)
            assert waiting.result(20).status_code == 503
            assert running.ended() in (0, 70)
            assert time.monotonic() - started < 10.5


def is_closed(port: int) -> bool:
    """Tell whether nobody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False
