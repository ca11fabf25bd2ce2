"""The HTTP server under bridge, executor and sandbox: granian in the event loop of the process."""

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
