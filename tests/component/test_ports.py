"""Endpoints that cannot be listened on: the words name address, reason, setting and next step."""

import asyncio
import errno
import logging
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from streams import ports
from streams.exits import EXIT_NOTHING
from streams.observe.admin import AdminServer
from streams.ports import ADMIN, BRIDGE, MAX_PORT, Endpoint, PortError, free_endpoint, refuse_port
from streams.settings import PREFIX, Settings
from tests.processes import ROOT, free_port, taken_port


async def test_a_taken_port_is_not_shared() -> None:
    """Somebody who shares ports, as our server does, has it; the next step is to end it, or the port's setting."""
    with taken_port() as port, pytest.raises(PortError) as refused:
        await free_endpoint("127.0.0.1", port, BRIDGE)
    assert str(refused.value) == (
        f"127.0.0.1:{port}: Address already in use; end what listens there, or set TXPUSH_BRIDGE_PORT to another port"
    )


async def test_a_free_port_is_given() -> None:
    """0 is any."""
    assert (await free_endpoint("127.0.0.1", 0, BRIDGE)).port > 0


async def test_an_address_of_another_machine_is_told() -> None:
    """It is the address that has to change, and not the port."""
    with pytest.raises(PortError) as refused:
        await free_endpoint("192.0.2.1", 8080, BRIDGE)
    assert str(refused.value) == (
        "192.0.2.1:8080: Cannot assign requested address; set TXPUSH_BRIDGE_HOST to an address of this machine"
    )


def test_a_name_that_nobody_knows_is_told() -> None:
    """The resolver's errors have no number of the system, and a wait that was cut off has no words."""
    unknown = PortError("nowhere", 80, BRIDGE, socket.gaierror(-2, "Name or service not known"))
    assert str(unknown).startswith("nowhere:80: Name or service not known; set TXPUSH_BRIDGE_HOST")
    assert str(PortError("nowhere", 80, BRIDGE, TimeoutError())).startswith(
        "nowhere:80: nothing happened in time; set "
    )


def test_a_port_that_needs_rights_is_told() -> None:
    """Whoever is not root has ports from 1024 on."""
    refused = PortError("::1", 80, BRIDGE, OSError(errno.EACCES, "denied"))
    assert str(refused) == "[::1]:80: Permission denied; set TXPUSH_BRIDGE_PORT to a port from 1024 on"


@pytest.mark.parametrize("host", ["two..dots", "x" * 70, ".", "nul\0byte"])
async def test_what_no_host_is_called_is_told(host: str) -> None:
    """Of names that Python does not even ask for, as of those that nobody knows: the setting of the host."""
    for listening in (free_endpoint(host, 0, ADMIN), AdminServer(host, 0, CollectorRegistry(), list).start()):
        with pytest.raises(PortError, match="set TXPUSH_ADMIN_HOST to an address of this machine"):
            await listening


async def test_a_port_that_there_is_not_is_told() -> None:
    """The number is the port's, as is the setting that has to change."""
    for listening in (
        free_endpoint("127.0.0.1", MAX_PORT + 1, ADMIN),
        AdminServer("127.0.0.1", MAX_PORT + 1, CollectorRegistry(), list).start(),
    ):
        with pytest.raises(PortError) as refused:
            await listening
        assert str(refused.value) == (
            "127.0.0.1:65536: 65535 is the last port; set TXPUSH_ADMIN_PORT to a port up to it"
        )


@pytest.fixture
def silent_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name server that does not answer while the test runs."""
    over = threading.Event()

    def wait(*_: object, **__: object) -> list[Any]:
        over.wait()
        return []

    monkeypatch.setattr(ports, "LOOK_UP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield
    over.set()


@pytest.mark.usefixtures("silent_names")
async def test_a_name_server_is_not_waited_for_without_end() -> None:
    """Nor does the process wait for it at its end: no thread that it would join is left, and the loop goes on."""
    loop, threads = asyncio.get_running_loop(), set(threading.enumerate())
    for listening in (
        free_endpoint("slow.example", 8080, BRIDGE),
        AdminServer("slow.example", 8080, CollectorRegistry(), list).start(),
    ):
        turns: list[None] = []
        loop.call_later(0.01, turns.append, None)
        with pytest.raises(PortError, match=r"^slow\.example:8080: nothing happened in time; set TXPUSH_\w+_HOST to"):
            await listening
        assert turns
    assert [one.daemon for one in set(threading.enumerate()) - threads] == [True, True]


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [(["::1"], "::1"), (["::1", "127.0.0.1"], "127.0.0.1"), (["127.0.0.2", "127.0.0.1"], "127.0.0.2")],
)
async def test_a_name_becomes_an_address(monkeypatch: pytest.MonkeyPatch, answers: list[str], wanted: str) -> None:
    """Servers take nothing else: of several the first of IPv4, and of a host that has IPv6 only that one."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (one, 0)) for one in answers])
    monkeypatch.setattr(socket, "socket", Bound)
    assert await free_endpoint("host.example", 8080, BRIDGE) == Endpoint(wanted, 8080)


class Bound:
    """Stands in for a socket, on machines without IPv6 as well; an address has to be of its family."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._family, self._at = family, ("", 0)

    def close(self) -> None:
        return None

    def setsockopt(self, *_: int) -> None:
        return None

    def bind(self, at: tuple[str, int]) -> None:
        socket.inet_pton(self._family, at[0])
        self._at = at

    def getsockname(self) -> tuple[str, int]:
        return self._at


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
async def test_the_admin_port_is_refused_in_the_same_words(host: str) -> None:
    """Without what libraries put around the system's words."""
    with taken_port() as port, pytest.raises(PortError) as refused:
        await AdminServer(host, port, CollectorRegistry(), list).start()
    told = str(refused.value)
    assert told.startswith(f"{host}:{port}: ")
    assert "TXPUSH_ADMIN_PORT" in told or "TXPUSH_ADMIN_HOST" in told
    assert "bind" not in told


async def test_the_admin_port_has_an_endpoint_by_name() -> None:
    """Where it listens is told in digits, for an address as well as for a name."""
    server = AdminServer("localhost", free_port(), CollectorRegistry(), list)
    await server.start()
    assert str(server.endpoint) in {f"127.0.0.1:{server.port}", f"[::1]:{server.port}"}
    await server.stop()


def test_a_refusal_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """It names the process, and nothing was done."""
    error = PortError("127.0.0.1", 80, BRIDGE, OSError(errno.EADDRINUSE, ""))
    assert refuse_port("the bridge", error) == EXIT_NOTHING
    (line,) = caplog.records
    assert (line.levelno, line.getMessage()) == (logging.ERROR, f"the bridge cannot listen on {error}")


def test_what_is_named_can_be_set() -> None:
    """Each port and each address that the code names has a setting."""
    files = (ROOT / "streams").rglob("*.py")
    told = {name for file in files for name in re.findall(r"TXPUSH_\w+_(?:PORT|HOST)", file.read_text())}
    assert {*ADMIN, *BRIDGE, *ports.EXECUTOR, *ports.SANDBOX} <= told
    assert {name.removeprefix(PREFIX).lower() for name in told} <= Settings.model_fields.keys()
