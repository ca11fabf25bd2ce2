"""The HTTP server under bridge, executor and sandbox: granian in the event loop of the process."""

import logging
import resource
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

log = logging.getLogger(__name__)

HEADER_SECONDS = 10.0
"""How long a client may take for its headers, and how long a connection may wait for the next request."""
HEADER_BYTES = 32 * 1024
"""Largest head of a request; past it the answer is 431. Granian itself would hold 417,792 bytes a connection."""
OTHER_FILES = 256
"""Open files that are not connections of clients: Kafka's, the admin port's, libraries."""


def http_server(
    app: Callable[..., Any],
    host: str,
    port: int,
    *,
    max_connections: int,
    backlog: int,
    header_seconds: float = HEADER_SECONDS,
) -> Server:
    """Give a server of plain HTTP/1.1; it shares the port with other processes (SO_REUSEPORT).

    It has no access log, as tokens and links stand in paths. Connections past `max_connections` wait in the `backlog`.
    """
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(header_seconds * 1000), max_buffer_size=HEADER_BYTES),
        websockets=False,
        backlog=backlog,
        backpressure=openable(max_connections),
        log_enabled=False,
    )


def openable(connections: int) -> int:
    """Give how many connections the system lets this process have, at most as many as are wanted.

    A client that opens more than there are files for would cut Kafka off as well. The limit is raised where it may be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    possible = max(1, allowed - OTHER_FILES)
    if possible < connections:
        log.warning("%d connections at once, not %d: raise the limit of open files", possible, connections)
    return min(connections, possible)
