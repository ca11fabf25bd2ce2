"""What the executor counts."""

from collections.abc import Callable

from schemas.commands import LookupAction
from streams.observe import executing, metrics
from streams.observe.labels import LinkOutcome, LookupOutcome


class ExecutorMeters:
    """The executor's counters; `watch` reads its gauges when they are scraped."""

    def __init__(self, instruments: metrics.Instruments) -> None:
        self._instruments = instruments
        self.unreadable = instruments.counter(executing.EXECUTOR_UNREADABLE)
        self.retries = instruments.counter(executing.EXECUTOR_LOOKUP_RETRIES)
        self.observed: Callable[[float], None] = instruments.counter(executing.EXECUTOR_OBSERVATIONS).inc

    def answered(self, outcome: LinkOutcome) -> None:
        """Count a request of a customer's."""
        self._instruments.counter(executing.EXECUTOR_LINKS, outcome).inc()

    def looked_up(self, action: LookupAction, outcome: LookupOutcome) -> None:
        """Count a look-up that is done with."""
        self._instruments.counter(executing.EXECUTOR_LOOKUPS, action, outcome).inc()
        self._instruments.gauge(executing.EXECUTOR_LAST_LOOKUP).set_to_current_time()
