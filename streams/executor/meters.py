"""What the executor counts."""

from collections.abc import Callable

from schemas.commands import LookupAction
from streams.observe import metrics
from streams.observe.labels import LinkOutcome, LookupOutcome
from streams.observe.parts import executor


class ExecutorMeters:
    """The executor's counters; `watch` reads its gauges when they are scraped."""

    def __init__(self, instruments: metrics.Instruments) -> None:
        self._instruments = instruments
        self.unreadable = instruments.counter(executor.EXECUTOR_UNREADABLE)
        self.retries = instruments.counter(executor.EXECUTOR_LOOKUP_RETRIES)
        self.observed: Callable[[float], None] = instruments.counter(executor.EXECUTOR_OBSERVATIONS).inc

    def answered(self, outcome: LinkOutcome) -> None:
        """Count a request of a customer's."""
        self._instruments.counter(executor.EXECUTOR_LINKS, outcome).inc()

    def looked_up(self, action: LookupAction, outcome: LookupOutcome) -> None:
        """Count a look-up that is done with."""
        self._instruments.counter(executor.EXECUTOR_LOOKUPS, action, outcome).inc()
        self._instruments.gauge(executor.EXECUTOR_LAST_LOOKUP).set_to_current_time()
