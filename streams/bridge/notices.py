"""What the log says of requests that went wrong: the first of its kind in a minute, without what they carried."""

import logging
import time
from collections.abc import Callable, Iterable

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


class Notices:
    """Logs warnings, each kind once in `EVERY_SECONDS`; the next one of a kind counts those in between.

    The kinds are as many as outcomes, reasons and routes are; no word of a request gets into a line.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: dict[tuple[str, ...], float] = {}
        self._unsaid: dict[tuple[str, ...], int] = {}

    def wrong_token(self, route: Route) -> None:
        """Hear of a request to an address that would be ours but for its token."""
        why = "its path has none of TXPUSH_CALLBACK_TOKENS; see the callback URL"
        self._say(("token", route), f"answered 404 to a notification at /TOKEN/{route}: {why}")

    def unsigned(self, route: Route, result: SignatureResult) -> None:
        """Hear of a body that was refused for its signature."""
        self._say(("unsigned", route, result), f"answered 401 to a notification at /TOKEN/{route}: {_UNSIGNED[result]}")

    def answered(self, route: Route, answer: Answer) -> None:
        """Hear of any answer; says something of services that are not let in."""
        if route is Route.EVENTS and answer.outcome in _OF_SERVICES:
            why = _OF_SERVICES[answer.outcome]
            self._say(("events", answer.outcome), f"answered {answer.status} to a service at /v1/events: {why}")

    def stored(self, route: Route, refused: Iterable[DeadLetterReason], topic: str) -> None:
        """Hear why records of a body were set aside."""
        for reason in refused:
            self._say(("letter", route, reason), f"set aside from {route}: {reason}; see topic {topic}")

    def _say(self, kind: tuple[str, ...], line: str) -> None:
        at, last = self._now(), self._said.get(kind)
        if last is not None and at - last < EVERY_SECONDS:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._said[kind] = at
        more = self._unsaid.pop(kind, 0)
        log.warning("%s%s", line, f" ({more:,} more of the kind since the last line)" if more else "")
