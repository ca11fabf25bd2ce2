"""HTTP in both directions as ASGI sees it: answers ready to send, bodies and codes read within limits."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from streams.observe.labels import Outcome

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

VERIFICATION_PARAMETER = "txpush_verification_code"
MAX_QUERY_FIELDS = 16
_CODE = re.compile(r"[A-Za-z0-9._~-]{1,256}")
_DIGITS = 18
"""Digits of a declared length that are read: more are too many whatever the limit, and Python reads no thousands."""


class Answer:
    """A status with its headers and body, as the two messages that ASGI wants, and what it is counted as."""

    __slots__ = ("body", "outcome", "start", "status")

    def __init__(
        self, status: int, outcome: Outcome, text: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        content = text.encode()
        all_headers = (("content-length", str(len(content))), *headers)
        self.status = status
        self.outcome = outcome
        self.start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in all_headers],
        }
        self.body = {"type": "http.response.body", "body": content}


STORED = Answer(200, Outcome.STORED)
SET_ASIDE = Answer(200, Outcome.DEAD_LETTER)
NOT_STORED = Answer(200, Outcome.NOT_STORED)
BAD_REQUEST = Answer(400, Outcome.BAD_REQUEST)
NOT_FOUND = Answer(404, Outcome.NOT_FOUND)
TOO_SLOW = Answer(408, Outcome.TOO_SLOW, headers=(("connection", "close"),))
TOO_LARGE = Answer(413, Outcome.TOO_LARGE, headers=(("connection", "close"),))
UNSIGNED = Answer(401, Outcome.UNSIGNED)
GONE = Answer(400, Outcome.GONE)
FAILED = Answer(500, Outcome.FAILED)


def told(status: int, outcome: Outcome, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Give an answer in words, for people who write a service."""
    return Answer(status, outcome, f"{text}\n", (("content-type", "text/plain; charset=utf-8"), *headers))


class Rejected(Exception):  # noqa: N818 - carries an answer, not a fault of ours
    """The request is answered without being looked at further."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


async def read_body(scope: Scope, receive: Receive, max_bytes: int, seconds: float) -> bytes:
    """Read the whole body.

    Raises:
        Rejected: longer than `max_bytes` as declared or as counted, slower than `seconds`, or the client left.
    """
    declared = _declared_length(scope)
    if declared is not None and declared > max_bytes:
        raise Rejected(TOO_LARGE)
    return await _within(seconds, _read(receive, declared, max_bytes))


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


async def _read(receive: Receive, declared: int | None, max_bytes: int) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(GONE)
        part: bytes = message.get("body", b"")
        body = body + part if body else part
        if len(body) > max_bytes:
            raise Rejected(TOO_LARGE)
        if not message.get("more_body") or len(body) == declared:
            return body


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value.lstrip(b"0")[:_DIGITS] or b"0") if value.isdigit() else None
    return None


def verification(query: bytes) -> Answer:
    """Answer the vendor's check of a listener: the code as it came, and nothing but a code."""
    try:
        fields = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        return BAD_REQUEST
    codes = [value for name, value in fields if name == VERIFICATION_PARAMETER]
    if len(codes) != 1 or not _CODE.fullmatch(codes[0]):
        return BAD_REQUEST
    plain = (("content-type", "text/plain"), ("x-content-type-options", "nosniff"))
    return Answer(200, Outcome.VERIFIED, codes[0], plain)
