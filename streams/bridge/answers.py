"""HTTP as ASGI sees it: answers ready to send, and the code of a verification."""

import math
import re
from collections.abc import Awaitable, Callable, MutableMapping
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
        self.start: Message = {
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
NO_VENDOR = Answer(404, Outcome.WRONG_SOURCE)
"""To who is not the vendor there is nothing here, the token or not."""
_CLOSE = (("connection", "close"),)
AMBIGUOUS = Answer(400, Outcome.BAD_REQUEST, headers=_CLOSE)
TOO_SLOW = Answer(408, Outcome.TOO_SLOW, headers=_CLOSE)
TOO_LARGE = Answer(413, Outcome.TOO_LARGE, headers=_CLOSE)
ENCODED = Answer(415, Outcome.WRONG_MEDIA_TYPE, headers=(("accept-encoding", "identity"), *_CLOSE))
UNSIGNED = Answer(401, Outcome.UNSIGNED)
NO_KEY = Answer(401, Outcome.NO_KEY)
"""The same to who sends it: whose fault it is we know, and nobody else need."""
GONE = Answer(400, Outcome.GONE)
FAILED = Answer(500, Outcome.FAILED)


def told(status: int, outcome: Outcome, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Give an answer in words, for people who write a service."""
    return Answer(status, outcome, f"{text}\n", (("content-type", "text/plain; charset=utf-8"), *headers))


def too_often(seconds: float) -> Answer:
    """Give the answer to a source that has failed too often, for so long."""
    return Answer(429, Outcome.TOO_OFTEN, headers=(("retry-after", str(math.ceil(seconds))), *_CLOSE))


class Rejected(Exception):  # noqa: N818 - carries an answer, not a fault of ours
    """The request is answered without being looked at further."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


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
