"""Data Connect: the calls that make links to the hosted page."""

import asyncio
import re
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response

from streams.sandbox.api.front import answer, json_object, text_of
from streams.sandbox.books import errors
from streams.sandbox.delivery import messages
from streams.sandbox.delivery.outbox import Listener
from streams.sandbox.hosted.links import Link, Links, LinkType
from streams.sandbox.parts import Parts

_CONTENT_TYPES = (messages.JSON, messages.XML)
_NAME, _VALUE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}"), re.compile(r"[ -~]{0,1024}")
_FLAGS = ("singleUseUrl", "isHostedInMobileApp", "isWebView")


class ConnectLinks:
    """Handlers that make links."""

    def __init__(self, parts: Parts, links: Links) -> None:
        self._parts = parts
        self._world = parts.world
        self._clock = parts.clock
        self._links = links

    async def full(self, request: Request) -> Response:
        """GenerateConnectUrl."""
        return await self._make(request, LinkType.FULL)

    async def fix(self, request: Request) -> Response:
        """GenerateFixConnectUrl."""
        return await self._make(request, LinkType.FIX)

    async def _make(self, request: Request, kind: LinkType) -> Response:
        body = await json_object(request)
        if text_of(body, "partnerId") != self._parts.partner.id:
            raise errors.invalid("Partner ID does not exist")
        customer_id, login_id = text_of(body, "customerId"), None
        if customer_id not in self._world.customers:
            raise errors.invalid("Customer ID does not exist or does not belong to this partner")
        if kind is LinkType.FIX:
            login_id = self._world.login(customer_id, text_of(body, "institutionLoginId")).id
        listener = await self._listener(body)
        redirect = _url(body, "redirectUri")
        single_use = body.get("singleUseUrl") is True
        wanted = Link("", kind, customer_id, login_id, listener, redirect, self._clock.now(), single_use)
        link = self._links.make(wanted)
        return answer({"link": self._links.address(link, str(request.base_url))})

    async def _listener(self, body: dict[str, Any]) -> Listener | None:
        """Read where events go, and ping it: without a 2xx there is no link (domain 4.1)."""
        _check_flags(body)
        url = _url(body, "webhook")
        if url is None:
            return None
        content_type = body.get("webhookContentType", messages.JSON)
        if content_type not in _CONTENT_TYPES:
            raise errors.invalid(f'"webhookContentType" must be {" or ".join(_CONTENT_TYPES)}')
        listener = Listener(url, content_type, body.get("webhookData"), _headers(body))
        await self._ping(listener)
        return listener

    async def _ping(self, listener: Listener) -> None:
        ping = self._parts.outbox.connect_webhook(listener, messages.PING, "", self._clock.now())
        try:
            async with asyncio.timeout(self._parts.settings.webhook_seconds):
                reply = await self._parts.client().post(ping.url, content=ping.content(), headers=ping.signed_headers())
        except (httpx.HTTPError, TimeoutError):
            raise errors.invalid("The webhook did not answer the ping") from None
        if not reply.is_success:
            raise errors.invalid("The webhook did not answer the ping with 2xx")


def _check_flags(body: dict[str, Any]) -> None:
    for name in _FLAGS:
        if not isinstance(body.get(name, False), bool):
            raise errors.invalid(f'"{name}" must be a boolean')


def _headers(body: dict[str, Any]) -> dict[str, str]:
    headers = {} if body.get("webhookHeaders") is None else body["webhookHeaders"]
    if not isinstance(headers, dict) or not all(
        isinstance(value, str) and _NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items()
    ):
        raise errors.invalid('"webhookHeaders" must be an object of header names and values')
    return headers


def _url(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        parsed = httpx.URL(value)
    except (httpx.InvalidURL, TypeError):
        raise errors.invalid(f'"{name}" must be a URL') from None
    if not parsed.scheme or (name == "webhook" and parsed.scheme not in {"http", "https"}):
        raise errors.invalid(f'"{name}" must be a URL')
    return str(value)
