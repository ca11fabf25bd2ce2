"""Ports that a process listens on: found to be free before they are shared, or refused in words."""

import errno
import logging
import os
import socket

from streams.exits import EXIT_NOTHING

log = logging.getLogger(__name__)

ADMIN_PORT = "TXPUSH_ADMIN_PORT"
"""The setting of the port that every process has beside its own."""


class PortError(OSError):
    """A process cannot listen: the message says where, why, and which setting to change.

    Args:
        host: address that it was to listen on.
        port: port of it.
        setting: name of the setting of the port; that of the address has `HOST` in its place.
        error: what the system says.
    """

    def __init__(self, host: str, port: int, setting: str, error: OSError) -> None:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__(f"{where}: {_reason(error)}; {_advice(setting, error)}")


def _reason(error: OSError) -> str:
    """Give the system's words; libraries put more around them, and names that cannot be resolved have no number."""
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return str(error.strerror or error) or "nothing happened in time"


def _advice(setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"end what listens there, or set {setting} to another port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"set {setting} to a port from 1024 on"
    return f"set {setting.removesuffix('PORT')}HOST to an address of this machine"


def unshared_port(host: str, port: int, setting: str) -> int:
    """Give the port, or a free one for 0: the server would share one that is taken, and its requests, without a word.

    It is let go again before the server takes it: of two that start in the same moment both may find it free.

    Raises:
        PortError: somebody listens there, or nobody can.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as what has closed lately is no hindrance
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortError(host, port, setting, error) from None
        return int(probe.getsockname()[1])


def refuse_port(what: str, error: PortError) -> int:
    """Say that something cannot listen, and what to do; give the exit code."""
    log.error("%s cannot listen on %s", what, error)
    return EXIT_NOTHING
