"""What the canary counts."""

from collections.abc import Callable
from functools import partial

from streams.observe import metrics
from streams.observe.labels import CanaryOutcome
from streams.observe.parts import canary


class CanaryMeters:
    """Canaries sent, how long those took that came through, and when the last of each partition did."""

    def __init__(self, instruments: metrics.Instruments) -> None:
        self._instruments = instruments
        self._round_trip = instruments.histogram(canary.CANARY_ROUND_TRIP)

    def sent(self, outcome: CanaryOutcome) -> None:
        """Count a canary by what the bridge said."""
        self._instruments.counter(canary.CANARY_SENT, outcome).inc()

    def came_through(self, seconds: float) -> None:
        """Note how long a canary took that has come through."""
        self._round_trip.observe(seconds)

    def watch(self, partitions: int, last: Callable[[int], float]) -> None:
        """Show when the last of each partition came through, as it is when somebody looks; in seconds since 1970."""
        for partition in range(partitions):
            self._instruments.watch(canary.CANARY_LAST_SUCCESS, partial(last, partition), str(partition))
