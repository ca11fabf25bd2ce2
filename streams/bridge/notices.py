"""What the log says of requests that went wrong: the first of its kind in a minute and the number of the others."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextvars import Context

from schemas.audit import DeadLetterReason
from streams.bridge.answers import Answer
from streams.observe.labels import Outcome, Route, SignatureResult

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0

_UNSIGNED = {
    SignatureResult.MISSING: "it has no signature; was it the vendor?",
    SignatureResult.WRONG: "no key fits; see TXPUSH_PARTNER_SECRETS, TXPUSH_PUBLIC_URL and TXPUSH_SIGNATURE_STRATEGY",
    SignatureResult.NO_KEY: "no key is known for its accounts; see `txpush subscribe` and TXPUSH_SEALING_KEYS",
    SignatureResult.UNREADABLE: "it cannot be read, so nobody knows whose key to try",
}
_OF_SERVICES = {
    Outcome.UNAUTHENTICATED: "it showed no token or certificate of TXPUSH_CALLERS_FILE",
    Outcome.NOT_ALLOWED: "TXPUSH_CALLERS_FILE does not let the service send this type",
}


def _later(seconds: float, call: Callable[[], None]) -> None:
    # In a context of its own: what is said a minute later belongs to no request.
    asyncio.get_running_loop().call_later(seconds, call, context=Context())


class Notices:
    """Logs warnings: the first of a kind at once, and `EVERY_SECONDS` later how many more there were, if any.

    The kinds are as many as outcomes, reasons and routes are; no word of a request gets into a line.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], None] = _later) -> None:
        self._later = later
        self._more: dict[str, int] = {}

    def wrong_token(self, route: Route) -> None:
        """Hear of a request to an address that would be ours but for its token."""
        why = "its path has none of TXPUSH_CALLBACK_TOKENS; see the callback URL"
        self._say(f"answered 404 to a notification at /TOKEN/{route}: {why}")

    def no_callers(self) -> None:
        """Hear of a request to where services post, which is not there as none is named."""
        why = (
            "TXPUSH_CALLERS_FILE is not set, or names nobody; name the service there, as the canary for `txpush canary`"
        )
        self._say(f"answered 404 to a service at /v1/events: {why}")

    def unsigned(self, route: Route, result: SignatureResult) -> None:
        """Hear of a body that was refused for its signature."""
        self._say(f"answered 401 to a notification at /TOKEN/{route}: {_UNSIGNED[result]}")

    def answered(self, route: Route, answer: Answer) -> None:
        """Hear of any answer; says something of services that are not let in."""
        if route is Route.EVENTS and answer.outcome in _OF_SERVICES:
            why = _OF_SERVICES[answer.outcome]
            self._say(f"answered {answer.status} to a service at /v1/events: {why}")

    def stored(self, route: Route, refused: Iterable[DeadLetterReason], topic: str, correlation_id: str) -> None:
        """Hear why records of a body were set aside; the line of the first of a kind has the id of its body."""
        for reason in refused:
            self._say(f"set aside from {route}: {reason}; see topic {topic}", correlation_id=correlation_id)

    def close(self) -> None:
        """Tell what was counted and not told yet."""
        for line in list(self._more):
            self._tell(line)

    def _say(self, line: str, **fields: str) -> None:
        if line in self._more:
            self._more[line] += 1
            return
        log.warning("%s", line, extra=fields)
        self._count(line)

    def _count(self, line: str) -> None:
        self._more[line] = 0
        self._later(EVERY_SECONDS, lambda: self._minute_over(line))

    def _minute_over(self, line: str) -> None:
        if self._tell(line):
            self._count(line)

    def _tell(self, line: str) -> bool:
        """Stop counting, and say what came to be counted; tell whether anything did."""
        more = self._more.pop(line, 0)
        if more:
            log.warning("%s (%s more of the kind in the last minute)", line, f"{more:,}")
        return bool(more)
