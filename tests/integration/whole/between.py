"""Stands before the sandbox: notes every secret that it gives away, and holds an answer back when it is told to."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIX = "/connect/v2/generate/fix"
SECRET_FIELDS = ("token", "signingKey")
HOLD_SECONDS = 60.0


@dataclass
class Between:
    """An ASGI application around another one.

    Attributes:
        secrets: what stood in answers as token, signing key or signature of a link.
        asked: how often each path was called.
        made: links to the hosted page, in order.
        holds: have the answer with a Fix link wait, once it is made, until this is set.
        spoilt: paths that end so are answered with this body instead.
    """

    app: ASGIApp
    secrets: set[str] = field(default_factory=set, repr=False)
    keys: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    made: list[str] = field(default_factory=list, repr=False)
    asked: Counter[str] = field(default_factory=Counter)
    holds: asyncio.Event | None = None
    spoilt: dict[str, bytes] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the sandbox does, but for what a test has asked for."""
        path = scope.get("path", "")
        self.asked[path] += 1
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        self._note(b"".join(message.get("body", b"") for message in answer))
        if path == FIX and self.holds is not None:
            async with asyncio.timeout(HOLD_SECONDS):
                await self.holds.wait()
        for ending, body in self.spoilt.items():
            if path.endswith(ending):
                answer = _spoilt(answer, body)
        for message in answer:
            await send(message)

    def _note(self, body: bytes) -> None:
        try:
            content = json.loads(body)
        except ValueError:
            return
        if not isinstance(content, dict):
            return
        for one in (content, *content.get("subscriptions", ())):
            self.secrets |= {one[name] for name in SECRET_FIELDS if name in one}
            if "signingKey" in one:
                self.keys[str(one["accountId"]), one["type"]] = one["signingKey"]
        if (link := content.get("link")) is not None:
            self.made.append(link)
            self.secrets |= set(parse_qs(urlsplit(link).query)["signature"])


def _spoilt(answer: list[Message], body: bytes) -> list[Message]:
    start: dict[str, Any] = {**answer[0], "status": 200, "headers": [(b"content-type", b"application/json")]}
    return [start, {"type": "http.response.body", "body": body}]
