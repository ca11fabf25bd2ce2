"""One call of the vendor's API: its turn, its token, its deadline, and the repetitions that are safe."""

import asyncio
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import orjson

from streams.clock import Clock
from streams.observe.labels import VendorCall
from streams.vendor.answers import (
    INSTITUTION_LIMIT_CODE,
    INVALID_TOKEN_CODES,
    OUTAGE_SECONDS,
    SERVER_ERROR,
    UNAUTHORISED,
    Answer,
    error_of,
)
from streams.vendor.errors import InvalidRequestError, TryAgainError
from streams.vendor.gate import Gate, pair_of
from streams.vendor.meters import VendorMeters
from streams.vendor.pace import Pace, Timing
from streams.vendor.settings import VendorSettings
from streams.vendor.token import Token, Tokens, Unanswered

JSON = "application/json"
MAX_CONNECTIONS = 20
TOO_MANY = 429
FIRST_WAIT_SECONDS = 0.5
NOT_NAMED = "what is known about the credentials is not looked up yet; wait a moment"
PROBED_INSTITUTION = "101732"
"""FinBank; which one does not matter, as nobody is let in without a token."""
AUTHENTICATION = "/aggregation/v2/partners/authentication"
_PATH_PART = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,64}")


class Endpoint(NamedTuple):
    """Method and path of an operation; only GET is made again by itself."""

    method: str
    path: str
    accept: str = JSON


_CUSTOMER = "/aggregation/v1/customers/{customer}"
_TXPUSH = _CUSTOMER + "/accounts/{account}/txpush"
ENDPOINTS: Mapping[VendorCall, Endpoint] = {
    VendorCall.ACCOUNT: Endpoint("GET", "/aggregation/v2/customers/{customer}/accounts/{account}"),
    VendorCall.ACCOUNT_SIMPLE: Endpoint("GET", _CUSTOMER + "/accounts/{account}/simple"),
    VendorCall.CUSTOMER_ACCOUNTS: Endpoint("GET", _CUSTOMER + "/accounts"),
    VendorCall.LOGIN_ACCOUNTS: Endpoint("GET", _CUSTOMER + "/institutionLogins/{login}/accounts"),
    VendorCall.FIX_URL: Endpoint("POST", "/connect/v2/generate/fix"),
    VendorCall.SUBSCRIBE: Endpoint("POST", _TXPUSH),  # what it accepts is what notifications will be (domain 1.3)
    VendorCall.UNSUBSCRIBE: Endpoint("DELETE", _TXPUSH, "*/*"),  # JSON alone has been "not acceptable" (domain 1.1)
    VendorCall.DELETE_SUBSCRIPTION: Endpoint("DELETE", _CUSTOMER + "/subscriptions/{subscription}", "*/*"),
    VendorCall.INSTITUTION: Endpoint("GET", "/institution/v2/institutions/{institution}"),
    VendorCall.AUTHORIZATION_DETAILS: Endpoint("GET", "/customers/institution-logins/{login}/authorization-details"),
}
"""Everything that this client can ask for, beside its token. Nothing here refreshes an account: the vendor's terms
forbid to automate that, so no such path may be added."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call to be made; the body may hold secrets.

    Attributes:
        institution_id: counts it with the calls of this institution, and rests with it.
        rests_with: institutions that it may concern besides: it rests with them, and they with it.
    """

    endpoint: Endpoint
    path: str
    content: bytes | None
    institution_id: str | None
    rests_with: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show what is asked and not about whom."""
        return f"Request({self.endpoint.method} {self.endpoint.path})"


def request_of(
    call: VendorCall,
    ids: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    institution_id: str | None = None,
    rests_with: Collection[str] = (),
) -> Request:
    """Put ids into the path of an operation.

    Raises:
        InvalidRequestError: an id that cannot stand in a path.
    """
    for name, value in ids.items():
        if not _PATH_PART.fullmatch(value):
            raise InvalidRequestError(f"{name}: not an id of the vendor's")
    endpoint = ENDPOINTS[call]
    content = None if body is None else orjson.dumps(body)
    return Request(endpoint, endpoint.path.format_map(ids), content, institution_id, frozenset(rests_with))


class Calls:
    """Makes calls over one HTTP client; a context manager.

    Args:
        settings: address, credentials and limits.
        gate: whether the credentials may be tried.
        clock: what a token's age is told by.
        meters: counts requests and attempts.
        timing: of waits and turns.
        transport: another one than the network, in tests.
    """

    def __init__(
        self,
        settings: VendorSettings,
        gate: Gate,
        clock: Clock,
        meters: VendorMeters,
        *,
        timing: Timing,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._meters = meters
        self._timing = timing
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._pair: str | None = None
        self._naming = asyncio.Lock()
        self._named: asyncio.Task[str] | None = None
        self._pace = Pace(settings.per_second, settings.institution_per_second, settings.max_waiting, timing)
        self.tokens = Tokens(
            self._authenticate,
            self._answers,
            self._own_pair,
            gate,
            clock,
            meters,
            timing,
            answer_seconds=settings.answer_seconds,
        )

    async def open(self) -> None:
        """Make the HTTP client, and begin to name the pair, so that `refused` knows of it before the first call."""
        for name in ("httpx", "httpcore"):  # they tell URLs and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.AsyncClient(
            base_url=self._settings.url,
            transport=self._transport,
            timeout=self._settings.answer_seconds,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        )
        self._named = asyncio.create_task(self._own_pair(), name="vendor-pair")

    async def close(self) -> None:
        """Let an attempt with the credentials end, then close."""
        if self._named is not None:
            self._named.cancel()
        await self.tokens.close()
        if self._client is not None:
            await self._client.aclose()

    def refused(self) -> str | None:
        """Say why the credentials are not tried any more; that nobody can say before they have a name, is a reason."""
        closed = NOT_NAMED if self._pair is None else self._gate.closed(self._pair)
        return closed if closed in (None, NOT_NAMED) else f"{closed}; see `txpush vendor show`"

    async def make(self, request: Request) -> Answer:
        """Make a call within the deadline; raises VendorError."""
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                return await self._persistently(request)
        except TimeoutError:
            pass
        seconds = self._settings.deadline_seconds
        raise TryAgainError(f"not done within {seconds:g} s", after_seconds=OUTAGE_SECONDS)

    async def _persistently(self, request: Request) -> Answer:
        """Make a safe call again while the trouble may be passing; a call that changes something is made once."""
        repetitions = self._settings.attempts - 1 if request.endpoint.method == "GET" else 0
        for number in range(repetitions):
            try:
                return await self._authorised(request)
            except TryAgainError as error:
                if not error.is_passing:
                    raise
            self._meters.repeated.inc()
            await self._timing.sleep(FIRST_WAIT_SECONDS * 2**number * (0.5 + self._timing.chance()))
        return await self._authorised(request)

    async def _authorised(self, request: Request) -> Answer:
        """Make a call; where the vendor does not take the token, renew it once and repeat once."""
        token = await self.tokens.current()
        answer = await self._answered(request, token)
        is_stale = answer.status == UNAUTHORISED and answer.code in INVALID_TOKEN_CODES
        if is_stale and (another := await self.tokens.after(token)) is not None:
            answer = await self._answered(request, another)
        if error := error_of(answer):
            self._back_off(request, answer, error)
            raise error
        return answer

    def _back_off(self, request: Request, answer: Answer, error: Exception) -> None:
        """Keep other calls back where the vendor says there are too many."""
        if not isinstance(error, TryAgainError):
            return
        if error.code == INSTITUTION_LIMIT_CODE:
            named = () if request.institution_id is None else (request.institution_id,)
            for institution_id in named or request.rests_with:
                self._pace.pause(error.after_seconds, institution_id)
        elif answer.status == TOO_MANY:
            self._pace.pause(error.after_seconds)

    async def _answered(self, request: Request, token: Token) -> Answer:
        await self._pace.turn(request.institution_id, request.rests_with)
        headers = {"Finicity-App-Token": token.value.get_secret_value()}
        answer = await self._sent(request, headers, self._settings.answer_seconds)
        if isinstance(answer, Unanswered):
            text = f"the vendor did not answer: {answer.why}"
            raise TryAgainError(text, after_seconds=OUTAGE_SECONDS, is_passing=True)
        return answer

    async def _authenticate(self, seconds: float) -> Answer | Unanswered:
        settings = self._settings
        body = {"partnerId": settings.partner_id, "partnerSecret": settings.partner_secret.get_secret_value()}
        request = Request(Endpoint("POST", AUTHENTICATION), AUTHENTICATION, orjson.dumps(body), None)
        return await self._sent(request, {}, seconds)

    async def _answers(self, seconds: float) -> bool:
        """Tell whether the vendor answers a call without a token.

        It refuses that; whether it counts it as a failed attempt is not documented, and the sandbox does not.
        """
        endpoint = ENDPOINTS[VendorCall.INSTITUTION]
        request = Request(endpoint, endpoint.path.format(institution=PROBED_INSTITUTION), None, None)
        answer = await self._sent(request, {}, seconds)
        return isinstance(answer, Answer) and answer.status < SERVER_ERROR

    async def _own_pair(self) -> str:
        """Name our credentials, once, off the event loop: it is slow on purpose."""
        async with self._naming:
            if self._pair is None:
                settings = self._settings
                self._pair = await asyncio.to_thread(
                    pair_of, settings.url, settings.app_key, settings.partner_id, settings.partner_secret
                )
        return self._pair

    async def _sent(self, request: Request, headers: Mapping[str, str], seconds: float) -> Answer | Unanswered:
        """Send once; what httpx raises stays here, as it holds the request with its headers."""
        started = self._timing.now()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._exchanged(request, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Unanswered(type(error).__name__, may_have_arrived=False)
        except (httpx.HTTPError, TimeoutError) as error:
            return Unanswered(type(error).__name__)
        self._meters.seconds.observe(self._timing.now() - started)
        return answer

    async def _exchanged(self, request: Request, headers: Mapping[str, str]) -> Answer | Unanswered:
        if self._client is None:
            raise httpx.ConnectError("the client was not entered")
        all_headers = {
            "Finicity-App-Key": self._settings.app_key.get_secret_value(),
            "Accept": request.endpoint.accept,
            **({} if request.content is None else {"Content-Type": JSON}),
            **headers,
        }
        sending = self._client.stream(
            request.endpoint.method, request.path, content=request.content, headers=all_headers
        )
        async with sending as response:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > self._settings.max_answer_bytes:
                    return Unanswered(f"the answer is longer than {self._settings.max_answer_bytes} bytes")
            return Answer(response.status_code, bytes(content), response.headers.get("retry-after"))
