"""Ports that cannot be listened on: the words name address, reason, setting and next step."""

import errno
import logging
import re
import socket

import pytest
from prometheus_client import CollectorRegistry

from streams.exits import EXIT_NOTHING
from streams.observe.admin import AdminServer
from streams.ports import PortError, refuse_port, unshared_port
from streams.settings import PREFIX, Settings
from tests.processes import ROOT, taken_port

PORT = "TXPUSH_BRIDGE_PORT"


def test_a_taken_port_is_not_shared() -> None:
    """Somebody who shares ports, as our server does, has it; the next step is to end it, or the port's setting."""
    with taken_port() as port, pytest.raises(PortError) as refused:
        unshared_port("127.0.0.1", port, PORT)
    assert str(refused.value) == (
        f"127.0.0.1:{port}: Address already in use; end what listens there, or set {PORT} to another port"
    )


def test_a_free_port_is_given() -> None:
    """0 is any."""
    assert unshared_port("127.0.0.1", 0, PORT) > 0


def test_an_address_of_another_machine_is_told() -> None:
    """It is the address that has to change, and not the port."""
    with pytest.raises(PortError) as refused:
        unshared_port("192.0.2.1", 8080, PORT)
    assert str(refused.value) == (
        "192.0.2.1:8080: Cannot assign requested address; set TXPUSH_BRIDGE_HOST to an address of this machine"
    )


def test_a_name_that_nobody_knows_is_told() -> None:
    """The resolver's errors have no number of the system, and a wait that was cut off has no words."""
    unknown = PortError("nowhere", 80, PORT, socket.gaierror(-2, "Name or service not known"))
    assert str(unknown).startswith("nowhere:80: Name or service not known; set TXPUSH_BRIDGE_HOST")
    assert str(PortError("nowhere", 80, PORT, TimeoutError())).startswith("nowhere:80: nothing happened in time; set ")


def test_a_port_that_needs_rights_is_told() -> None:
    """Whoever is not root has ports from 1024 on."""
    refused = PortError("::1", 80, PORT, OSError(errno.EACCES, "denied"))
    assert str(refused) == f"[::1]:80: Permission denied; set {PORT} to a port from 1024 on"


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
async def test_the_admin_port_is_refused_in_the_same_words(host: str) -> None:
    """Without what libraries put around the system's words."""
    with taken_port() as port, pytest.raises(PortError) as refused:
        await AdminServer(host, port, CollectorRegistry(), list).start()
    told = str(refused.value)
    assert told.startswith(f"{host}:{port}: ")
    assert "TXPUSH_ADMIN_PORT" in told or "TXPUSH_ADMIN_HOST" in told
    assert "bind" not in told


def test_a_refusal_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """It names the process, and nothing was done."""
    error = PortError("127.0.0.1", 80, PORT, OSError(errno.EADDRINUSE, ""))
    assert refuse_port("the bridge", error) == EXIT_NOTHING
    (line,) = caplog.records
    assert (line.levelno, line.getMessage()) == (logging.ERROR, f"the bridge cannot listen on {error}")


def test_what_is_named_can_be_set() -> None:
    """Each port that the code names has a setting, and so has its address."""
    files = (ROOT / "streams").rglob("*.py")
    told = {name for file in files for name in re.findall(r"TXPUSH_\w+_PORT", file.read_text())}
    assert {"TXPUSH_ADMIN_PORT", "TXPUSH_EXECUTOR_PORT", "TXPUSH_SANDBOX_PORT", PORT} <= told
    wanted = {name.removeprefix(PREFIX).lower() for name in told}
    assert wanted | {name.replace("_port", "_host") for name in wanted} <= Settings.model_fields.keys()
