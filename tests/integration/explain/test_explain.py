"""`txpush explain` on a real cluster tells what the topics in memory tell, and leaves nothing behind."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.explain import Story
from streams.kafka.embedded import EmbeddedKafka
from streams.testing import Topology
from tests.processes import CLI, run, settings_for
from tests.unit.explain.stories import CUSTOMER, told, two_mails

pytestmark = pytest.mark.kafka


async def copied(topology: Topology, bootstrap: str) -> None:
    """Write what the broker in memory has into a real one, each record to its place."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for topic, partition in topology.cluster.places:
            for record in topology.cluster.read(topic, partition):
                await producer.send(
                    topic,
                    record.value,
                    record.key,
                    partition=partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
        await producer.flush()
    finally:
        await producer.stop()


async def there(bootstrap: str) -> tuple[list[str], list[object]]:
    """Give topics and groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return sorted(await admin.list_topics()), await admin.list_consumer_groups()
    finally:
        await admin.close()


@pytest.mark.slow
def test_a_cluster_tells_what_memory_tells(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """The same story to the last word, as data and as a page; no group and no topic comes of it."""
    topology = two_mails()
    asyncio.run(copied(topology, broker.bootstrap))
    before = asyncio.run(there(broker.bootstrap))
    page = tmp_path / "story.html"
    done = run((*CLI, "explain", CUSTOMER, "--json", "--html", str(page)), settings_for(broker.bootstrap))
    assert (done.returncode, done.stderr) == (0, f"written to {page}\n")
    story = Story.model_validate_json(done.stdout)
    expected = told(topology)
    assert story == expected.model_copy(update={"origin": broker.bootstrap})
    assert "2 contacts with the customer" in page.read_text()
    assert asyncio.run(there(broker.bootstrap)) == before


def test_nobody_there_is_said_in_words() -> None:
    """With the address and what to do, and exit 2."""
    done = run((*CLI, "explain", CUSTOMER), settings_for("127.0.0.1:9"))
    assert done.returncode == 2
    assert "127.0.0.1:9 cannot be read" in done.stderr
