"""HTTP by hand: bytes as an attacker writes them, and answers as they come."""

import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

SECONDS = 10.0


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Wire:
    """One connection to the bridge, or by TLS to a proxy that has this name."""

    def __init__(self, port: int, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None, name: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS, (source, 0))
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=name)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        """Give the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()

    def send(self, *parts: bytes) -> Self:
        """Write all of it, as far as the other side still takes it."""
        with suppress(BrokenPipeError, ConnectionResetError):  # closed; what was answered before can still be read
            self._socket.sendall(b"".join(parts))
        return self

    def is_cut_off(self, again: bytes, seconds: float) -> bool:
        """Send the same over and over without reading an answer; tell whether the other side ends it in that time."""
        self._socket.settimeout(seconds)
        while True:
            try:
                self._socket.sendall(again)
            except TimeoutError:
                return False
            except OSError:
                return True

    def reply(self, method: str = "POST") -> Reply | None:
        """Read one answer; None where the other side has closed the connection."""
        try:
            return self._read(method)
        except ConnectionResetError:
            return None

    def replies(self) -> list[Reply]:
        """Read answers until the other side closes the connection."""
        return list(iter(self.reply, None))

    def is_closed(self) -> bool:
        """Wait until the other side closes; fail when it stays open or says something."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def _read(self, method: str) -> Reply | None:
        line = self._file.readline()
        if not line:
            return None
        status = int(line.split(b" ")[1])
        headers = {}
        while (line := self._file.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if status == 100:
            return self._read(method)
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        return Reply(status, headers, self._file.read(length))


def head(target: str, *lines: str, method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    """Give the head of a request."""
    return "\r\n".join([f"{method} {target} {version}", "Host: hooks.example.com", *lines, "", ""]).encode("latin-1")


def request(target: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *lines: str) -> bytes:
    """Give a whole POST with its true length."""
    given = [f"{name}: {value}" for name, value in (headers or {}).items()]
    return head(target, *given, *lines, f"Content-Length: {len(body)}") + body


def chunked(parts: Iterable[bytes]) -> bytes:
    """Give a body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
