"""The agent is a Faust agent with Faust tables, not beside one: without either no command comes out."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

import streams.agent
from schemas.times import from_epoch_ms, rfc3339
from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, EVENTS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

INTACT = (Path(streams.agent.__file__).parent / "app.py").read_text()
COMMANDS = "remediation.connect-fix"
ATTEMPT_MS = 1_762_000_000_000
FIRST_SECONDS = 60.0
NEVER_SECONDS = 8.0
"""How long nothing must come; the intact agent needs two to four seconds from its start."""


@pytest.fixture
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker of its own: the topics of the contract have fixed names."""
    with EmbeddedKafka() as kafka:
        asyncio.run(topics.apply(kafka.bootstrap, EMBEDDED))
        yield kafka


def without(text: str, begin: str, end: str) -> str:
    """Cut out what lies from `begin` up to `end`."""
    head, found, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    assert found, f"the agent's module has no {begin!r} any more: mend this test"
    assert found_end, f"the agent's module has no {end!r} any more: mend this test"
    return head + end + tail


@contextmanager
def worker(folder: Path, source: str, kafka: EmbeddedKafka) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that runs `source` in place of the agent's module."""
    module = folder / "variant.py"
    module.write_text(source)
    environment = {
        **os.environ, "TXPUSH_BOOTSTRAP": kafka.bootstrap, "TXPUSH_PARTITIONS": "3", "TXPUSH_REPLICATION": "1",
        "TXPUSH_INSTANCE": "needs",
    }  # fmt: skip
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, str(module)], env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@asynccontextmanager
async def reader(kafka: EmbeddedKafka) -> AsyncIterator[Any]:
    """A committed reader of the commands, from the first one on."""
    consumer = AIOKafkaConsumer(
        COMMANDS,
        bootstrap_servers=kafka.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def send_failing(kafka: EmbeddedKafka, customer_id: str) -> None:
    """Write an account that asks for credentials into the log."""
    snapshot = {
        "customerId": customer_id,
        "accountId": f"59{customer_id}",
        "institutionId": "102105",
        "institutionLoginId": f"71{customer_id}",
        "aggregationStatusCode": 103,
        "aggregationAttemptDate": ATTEMPT_MS // 1000,
    }
    attributes = {
        "ce_id": f"needs:{customer_id}",
        "ce_type": "txpush.account.modified",
        "ce_source": "/remediation/bridge",
        "ce_time": rfc3339(from_epoch_ms(ATTEMPT_MS)),
    }
    headers = [(name, text.encode()) for name, text in attributes.items()]
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(
            EVENTS, json.dumps(snapshot).encode(), customer_id.encode(), timestamp_ms=ATTEMPT_MS, headers=headers
        )


async def next_command(consumer: Any, seconds: float) -> str | None:  # noqa: ANN401 - untyped library
    """Give the customer of the next command, None where none comes in time."""
    try:
        record = await asyncio.wait_for(consumer.getone(), seconds)
    except TimeoutError:
        return None
    return str(json.loads(record.value)["customer_id"])


async def test_no_command_without_the_faust_agent_or_a_table(own_kafka: EmbeddedKafka, tmp_path: Path) -> None:
    """The same module gives a command; without its `@app.agent`, or without a table, it gives none."""
    no_agent = without(INTACT, "@app.agent(", "def main()")
    no_table = without(INTACT, "    customers=program.table(", ")\n\n\n@app.agent")
    async with reader(own_kafka) as commands:
        await send_failing(own_kafka, "1")
        with worker(tmp_path, INTACT, own_kafka):
            assert await next_command(commands, FIRST_SECONDS) == "1"
        for customer_id, source in (("2", no_agent), ("3", no_table)):
            await send_failing(own_kafka, customer_id)
            with worker(tmp_path, source, own_kafka):
                assert await next_command(commands, NEVER_SECONDS) is None
        with worker(tmp_path, INTACT, own_kafka):
            late = {await next_command(commands, FIRST_SECONDS) for _ in range(2)}
    assert late == {"2", "3"}
