"""An orderly end while the broker hangs: SIGSTOP leaves its connections open and says nothing more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EMBEDDED
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
SHUTDOWN_SECONDS = 5.0
WORKERS = ("agent", "institutions")


def started(name: str, broker: EmbeddedKafka, log: Path) -> "subprocess.Popen[bytes]":
    """Start a worker and wait until all of its partitions are open."""
    environment = os.environ | {
        "TXPUSH_BOOTSTRAP": broker.bootstrap,
        "TXPUSH_PARTITIONS": str(EMBEDDED.partitions),
        "TXPUSH_REPLICATION": "1",
        "TXPUSH_INSTANCE": f"{name}-0",
        "TXPUSH_SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
        "TXPUSH_ACK_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", name], env=environment, stdout=out, stderr=out, cwd=ROOT
        )
    wait_until(log.read_text, lambda text: " is ready: " in text, said=log.read_text)
    return process


def test_workers_end_in_their_time(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """SIGTERM ends agent and institution agent within the time that they are given, in order or with 70."""
    processes = {name: started(name, broker, tmp_path / name) for name in WORKERS}
    pid = broker.pid(1)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert process.wait(SHUTDOWN_SECONDS + 10) in {0, 70}, (tmp_path / name).read_text()
        assert time.monotonic() - began < SHUTDOWN_SECONDS + 2
    finally:
        os.kill(pid, signal.SIGCONT)
        for process in processes.values():
            process.kill()
