"""What a bridge says of its end: at the signal, and when it is over."""

import logging
import os
import signal

import pytest

from streams import exits
from streams.bridge import process
from streams.bridge.checks import Signing
from streams.bridge.settings import BridgeSettings
from streams.clock import WallClock
from streams.exits import EXIT_OK
from streams.kafka.producer import LogProducer
from tests.processes import free_port


async def test_a_bridge_says_that_it_is_asked_to_end_and_has(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each, in the words of all processes, with or without a broker; its end is bounded before it says so."""
    bounds = list[tuple[float, list[str]]]()

    def bound(seconds: float) -> None:  # the true one would end the process that runs this test
        bounds.append((seconds, said()))

    def said() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.name == "streams.exits"]

    monkeypatch.setattr(exits, "bound_shutdown", bound)

    async def begun(_: LogProducer) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(LogProducer, "start", begun)
    caplog.set_level(logging.INFO, "streams")
    settings = BridgeSettings(
        bootstrap="127.0.0.1:1",
        tokens=("token-of-a-callback-url-24",),
        port=free_port(),
        admin_port=0,
        workers=1,
        signing=Signing(enforce=False),
    )
    assert await process.serve(settings, WallClock()) == EXIT_OK
    assert said() == [f"SIGTERM: stopping within {settings.shutdown_seconds:g} s", "ended in order"]
    assert bounds == [(settings.shutdown_seconds, [])], "who reads the log may have stopped reading"
