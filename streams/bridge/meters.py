"""What the bridge counts, with every series looked up once and not per request."""

from collections import Counter
from collections.abc import Mapping
from itertools import product

import prometheus_client

from schemas.audit import DeadLetterReason
from streams.bridge.intake import Intake
from streams.observe import metrics
from streams.observe.labels import BRIDGE_TYPES, POST_ROUTES, BridgeType, Outcome, Route, SignatureResult, shown_type
from streams.signatures import Strategy

Counts = Mapping[prometheus_client.Counter, int]
"""How much is to be added to which counters."""
_SHOWN: Mapping[str, BridgeType] = {one.value: one for one in BRIDGE_TYPES}


class BridgeMeters:
    """The bridge's counters; an event type that is not known in advance counts as `other`."""

    def __init__(self, instruments: metrics.Instruments) -> None:
        self._requests = {
            (route, outcome): instruments.counter(metrics.BRIDGE_REQUESTS, route, outcome)
            for route, outcome in product(Route, Outcome)
        }
        self._records = {one: instruments.counter(metrics.BRIDGE_RECORDS, one) for one in BRIDGE_TYPES}
        self._not_stored: dict[Route, prometheus_client.Counter] = {
            route: instruments.counter(metrics.BRIDGE_NOT_STORED, route) for route in POST_ROUTES
        }
        self._redeliveries: dict[Route, prometheus_client.Counter] = {
            route: instruments.counter(metrics.BRIDGE_REDELIVERIES, route) for route in POST_ROUTES
        }
        self._letters = {
            reason: instruments.counter(metrics.BRIDGE_DEAD_LETTERS, reason) for reason in DeadLetterReason
        }
        self._signatures: dict[tuple[Route, SignatureResult], prometheus_client.Counter] = {
            (route, result): instruments.counter(metrics.BRIDGE_SIGNATURES, route, result)
            for route, result in product(POST_ROUTES, SignatureResult)
        }
        self._instruments = instruments
        self.xml_bodies = instruments.counter(metrics.BRIDGE_XML)
        self._dates = instruments.counter(metrics.BRIDGE_UNREADABLE_DATES)
        self._unknown = instruments.counter(metrics.BRIDGE_UNKNOWN_TYPES)
        self.rebuilds = instruments.counter(metrics.BRIDGE_LOG_REBUILDS)
        self._ack_seconds = instruments.histogram(metrics.BRIDGE_ACK_SECONDS)
        self._last_stored = instruments.gauge(metrics.BRIDGE_LAST_STORED)

    def answered(self, route: Route, outcome: Outcome) -> None:
        """Count a request."""
        self._requests[route, outcome].inc()

    def checked(self, route: Route, result: SignatureResult) -> None:
        """Count a signature."""
        self._signatures[route, result].inc()

    def fits(self, strategy: Strategy) -> None:
        """Count a signature that another strategy than the one set found good."""
        self._instruments.counter(metrics.BRIDGE_STRATEGIES, strategy).inc()

    def counts(self, route: Route, intake: Intake) -> Counts:
        """Give what a body came to as counters and how much is to be added to each."""
        found: Counter[prometheus_client.Counter] = Counter()
        reduction = intake.reduction
        for event in reduction.events:
            found[self._records[shown_type(event.type, _SHOWN)]] += 1
        for refused in reduction.refused:
            found[self._letters[refused.reason]] += 1
        if intake.is_xml:
            found[self.xml_bodies] += 1
        if reduction.not_stored:
            found[self._not_stored[route]] += reduction.not_stored
        if reduction.unreadable_dates:
            found[self._dates] += reduction.unreadable_dates
        if reduction.unknown_types:
            found[self._unknown] += reduction.unknown_types
        return found

    def acknowledged(self, seconds: float) -> None:
        """Hear that Kafka has all records of a request, and how long that took."""
        self._ack_seconds.observe(seconds)
        self._last_stored.set_to_current_time()

    def redelivered(self, route: Route) -> None:
        """Count a body that is durable once more."""
        self._redeliveries[route].inc()

    def stored(self, counts: Counts) -> None:
        """Count what a body came to, once all of it is durable: a body that comes again counts once more."""
        for counter, times in counts.items():
            counter.inc(times)
