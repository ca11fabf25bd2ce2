"""A cluster whose topics are not those of the contract: nobody starts there, and nothing is written to it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.commands import Lookup, LookupAction
from streams.executor.process import GROUP
from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, Layout
from tests.integration.bridge.test_bridge import BODY, TOKEN
from tests.processes import CLI, Program, free_port, run, settings_for, started, taken_port

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SECONDS = 60.0
FIVE = Layout(5, 1)
"""As somebody made them by hand."""
NAMES = [topic.name for topic in topics.contract()]
WRONG = f"all {len(NAMES)} topics have 5 partitions, not 3: partitions are for life; set TXPUSH_PARTITIONS=5"


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of these tests alone, with topics of five partitions."""
    with EmbeddedKafka() as cluster:
        asyncio.run(applied.apply(cluster.bootstrap, FIVE))
        yield cluster


def settings_of(bootstrap: str, **more: str) -> dict[str, str]:
    """Give what a process is told, which expects the three partitions of the embedded set-up."""
    settings = {
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
        **more,
    }
    return settings_for(bootstrap, **settings)


@pytest.mark.parametrize("command", ["bridge", "agent", "institutions", "executor"])
def test_a_mismatch_ends_the_start(broker: EmbeddedKafka, command: str) -> None:
    """Exit 2 and the difference in words, once, whatever is started."""
    done = run((*CLI, command), settings_of(broker.bootstrap, BRIDGE_PORT=str(free_port())))
    assert done.returncode == 2, done.stderr
    assert WRONG in done.stderr
    assert done.stderr.count("5 partitions, not 3") == 1
    assert "Traceback" not in done.stderr


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
    await applied.apply(bootstrap, EMBEDDED)


@pytest.mark.slow
def test_a_mismatch_behind_a_late_broker(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Who was there first writes and reads nothing until the topics fit: 503, and readiness says what differs."""
    ports = {"BRIDGE_PORT": str(free_port()), "EXECUTOR_PORT": str(free_port())}
    url = f"http://127.0.0.1:{ports['BRIDGE_PORT']}/{TOKEN}/txpush"
    asyncio.run(ask(broker.bootstrap))
    broker.kill(1)
    settings = settings_of(broker.bootstrap, **ports)
    bridge, executor = (Program((*CLI, name), settings, tmp_path / name) for name in ("bridge", "executor"))
    with started(bridge, executor):
        for one in (bridge, executor):
            one.until(partial(one.page, "readyz"))
        broker.start(1)
        for one in (bridge, executor):
            status, _ = one.until(partial(one.ask, "readyz"), lambda answer: WRONG in answer[1])
            assert status == 503
        answer = httpx.post(url, content=BODY, timeout=30)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert asyncio.run(written(broker.bootstrap)) == {topics.LOOKUP: 1}
        asyncio.run(make_anew(broker.bootstrap))
        bridge.until_ready()
        assert httpx.post(url, content=BODY, timeout=30).status_code == 200
        executor.until(partial(executor.page, "readyz"), lambda text: text and WRONG not in text)
        assert bridge.stop() == 0


@pytest.fixture
def fitting(broker: EmbeddedKafka) -> EmbeddedKafka:
    """The broker with the topics that it should have."""
    if asyncio.run(applied.check(broker.bootstrap, EMBEDDED)):
        asyncio.run(make_anew(broker.bootstrap))
    return broker


def test_a_second_bridge_on_the_port_is_refused(fitting: EmbeddedKafka) -> None:
    """It would take half of the requests without a word: exit 2, the address, and what to do."""
    with taken_port() as port:
        done = run((*CLI, "bridge"), settings_of(fitting.bootstrap, BRIDGE_PORT=str(port)))
    assert done.returncode == 2, done.stderr
    assert f"the bridge cannot listen on 127.0.0.1:{port}: Address already in use; end what" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_admin_port_of_an_agent_is_said(fitting: EmbeddedKafka) -> None:
    """Exit 2, the address, and what to set; before it is in anybody's way in the group."""
    with taken_port() as port:
        done = run((*CLI, "agent"), settings_of(fitting.bootstrap, ADMIN_PORT=str(port)))
    assert done.returncode == 2, done.stderr
    assert f"txpush-agent cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "set TXPUSH_ADMIN_PORT" in done.stderr
    assert "Traceback" not in done.stderr
