"""An orderly end while the broker hangs: SIGSTOP leaves its connections open and says nothing more."""

import os
import signal
import time
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.processes import CLI, Program, settings_for, started

pytestmark = pytest.mark.kafka

SHUTDOWN_SECONDS = 5.0
WORKERS = ("agent", "institutions")


def worker(name: str, broker: EmbeddedKafka, folder: Path) -> Program:
    """Give a worker that has little time to end."""
    settings = settings_for(
        broker.bootstrap, INSTANCE=f"{name}-0", SHUTDOWN_SECONDS=str(SHUTDOWN_SECONDS), ACK_SECONDS="1"
    )
    return Program((*CLI, name), settings, folder / name)


def test_workers_end_in_their_time(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """SIGTERM ends agent and institution agent within the time that they are given, in order or with 70."""
    workers = [worker(name, broker, tmp_path) for name in WORKERS]
    with started(*workers):
        for one in workers:
            one.until_ready()
        pid = broker.pid(1)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            for one in workers:
                one.signal(signal.SIGTERM)
            for one in workers:
                assert one.ended(SHUTDOWN_SECONDS + 10) in {0, 70}, one.said()
            assert time.monotonic() - began < SHUTDOWN_SECONDS + 2
        finally:
            os.kill(pid, signal.SIGCONT)
