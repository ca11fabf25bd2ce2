"""What a subscription tells about itself: the metrics of the list whose names begin with `txpush_subscribe_`."""

import logging
from datetime import datetime

from prometheus_client import CollectorRegistry

from schemas.commands import Action
from streams.observe.labels import NotHandedOut, Reported
from streams.observe.metrics import Instruments
from streams.observe.parts import subscribing

log = logging.getLogger(__name__)


class Meters:
    """The metrics of all subscriptions and reporters of a process; make one, on the registry that it shows.

    Two subscriptions may share it: counters add up, gauges show the last to speak.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._instruments = Instruments("subscribe", self.registry)

    def handed_out(self, action: Action) -> None:
        """Count a command given to the caller."""
        self._instruments.counter(subscribing.SUBSCRIBE_HANDED_OUT, action).inc()

    def not_handed_out(self, why: NotHandedOut, times: int = 1) -> None:
        """Count messages that the caller does not get."""
        self._instruments.counter(subscribing.SUBSCRIBE_NOT_HANDED_OUT, why).inc(times)

    def acknowledged(self) -> None:
        """Count a command that the caller is done with."""
        self._instruments.counter(subscribing.SUBSCRIBE_ACKNOWLEDGED).inc()
        self._instruments.gauge(subscribing.SUBSCRIBE_LAST_ACKNOWLEDGED).set_to_current_time()

    def handed_back(self) -> None:
        """Count a command that the caller could not deal with."""
        self._instruments.counter(subscribing.SUBSCRIBE_HANDED_BACK).inc()

    def lost(self) -> None:
        """Count a command in hand whose partition went to another reader."""
        self._instruments.counter(subscribing.SUBSCRIBE_LOST).inc()

    def waiting(self, commands: int) -> None:
        """Tell how many commands wait."""
        self._instruments.gauge(subscribing.SUBSCRIBE_WAITING).set(commands)

    def paused(self, *, on: bool) -> None:
        """Tell whether contacts wait for `max_per_hour`, and count each time they begin to."""
        gauge = self._instruments.gauge(subscribing.SUBSCRIBE_CONTACTS_PAUSED)
        gauge.set(float(on))
        if on:
            self._instruments.counter(subscribing.SUBSCRIBE_PAUSES).inc()

    def reported(self, outcome: Reported) -> None:
        """Count a report by what became of it."""
        self._instruments.counter(subscribing.SUBSCRIBE_REPORTS, outcome).inc()


class Pause:
    """Tells once when contacts begin to wait for `max_per_hour`, and once when they go on."""

    def __init__(self) -> None:
        self._on = False

    def note(self, free_at: datetime | None, waiting: int, meters: Meters) -> None:
        """Take note of when the next contact may be made (None: now) and of how many wait."""
        on = free_at is not None and waiting > 0
        if on is self._on:
            return
        self._on = on
        meters.paused(on=on)
        if on:
            log.warning("max_per_hour is reached: %d contacts wait until %s", waiting, free_at)
        else:
            log.info("contacts go on")
