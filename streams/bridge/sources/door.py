"""The door of the bridge: who is turned away before a body is read, and what their requests are counted as."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from streams.bridge.answers import NO_VENDOR, Answer, too_often
from streams.bridge.sources.address import Address, Sources, neighbourhood
from streams.bridge.sources.failures import WINDOW_SECONDS, Failures
from streams.observe.labels import Outcome, Route

log = logging.getLogger(__name__)

_FAILED = frozenset(
    {Outcome.NOT_FOUND, Outcome.UNSIGNED, Outcome.NO_KEY, Outcome.UNAUTHENTICATED, Outcome.WRONG_SOURCE}
)
_GOOD = frozenset({Outcome.STORED, Outcome.DEAD_LETTER, Outcome.NOT_STORED})
_VENDOR = frozenset({Route.TXPUSH, Route.CONNECT})


class Door:
    """Knows where requests come from.

    Who fails too often is only held back where proxies say who a client is: behind one that does not, a stranger's
    failures would be the vendor's.

    Args:
        sources: how clients are told apart.
        failures_per_minute: see `Failures`.
        clock: seconds that never go back.
    """

    def __init__(self, sources: Sources, failures_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._failures = Failures(failures_per_minute, clock) if sources.hops else None
        self._is_open = self._failures is None and not sources.networks
        self._clock = clock
        self._told_at = float("-inf")

    def refusal(self, route: Route, scope: Mapping[str, Any]) -> Answer | None:
        """Give the answer to a request that is turned away unseen."""
        if self._is_open:
            return None
        source = self._sources.of(scope)
        if self._failures is not None and source is not None:
            seconds = self._failures.seconds_left(neighbourhood(source))
            if seconds:
                return too_often(seconds)
        if route in _VENDOR and not self._sources.may_notify(source):
            self._tell(source)
            return NO_VENDOR
        return None

    def may_notify(self, scope: Mapping[str, Any]) -> bool:
        """Tell whether a request may be the vendor's by where it comes from."""
        return self._sources.may_notify(self._sources.of(scope))

    def answered(self, scope: Mapping[str, Any], outcome: Outcome) -> None:
        """Note what became of a request."""
        if self._failures is None or (outcome not in _FAILED and outcome not in _GOOD):
            return
        source = self._sources.of(scope)
        if source is not None:
            note = self._failures.succeeded if outcome in _GOOD else self._failures.failed
            note(neighbourhood(source))

    def _tell(self, source: Address | None) -> None:
        """Say who knew the path and came from elsewhere, once a minute: the vendor's addresses may have changed."""
        now = self._clock()
        if now - self._told_at >= WINDOW_SECONDS:
            self._told_at = now
            log.warning(
                "a request to a callback path came from %s, which is not in TXPUSH_VENDOR_NETWORKS: answered with 404",
                "an address that no proxy told" if source is None else source,
            )
