"""An orderly end while the broker hangs: SIGSTOP leaves its connections open and says nothing more."""

import signal
import time
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.asleep import asleep
from tests.integration.executor.executing import executor
from tests.integration.executor.vendor import standing
from tests.processes import CLI, Program, free_port, settings_for, started

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SHUTDOWN_SECONDS = 5.0
WORKERS = ("agent", "institutions")
BRIDGE = {"CALLBACK_TOKENS": "t" * 20, "SIGNATURES": "log", "SEALING_KEYS": "0" * 32}


def program(name: str, broker: EmbeddedKafka, folder: Path, **more: str) -> Program:
    """Give a program that has little time to end."""
    limits = {"INSTANCE": f"{name}-0", "SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS), "ACK_SECONDS": "1"}
    return Program((*CLI, name), settings_for(broker.bootstrap, **limits, **more), folder / name)


def test_all_end_in_their_time(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """SIGTERM ends agents, bridge and executor within the time that they are given, in order or with 70."""
    bridge = program("bridge", broker, tmp_path, BRIDGE_PORT=str(free_port()), **BRIDGE)
    ours = [bridge, *(program(name, broker, tmp_path) for name in WORKERS)]
    limit = {"SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS), "ACK_SECONDS": "1"}
    with (
        started(*ours),
        standing() as vendor,
        executor(broker.bootstrap, vendor, tmp_path / "executor", **limit) as last,
    ):
        ours.append(last)
        for one in ours:
            one.until_ready()
        with asleep(broker):
            began = time.monotonic()
            for one in ours:
                one.signal(signal.SIGTERM)
            for one in ours:
                assert one.ended(SHUTDOWN_SECONDS + 10) in {0, 70}, one.said()
            assert time.monotonic() - began < SHUTDOWN_SECONDS + 2
