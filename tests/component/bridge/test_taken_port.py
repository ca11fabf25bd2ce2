"""Bridge processes on a port that another server listens on, which would share it without a word."""

import multiprocessing
from dataclasses import replace

import pytest

from streams.bridge.checks import Signing
from streams.bridge.command import run_bridge
from streams.bridge.settings import BridgeSettings
from streams.clock import WallClock
from tests.processes import free_port, taken_port


def bridge_on(port: int, admin_port: int, workers: int) -> BridgeSettings:
    """Give settings of a bridge that would start without Kafka."""
    return BridgeSettings(
        bootstrap="127.0.0.1:1",
        tokens=("token-of-a-callback-url-24",),
        port=port,
        admin_port=admin_port,
        workers=workers,
        signing=Signing(enforce=False),
    )


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("setting", ["TXPUSH_BRIDGE_PORT", "TXPUSH_ADMIN_PORT"])
def test_a_taken_port_is_refused(caplog: pytest.LogCaptureFixture, workers: int, setting: str) -> None:
    """Exit 2, the address, the setting and what to do, in one line; before any worker is started."""
    with taken_port() as port:
        ports = (port, 0) if setting == "TXPUSH_BRIDGE_PORT" else (free_port(), port)
        assert run_bridge(bridge_on(*ports, workers), WallClock()) == 2
    assert multiprocessing.active_children() == []
    (line,) = caplog.messages
    assert line == (
        f"the bridge cannot listen on 127.0.0.1:{port}: Address already in use; "
        f"end what listens there, or set {setting} to another port"
    )


def test_the_admin_port_of_the_last_worker_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """Each further worker takes the next port: the first would serve while the second ends, and ends all."""
    with taken_port() as port:
        assert run_bridge(bridge_on(free_port(), port - 1, 2), WallClock()) == 2
    assert f"127.0.0.1:{port}: Address already in use" in caplog.text


def test_a_name_that_nobody_knows_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Before anything listens, in words: the server takes addresses only, and would end the process without any."""
    for workers in (1, 2):
        bridge = replace(bridge_on(free_port(), 0, workers), host="no..host")
        assert run_bridge(bridge, WallClock()) == 2
        assert caplog.messages[-1].endswith("; set TXPUSH_BRIDGE_HOST to an address of this machine")
