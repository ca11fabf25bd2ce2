"""Bodies read within limits: of size, time, number of parts, and of all that is held at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from streams.bridge.answers import (
    AMBIGUOUS,
    ENCODED,
    GONE,
    TOO_LARGE,
    TOO_SLOW,
    Answer,
    Receive,
    Rejected,
    Scope,
)

_DIGITS = 18
"""Digits of a declared length that are read: more are too many whatever the limit, and Python reads no thousands."""
_FREE_PARTS = 64
_BYTES_A_PART = 256
"""A body may come in this many parts whatever its size, and in one more for so many bytes of the limit.

A part costs as much as its bytes: a client that sends them one by one would have the event loop for itself.
"""


SMALL_BYTES = 16 * 1024
"""What each body may have without a look at the room: the vendor's usual 2 kB find place, whatever others hold."""


class Room:
    """Bytes of large bodies that are held at once, over all requests; `full` is the answer to those that find none."""

    def __init__(self, max_bytes: int, full: Answer) -> None:
        self.held = 0
        self._max = max_bytes
        self._full = full

    def take(self, count: int) -> None:
        """Hold so many bytes more.

        Raises:
            Rejected: there is no room for them.
        """
        if self.held + count > self._max:
            raise Rejected(self._full)
        self.held += count

    def place(self) -> "Place":
        """Give a place for one body."""
        return Place(self)


class Place:
    """What one request holds, until it is answered."""

    __slots__ = ("_held", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._held = 0

    def __enter__(self) -> Self:
        """Hold nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all of it."""
        self._room.held -= self._held

    def grow(self, size: int) -> None:
        """Hold a body of so many bytes by now; raises `Rejected` where there is no room for it."""
        large = size - SMALL_BYTES
        if large > 0:
            self._room.take(large - self._held)
            self._held = large


async def read_body(scope: Scope, receive: Receive, max_bytes: int, seconds: float, place: Place) -> bytes:
    """Read the whole body, as it came over the wire.

    Raises:
        Rejected: encoded, or framed in two ways; longer than `max_bytes` as declared or as counted, in too many parts,
            slower than `seconds`; no room is left; or the client left.
    """
    declared = _declared_length(scope)
    if declared is not None and declared > max_bytes:
        raise Rejected(TOO_LARGE)
    return await _within(seconds, _read(receive, declared, max_bytes, place))


async def _within(seconds: float, reading: Coroutine[Any, Any, bytes]) -> bytes:
    """Await the body for so long; as `asyncio.timeout`, at a third of its cost."""
    task = asyncio.current_task()
    overdue: list[bool] = []

    def interrupt() -> None:
        overdue.append(True)
        if task is not None:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, interrupt)
    try:
        return await reading
    except asyncio.CancelledError:
        if overdue and task is not None and task.uncancel() == 0:
            raise Rejected(TOO_SLOW) from None
        raise
    finally:
        timer.cancel()


async def _read(receive: Receive, declared: int | None, max_bytes: int, place: Place) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(GONE)
        part: bytes = message.get("body", b"")
        size += len(part)
        parts.append(part)
        if size > max_bytes or len(parts) > _FREE_PARTS + max_bytes // _BYTES_A_PART:
            raise Rejected(TOO_LARGE)
        place.grow(size)
        if not message.get("more_body") or size == declared:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _declared_length(scope: Scope) -> int | None:
    """Give the length that the headers state, where they state one that can be read.

    Raises:
        Rejected: the body is encoded: nothing is inflated here; or length and chunks both say where it ends, as in an
            attempt to have proxy and bridge see two different requests.
    """
    length: int | None = None
    is_chunked, has_length = False, False
    for name, value in scope["headers"]:
        if name == b"content-length":
            has_length = True
            length = int(value.lstrip(b"0")[:_DIGITS] or b"0") if value.isdigit() else None
        elif name == b"transfer-encoding":
            if is_chunked or value.strip().lower() != b"chunked":
                raise Rejected(AMBIGUOUS)
            is_chunked = True
        elif name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
            raise Rejected(ENCODED)
    if is_chunked and has_length:
        raise Rejected(AMBIGUOUS)
    return length
