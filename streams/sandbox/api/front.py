"""What every call passes first: faults on request, application key and token; and what every answer looks like."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from streams.sandbox.books import errors
from streams.sandbox.books.errors import PlainRefusal, Refusal
from streams.sandbox.delivery.faults import MAX_SLOW_SECONDS, FaultName
from streams.sandbox.parts import Parts

KEY_HEADER, TOKEN_HEADER = "finicity-app-key", "finicity-app-token"
MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 64
"""Of a body: what comes back in a webhook has to be written, too."""
BODY_SECONDS = 10.0

Handler = Callable[[Request], Awaitable[Response]]


def answer(content: object, status: int = 200) -> Response:
    """Answer in JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


NOTHING_TO_SAY = 204


def done() -> Response:
    """Answer that it is done."""
    return Response(status_code=NOTHING_TO_SAY)


async def json_object(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object, within limits."""
    body = b""
    async with asyncio.timeout(BODY_SECONDS):
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise Refusal(413, "14020", "Bad request. The body is too large.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "14020", "Bad request.") from None
    if not isinstance(content, dict):
        raise Refusal(400, "14020", "Bad request.")
    if _is_deep(content):
        raise Refusal(400, "14020", "Bad request. The body is nested too deeply.")
    return content


def _is_deep(content: object) -> bool:
    level = [content]
    for _ in range(MAX_DEPTH):
        level = [
            one
            for value in level
            for one in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return bool(level)


def text_of(content: dict[str, Any], name: str) -> str:
    """Give a required text field of a body."""
    value = content.get(name)
    if value is None or value == "":
        raise errors.missing(name)
    if not isinstance(value, str):
        raise errors.invalid(f'"{name}" must be a string')
    return value


class Front:
    """The entrance of the vendor's API."""

    def __init__(self, parts: Parts) -> None:
        self._partner = parts.partner
        self._faults = parts.faults
        self._clock = parts.clock

    def guarded(self, handler: Handler, *, needs_token: bool = True) -> Handler:
        """Give the handler behind the entrance."""

        async def enter(request: Request) -> Response:
            path = request.url.path
            await asyncio.sleep(min(self._faults.seconds(FaultName.SLOW, path), MAX_SLOW_SECONDS))
            try:
                self._admit(request, path, needs_token=needs_token)
                reply = await handler(request)
            except TimeoutError:
                reply = Response(status_code=408)
            except Refusal as refusal:
                reply = self._refused(refusal, path)
            return self._garbled(reply, path)

        return enter

    def _admit(self, request: Request, path: str, *, needs_token: bool) -> None:
        if self._faults.strikes(FaultName.UNAVAILABLE, path):
            raise Refusal(503, "503", "Service Unavailable")
        if self._faults.strikes(FaultName.THROTTLED, path):
            raise Refusal(429, "3300001", "Too many request. Please try after some time")
        self._partner.check_key(request.headers.get(KEY_HEADER))
        if needs_token:
            self._partner.check_token(request.headers.get(TOKEN_HEADER), self._clock.now())
        if needs_token and self._faults.strikes(FaultName.CHALLENGED, path):
            raise Refusal(203, "185", "MFA challenge")

    def _refused(self, refusal: Refusal, path: str) -> Response:
        if refusal.status == 203:  # noqa: PLR2004 - HTTP's own number; it has no body (OpenAPI file)
            return Response(status_code=refusal.status)
        if isinstance(refusal, PlainRefusal):
            return PlainTextResponse(str(refusal.body["message"]), refusal.status)
        if self._faults.strikes(FaultName.XML, path):
            return Response(_as_xml(refusal), refusal.status, media_type="application/xml")
        return answer(refusal.body, refusal.status)

    def _garbled(self, reply: Response, path: str) -> Response:
        if not reply.body or not self._faults.strikes(FaultName.GARBLED, path):
            return reply
        return Response(bytes(reply.body)[: len(reply.body) // 2], reply.status_code, media_type="application/json")


def _as_xml(refusal: Refusal) -> bytes:
    root = ET.Element("error")
    for name, value in refusal.body.items():
        ET.SubElement(root, name).text = str(value)
    return ET.tostring(root)
