"""Endpoints that a process listens on: found to be free before they are shared, or refused in words."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from ipaddress import ip_address
from threading import Thread
from typing import NamedTuple

from streams.exits import EXIT_NOTHING

log = logging.getLogger(__name__)

MAX_PORT = 65535
LOOK_UP_SECONDS = 10.0
"""How long the name of a host may take to be looked up."""


class ToldBy(NamedTuple):
    """What says where a process listens: two settings, or two options of its command."""

    port: str
    host: str


ADMIN = ToldBy("TXPUSH_ADMIN_PORT", "TXPUSH_ADMIN_HOST")
"""Of what every process has beside its own."""
BRIDGE = ToldBy("TXPUSH_BRIDGE_PORT", "TXPUSH_BRIDGE_HOST")
EXECUTOR = ToldBy("TXPUSH_EXECUTOR_PORT", "TXPUSH_EXECUTOR_HOST")
SANDBOX = ToldBy("TXPUSH_SANDBOX_PORT", "TXPUSH_SANDBOX_HOST")


class Endpoint(NamedTuple):
    """An address of this machine, in digits, and a port of it."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what is compared
"""What stands for all addresses of a machine."""


def clash(own: Endpoint, told_by: ToldBy, admin: Endpoint, last: int) -> Iterator[str]:
    """Say that a port of its own is an admin port of the same process, of which `last` is the last; nothing if not.

    Names are not looked up for it: of one that is an address of the other the second that listens is refused.
    """
    if admin.port <= own.port <= last and (own.host == admin.host or {own.host, admin.host} & EVERYWHERE):
        others = (
            f"that of {ADMIN.port}" if admin.port == last else f"among {admin.port} to {last}, from {ADMIN.port} on,"
        )
        yield f"{told_by.port}: {own.port} is {others} as well: set one of the two to another port"


class PortError(OSError):
    """A process cannot listen: the message says where, why, and which setting to change.

    Args:
        host: address or name that it was to listen on.
        port: port of it.
        told_by: what to change.
        error: what the system says, or Python of what is no name of a host (ValueError) or no port (OverflowError).
    """

    def __init__(self, host: str, port: int, told_by: ToldBy, error: OSError | ValueError | OverflowError) -> None:
        super().__init__(f"{Endpoint(host, port)}: {_reason(error)}; {_advice(told_by, error)}")


def _reason(error: OSError | ValueError | OverflowError) -> str:
    """Give the system's words; libraries put more around them, and names that cannot be resolved have no number."""
    if isinstance(error, ValueError):
        return "no host can have that name"
    if isinstance(error, OverflowError):
        return f"{MAX_PORT} is the last port"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return str(error.strerror or error) or "nothing happened in time"


def _advice(told_by: ToldBy, error: OSError | ValueError | OverflowError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"end what listens there, or set {told_by.port} to another port"
    if isinstance(error, OverflowError):
        return f"set {told_by.port} to a port up to it"
    if number in (errno.EACCES, errno.EPERM):
        return f"set {told_by.port} to a port from 1024 on"
    return f"set {told_by.host} to an address of this machine"


async def address_of(host: str, port: int, told_by: ToldBy) -> str:
    """Give the address of a host in digits, as servers want it; of several one of IPv4, where there is one.

    Raises:
        PortError: nobody knows the host, or says so in ten seconds.
    """
    found: Future[list[str]] = Future()
    # Not of a pool: the end of the process would wait for a name server that does not answer.
    Thread(target=_look_up, args=(host, found), daemon=True).start()
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            addresses = await asyncio.wrap_future(found)
    except (OSError, ValueError) as error:
        raise PortError(host, port, told_by, error) from None
    return min(addresses, key=lambda one: ip_address(one).version)


def _look_up(host: str, found: "Future[list[str]]") -> None:
    found.set_running_or_notify_cancel()  # from here on nobody who has waited long enough makes the answer an error
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        found.set_result([str(answer[4][0]) for answer in answers])
    except Exception as error:  # noqa: BLE001 - whoever waits says what it means
        found.set_exception(error)


async def free_endpoint(host: str, port: int, told_by: ToldBy) -> Endpoint:
    """Give the endpoint, with a free port for 0: the server would share one that is taken, and its requests, silently.

    It is let go again before the server takes it: of two that start in the same moment both may find it free.

    Raises:
        PortError: somebody listens there, or nobody can.
    """
    address = await address_of(host, port, told_by)
    with closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as what has closed lately is no hindrance
        try:
            probe.bind((address, port))
        except (OSError, OverflowError) as error:
            raise PortError(host, port, told_by, error) from None
        return Endpoint(address, int(probe.getsockname()[1]))


def is_this_machine(host: str) -> bool:
    """Say whether a host names this machine by a loopback address, an IPv6 one in brackets too, or by `localhost`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_port(what: str, error: PortError) -> int:
    """Say that something cannot listen, and what to do; give the exit code."""
    log.error("%s cannot listen on %s", what, error)
    return EXIT_NOTHING
