"""The HTTP server under bridge, executor and sandbox: granian in the event loop of the process."""

import socket
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

HEADER_READ_MS = 10_000
"""How long a client may take for its headers."""


def http_server(app: Callable[..., Any], host: str, port: int, *, max_connections: int, backlog: int) -> Server:
    """Give a server of plain HTTP/1.1; it shares the port with other processes (SO_REUSEPORT).

    It has no access log, as tokens and links stand in paths. Connections past `max_connections` wait in the `backlog`.
    """
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_MS),
        websockets=False,
        backlog=backlog,
        backpressure=max_connections,
        log_enabled=False,
    )


def unshared_port(host: str, port: int) -> int:
    """Give the port, or a free one for 0: the server would share one that is taken, and its requests, without a word.

    Raises:
        OSError: somebody listens there, or nobody can.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as what has closed lately is no hindrance
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(error.errno, f"{host}:{port}: {error.strerror}") from None
        return int(probe.getsockname()[1])
