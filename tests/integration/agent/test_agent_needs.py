"""The agent is a Faust agent with Faust tables, not beside one: what Faust does not know or pass on is not decided."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import streams.agent
from schemas.times import from_epoch_ms, rfc3339
from streams.fold.intake import partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED, EVENTS
from tests.processes import Program, run, settings_for, started
from tests.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]

INTACT = (Path(streams.agent.__file__).parent / "app.py").read_text()
COMMANDS = "remediation.connect-fix"
ATTEMPT_MS = 1_762_000_000_000
SECONDS = 60.0
NOWHERE = "127.0.0.1:1"
PASSED_BY = "passed by"
NO_REGISTRY = """
from faust.tables.manager import TableManager
TableManager.add = lambda self, table: table
from streams.agent.app import main
main()
"""
"""The agent where nothing registers a table at Faust."""


def variant(folder: Path, source: str, kafka: EmbeddedKafka) -> Program:
    """Give a worker with `source` in place of the agent's module."""
    module = folder / "variant.py"
    module.write_text(source)
    return Program((str(module),), settings_for(kafka.bootstrap, INSTANCE="needs"), folder / "worker.log")


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


async def next_command(consumer: Any) -> str:  # noqa: ANN401 - untyped library
    """Give the customer of the next command that is issued; one of long ago is reminded of at once."""
    async with asyncio.timeout(SECONDS):
        while True:
            command = json.loads((await consumer.getone()).value)
            if command["action"] == "issue":
                return str(command["customer_id"])


def without(text: str, begin: str, end: str) -> str:
    """Cut out what lies from `begin` up to `end`."""
    head, found, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    assert found, f"the agent's module has no {begin!r} any more: mend this test"
    assert found_end, f"the agent's module has no {end!r} any more: mend this test"
    return head + end + tail


def passing_by(customer_id: str) -> str:
    """Give the agent's module with an agent that decides on nothing in which this customer is."""
    decision = "        event.message.poll.decide()\n"
    assert decision in INTACT, "the agent decides elsewhere: mend this test"
    passed = f"""        if b"{customer_id}" in {{record.key for record in event.message.poll.records}}:
            print("{PASSED_BY}", flush=True)
            continue
"""
    return INTACT.replace(decision, passed + decision)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param(without(INTACT, "@app.agent(", "def main()"), f"no agent reads {EVENTS}", id="no agent"),
        pytest.param(
            INTACT.replace("def main()", 'del app.tables["logins"]\n\n\ndef main()'),
            "Faust does not know the fold's table logins",
            id="no table logins",
        ),
        pytest.param(NO_REGISTRY, "Faust does not know the fold's table control", id="no table"),
    ],
)
def test_what_faust_does_not_know_does_not_start(source: str, why: str) -> None:
    """Without its `@app.agent`, or with a table that is not Faust's, the agent ends with 2 and says what is missing."""
    done = run(("-c", source), settings_for(NOWHERE, INSTANCE="needs"), SECONDS)
    assert done.returncode == 2, done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


async def test_no_command_but_through_the_faust_agent(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """What the Faust agent passes by leads to no command while the worker works; the intact agent makes up for it."""
    customers = (str(number) for number in count(7_000_000_000))
    passed = next(customers)
    place = partition_of(passed, EMBEDDED.partitions)
    other = next(one for one in customers if partition_of(one, EMBEDDED.partitions) != place)
    async with reader(broker) as commands:
        await send_failing(broker, passed)
        passing = variant(tmp_path, passing_by(passed), broker)
        with started(passing):
            await until(lambda: PASSED_BY in passing.said(), SECONDS)
            await send_failing(broker, other)
            assert await next_command(commands) == other
            partition = TopicPartition(COMMANDS, place)
            assert (await commands.end_offsets([partition]))[partition] == 0
        with started(variant(tmp_path, INTACT, broker)):
            assert await next_command(commands) == passed
