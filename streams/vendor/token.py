"""The app token of a process: one for all its calls, made once at a time, and only where the gate lets it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from streams.clock import Clock
from streams.vendor.answers import LOCKED_CODE, REDIRECTION, SERVER_ERROR, Answer, error_of, unreadable
from streams.vendor.errors import RefusedError, TryAgainError, VendorError
from streams.vendor.gate.gate import Claim, Gate, Outcome
from streams.vendor.meters import VendorMeters
from streams.vendor.pace import Timing

log = logging.getLogger(__name__)

RENEWED_AFTER = timedelta(minutes=90)
VALID = timedelta(hours=2)
FRESH = timedelta(minutes=1)
"""A token younger than this that the vendor does not take is not made anew: each would be followed by the next."""
LEASE_MARGIN_SECONDS = 5.0
PAUSE_SECONDS = 5.0
"""Shortest time between two attempts of which the first came to nothing."""
CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token and when it was made."""

    value: SecretStr
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came; `may_have_arrived` unless no connection was made."""

    why: str
    may_have_arrived: bool = True


Authenticate = Callable[[float], Awaitable[Answer | Unanswered]]
"""Sends the credentials once, and waits so many seconds at most."""


@dataclass(slots=True)
class Tokens:
    """Gives the token, and makes a new one when it is 90 minutes old or the vendor takes it no more."""

    authenticate: Authenticate = field(repr=False)
    answers: Callable[[float], Awaitable[bool]] = field(repr=False)
    pair: Callable[[], Awaitable[str]]
    gate: Gate
    clock: Clock
    meters: VendorMeters
    timing: Timing
    answer_seconds: float
    _token: Token | None = None
    _renewal: "asyncio.Task[Token] | None" = None
    _not_before: float = 0.0
    _is_sent: bool = False

    async def current(self) -> Token:
        """Give a token that the vendor should take.

        Raises:
            RefusedError: the credentials may not be tried any more.
            TryAgainError: the vendor gives none now.
        """
        token = self._token
        if token is not None and self._age(token) < RENEWED_AFTER:
            return token
        try:
            return await self._renewed()
        except TryAgainError:
            if token is not None and self._age(token) < VALID:
                return token
            raise

    async def after(self, stale: Token) -> Token | None:
        """Give another token than one that the vendor did not take, None where that was new; raises as `current`."""
        token = self._token
        if token is not None and token is not stale:
            return token
        if self._age(stale) < FRESH:
            return None
        return await self._renewed()

    async def close(self) -> None:
        """Let an attempt that was sent come to its end, so that its outcome is known; never raises."""
        if self._renewal is None or self._renewal.done():
            return
        if self._is_sent:
            await asyncio.wait([self._renewal], timeout=CLOSE_SECONDS)
        self._renewal.cancel()
        await asyncio.wait([self._renewal], timeout=CLOSE_SECONDS)

    def _age(self, token: Token) -> timedelta:
        return self.clock.now() - token.made_at

    async def _renewed(self) -> Token:
        """Join the renewal under way; it goes on when a caller gives up, or nobody would hear its outcome."""
        if self._renewal is None or self._renewal.done():
            if (wait := self._not_before - self.timing.now()) > 0:
                raise TryAgainError("the vendor gave no token a moment ago", after_seconds=wait, is_of_all=True)
            self._renewal = asyncio.create_task(self._renew(), name="vendor-token")
            self._renewal.add_done_callback(_looked_at)
        return await asyncio.shield(self._renewal)

    async def _renew(self) -> Token:
        claim = await self.gate.claim(await self.pair())
        started_at = self.clock.now()
        answer = await self._tried(claim)
        result, outcome = _judged(answer)
        await self._settle(claim, outcome, result.code if isinstance(result, VendorError) else None)
        if isinstance(result, TryAgainError):
            self._not_before = self.timing.now() + PAUSE_SECONDS
        if isinstance(result, VendorError):
            raise result
        self._token = Token(result, started_at)
        return self._token

    async def _tried(self, claim: Claim) -> Answer | Unanswered:
        """Send the credentials, within the claim; after attempts without a known end only to a vendor that answers."""
        if claim.is_doubtful and not await self._is_answered(claim):
            return Unanswered("nor to a call without them", may_have_arrived=False)
        seconds = min(self.answer_seconds, claim.seconds_left() - LEASE_MARGIN_SECONDS)
        if seconds <= 0:
            return Unanswered("too late", may_have_arrived=False)
        self._is_sent = True
        try:
            return await self.authenticate(seconds)
        finally:
            self._is_sent = False

    async def _is_answered(self, claim: Claim) -> bool:
        """Tell whether the vendor answers without the credentials; an end meanwhile takes the claim back, unused."""
        try:
            return await self.answers(self.answer_seconds)
        except asyncio.CancelledError:
            await self._settle(claim, Outcome.WITHDRAWN)
            raise

    async def _settle(self, claim: Claim, outcome: Outcome, code: int | None = None) -> None:
        """Tell the gate; a token in hand is good whether that could be written or not."""
        self.meters.authenticated(outcome)
        try:
            await self.gate.settle(claim, outcome, code)
        except TryAgainError as error:
            log.warning("the outcome of an authentication is not written yet: %s", error)


def _judged(answer: Answer | Unanswered) -> tuple[SecretStr | VendorError, Outcome]:
    """Tell what an answer to the credentials is: any refusal of the call refuses them, lest it be repeated.

    What is no refusal is not passing either: the call that waits would be made again, and the credentials with it.
    """
    if isinstance(answer, Unanswered):
        outcome = Outcome.UNANSWERED if answer.may_have_arrived else Outcome.WITHDRAWN
        text = f"the vendor did not answer to the credentials: {answer.why}"
        return TryAgainError(text, after_seconds=PAUSE_SECONDS, is_of_all=True), outcome
    error = error_of(answer)
    if answer.code == LOCKED_CODE:
        return _refusal(answer)
    if error is None:
        return _token_of(answer)
    is_refused = isinstance(error, RefusedError) or REDIRECTION <= answer.status < SERVER_ERROR
    if not is_refused or answer.status in _NOT_LOOKED_AT:
        text = "the vendor gave no token"
        seconds = error.after_seconds if isinstance(error, TryAgainError) else PAUSE_SECONDS
        told = TryAgainError(text, after_seconds=seconds, is_of_all=True, code=error.code, status=answer.status)
        return told, Outcome.WITHDRAWN
    return _refusal(answer)


def _refusal(answer: Answer) -> tuple[RefusedError, Outcome]:
    text = "the vendor refuses the credentials: look at TXPUSH_APP_KEY, TXPUSH_PARTNER_ID and TXPUSH_PARTNER_SECRETS"
    return RefusedError(text, code=answer.code, status=answer.status), Outcome.REFUSED


_NOT_LOOKED_AT = frozenset({408, 425, 429})
"""Too slow, too early, too many: the vendor said so before it looked at the credentials."""


def _token_of(answer: Answer) -> tuple[SecretStr | VendorError, Outcome]:
    value = None
    with suppress(TryAgainError):
        value = answer.json().get("token")
    if isinstance(value, str) and value.isascii() and value.isprintable() and value:
        return SecretStr(value), Outcome.ACCEPTED
    return unreadable(answer, is_of_all=True), Outcome.WITHDRAWN


def _looked_at(renewal: "asyncio.Task[Token]") -> None:
    """Take note of an error that nobody waits for any more; the next call meets its own."""
    if not renewal.cancelled():
        renewal.exception()
