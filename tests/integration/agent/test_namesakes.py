"""Workers under one TXPUSH_INSTANCE: the older one says so at its end; a restart under the same name is none."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from tests.processes import CLI, Program, settings_for, started

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

LINKS = {"LINK_URL": "http://127.0.0.1:8085", "LINK_KEYS": "0" * 64}
ACCUSED = "another worker of txpush-agent has joined under the same TXPUSH_INSTANCE 'agent-0'; give each worker a name"

LETTERS = "txpush_agent_dead_letters_total{"


def agent(broker: EmbeddedKafka, log: Path, session_seconds: int) -> Program:
    """Give an agent under the one name."""
    told = settings_for(broker.bootstrap, INSTANCE="agent-0", SESSION_SECONDS=str(session_seconds), **LINKS)
    return Program((*CLI, "agent"), told, log)


def require_said_once(older: Program) -> None:
    """Hold its log to the line of its start and that of its end, but for the records that it has set aside."""
    assert older.ended(30.0) == 70
    ready, end = (line for line in older.said().splitlines() if " a record is set aside: " not in line)
    assert " is ready: " in ready
    assert ACCUSED in end
    assert end.endswith("exiting with 70, to be started again")


def test_a_heartbeat_tells_of_a_namesake(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Without traffic: the older one ends with 70 and one line, and the younger one has all partitions."""
    older, younger = (agent(broker, tmp_path / name, 6) for name in ("older", "younger"))
    with started(older):
        older.until_ready()
        with started(younger):
            younger.until_ready()
            require_said_once(older)
            assert younger.is_ready()
            assert younger.stop() == 0


async def write(bootstrap: str) -> None:
    """Put a record that becomes a dead letter on each partition: all that reads it has to commit something."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    async with asyncio.timeout(30), producer:
        for partition in range(topics.EMBEDDED.partitions):
            await producer.send_and_wait(topics.EVENTS, b"no event", partition=partition)


def test_a_fenced_transaction_tells_of_a_namesake(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """With traffic the older one is fenced long before a heartbeat: the line is the same, without a trace."""
    older, younger = (agent(broker, tmp_path / name, 120) for name in ("older", "younger"))
    with started(older):
        older.until_ready()
        with started(younger):
            younger.until_ready()
            asyncio.run(write(broker.bootstrap))
            require_said_once(older)
            assert younger.stop() == 0


def test_a_restart_is_no_namesake(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """A killed worker that is started again under its name, twice, commits as ever, and accuses nobody."""
    restarted = agent(broker, tmp_path / "log", 6)
    for is_last in (False, False, True):
        with started(restarted):
            restarted.until_ready()
            asyncio.run(write(broker.bootstrap))
            restarted.until(lambda: restarted.metric(LETTERS) == topics.EMBEDDED.partitions)
            assert not is_last or restarted.stop() == 0
    assert "another worker" not in restarted.log.read_text()
