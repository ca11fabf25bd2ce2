"""Several bridge processes on a port that another server listens on, which would share it without a word."""

import multiprocessing
import socket

import pytest

from streams.bridge.checks import Signing
from streams.bridge.settings import BridgeSettings
from streams.bridge.workers import run_workers
from streams.clock import WallClock


def test_several_workers_are_refused_as_one_is(caplog: pytest.LogCaptureFixture) -> None:
    """Exit 1, the address and what to do, before any worker is started."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = BridgeSettings(
            bootstrap="127.0.0.1:1",
            tokens=("token-of-a-callback-url-24",),
            port=port,
            admin_port=0,
            workers=2,
            signing=Signing(enforce=False),
        )
        assert run_workers(settings, WallClock()) == 1
    assert multiprocessing.active_children() == []
    (line,) = caplog.messages
    assert line == (
        f"the bridge cannot listen: [Errno 98] 127.0.0.1:{port}: Address already in use. "
        "Free the address or choose another port."
    )
