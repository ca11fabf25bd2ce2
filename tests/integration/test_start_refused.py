"""A cluster whose topics are not those of the contract: nobody starts there, and nothing is written to it."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.commands import Lookup, LookupAction
from streams.executor.process import GROUP
from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, Layout
from tests.integration.test_bridge import BODY, TOKEN
from tests.integration.whole.parts import ROOT, environment, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

SECONDS = 60.0
FIVE = Layout(5, 1)
"""As somebody made them by hand."""
WRONG = "topic aggregation.events has 5 partitions, not 3: partitions are for life; set TXPUSH_PARTITIONS=5"
NAMES = [topic.name for topic in topics.contract()]


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of these tests alone, with topics of five partitions."""
    with EmbeddedKafka() as cluster:
        asyncio.run(topics.apply(cluster.bootstrap, FIVE))
        yield cluster


def told_of(bootstrap: str, **told: str) -> dict[str, str]:
    """Give what a process is told, which expects the three partitions of the embedded set-up."""
    settings = {
        "BOOTSTRAP": bootstrap,
        "PARTITIONS": "3",
        "REPLICATION": "1",
        "SIGNATURES": "log",
        "CALLBACK_TOKENS": TOKEN,
        "ADMIN_PORT": "0",
        "PUBLIC_URL": "http://127.0.0.1:1",
        "VENDOR_URL": "http://127.0.0.1:1",
        "PARTNER_ID": "partner",
        "PARTNER_SECRETS": "secret",
        "APP_KEY": "key",
        "LINK_URL": "http://127.0.0.1:1",
        "LINK_KEYS": "0f" * 32,
        **told,
    }
    return environment({f"TXPUSH_{name}": value for name, value in settings.items()})


@pytest.mark.parametrize("command", ["bridge", "agent", "institutions", "executor"])
def test_a_mismatch_ends_the_start(broker: EmbeddedKafka, command: str) -> None:
    """Exit 2 and every difference in words, whatever is started."""
    told = told_of(broker.bootstrap, BRIDGE_PORT=str(free_port()))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", command],
        env=told,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert WRONG in done.stderr
    assert done.stderr.count("5 partitions, not 3") == len(NAMES)
    assert "Traceback" not in done.stderr


@contextmanager
def running(*words: str, told: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process; whatever is left of it is killed at the end."""
    process = subprocess.Popen([sys.executable, "-m", "streams.cli", *words], env=told, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ready(port: int) -> httpx.Response | None:
    """Ask whether a process is ready; None while it does not listen."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5)
    except httpx.TransportError:
        return None


async def ask(bootstrap: str) -> None:
    """Put a look-up on its topic: whoever reads it calls the vendor, and claims the right to first."""
    asked = Lookup(action=LookupAction.LOCATE, customer_id="1", institution_login_id="2", account_ids=("3",))
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    async with asyncio.timeout(SECONDS), producer:
        await producer.send_and_wait(topics.LOOKUP, asked.model_dump_json().encode(), key=b"1")


async def written(bootstrap: str) -> dict[str, int]:
    """Give how many records the topics have that have any; no look-up may be acknowledged."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    places = [TopicPartition(name, number) for name in NAMES for number in range(FIVE.partitions)]
    async with asyncio.timeout(SECONDS), consumer:
        found = Counter[str]()
        for place, end in (await consumer.end_offsets(places)).items():
            found[place.topic] += end
        done = [await consumer.committed(place) for place in places if place.topic == topics.LOOKUP]
    assert done == [None] * FIVE.partitions
    return dict(+found)


async def make_anew(bootstrap: str) -> None:
    """Replace the topics by those of the embedded set-up."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(SECONDS):
            while present := set(NAMES) & set(await admin.list_topics()):
                await admin.delete_topics(sorted(present))
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    await topics.apply(bootstrap, EMBEDDED)


@pytest.mark.slow
def test_a_mismatch_behind_a_late_broker(broker: EmbeddedKafka) -> None:
    """Who was there first writes and reads nothing until the topics fit: 503, and readiness says what differs."""
    port, admin, executor_admin = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{port}/{TOKEN}/txpush"
    asyncio.run(ask(broker.bootstrap))
    broker.kill(1)
    told = told_of(broker.bootstrap, BRIDGE_PORT=str(port), ADMIN_PORT=str(admin))
    beside = told_of(broker.bootstrap, EXECUTOR_PORT=str(free_port()), ADMIN_PORT=str(executor_admin))
    with running("bridge", told=told) as bridge, running("executor", told=beside):
        for one in (admin, executor_admin):
            wait_until(lambda: ready(one))  # noqa: B023 - called in this round
        broker.start(1)
        for one in (admin, executor_admin):
            said = wait_until(lambda: ready(one), lambda answer: answer is not None and WRONG in answer.text)  # noqa: B023 - the same
            assert said is not None
            assert said.status_code == 503
        answer = httpx.post(url, content=BODY, timeout=30)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert asyncio.run(written(broker.bootstrap)) == {topics.LOOKUP: 1}
        asyncio.run(make_anew(broker.bootstrap))
        wait_until(lambda: ready(admin), lambda answer: answer is not None and answer.status_code == 200)
        assert httpx.post(url, content=BODY, timeout=30).status_code == 200
        wait_until(lambda: ready(executor_admin), lambda answer: answer is not None and WRONG not in answer.text)
        bridge.send_signal(signal.SIGTERM)
        assert bridge.wait(15) == 0


@pytest.fixture
def fitting(broker: EmbeddedKafka) -> EmbeddedKafka:
    """The broker with the topics that it should have."""
    if asyncio.run(topics.check(broker.bootstrap, EMBEDDED)):
        asyncio.run(make_anew(broker.bootstrap))
    return broker


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that another server, which would share it, listens on."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_second_bridge_on_the_port_is_refused(fitting: EmbeddedKafka) -> None:
    """It would take half of the requests without a word: exit 1, the address, and what to do."""
    with taken_port() as port:
        told = told_of(fitting.bootstrap, BRIDGE_PORT=str(port))
        command = [sys.executable, "-m", "streams.cli", "bridge"]
        done = subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1, done.stderr
    assert f"cannot listen: [Errno 98] 127.0.0.1:{port}: Address already in use. Free the address" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_admin_port_of_an_agent_is_said(fitting: EmbeddedKafka) -> None:
    """Exit 1, the address, and what to set; before it is in anybody's way in the group."""
    with taken_port() as port:
        told = told_of(fitting.bootstrap, ADMIN_PORT=str(port))
        command = [sys.executable, "-m", "streams.cli", "agent"]
        done = subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1, done.stderr
    assert "txpush-agent cannot listen: " in done.stderr
    assert f"'127.0.0.1', {port}" in done.stderr
    assert "set TXPUSH_ADMIN_PORT" in done.stderr
    assert "Traceback" not in done.stderr
