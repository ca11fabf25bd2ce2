"""Brokers that go once a worker has looked at the cluster, and before it has joined its group."""

import asyncio
from pathlib import Path

import pytest

from streams.exits import EXIT_CRASH
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from tests.processes import Program, settings_for, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SECONDS = 60.0
HELD = """
import pathlib, sys, time
from streams.cli import main
from streams.worker.program import FoldProgram

def held(*args, assemble=FoldProgram._assemble, until=pathlib.Path(sys.argv.pop()), **options):
    until.touch()
    while until.exists():
        time.sleep(0.05)
    return assemble(*args, **options)

FoldProgram._assemble = held
main()
"""
"""A command, held between its look at the cluster and all that follows, until a file is gone."""


@pytest.mark.parametrize("command", ["agent", "institutions"])
def test_the_worker_is_to_be_started_again(command: str, tmp_path: Path) -> None:
    """As when they go at any other time: 70, and not the 1 of a process that is not to come back."""
    looked = tmp_path / "looked"
    with EmbeddedKafka() as kafka:
        asyncio.run(applied.apply(kafka.bootstrap, EMBEDDED))
        settings = settings_for(kafka.bootstrap, INSTANCE="agent-0", ADMIN_PORT="0")
        worker = Program(("-c", HELD, command, str(looked)), settings, tmp_path / "worker.log")
        with started(worker):
            wait_until(looked.exists, said=worker.said)
            for broker in kafka.broker_ids:
                kafka.kill(broker)
            looked.unlink()
            assert worker.ended(SECONDS) == EXIT_CRASH, worker.said()
            assert "to be started again" in worker.said()
