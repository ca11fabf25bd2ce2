"""What the canary counts."""

from streams.observe import metrics
from streams.observe.labels import CanaryOutcome
from streams.observe.parts import canary


class CanaryMeters:
    """Canaries sent, and when the last of each partition came through: at first the present, so that silence shows."""

    def __init__(self, instruments: metrics.Instruments, partitions: int) -> None:
        self._instruments = instruments
        self._round_trip = instruments.histogram(canary.CANARY_ROUND_TRIP)
        for partition in range(partitions):
            self._last(partition)

    def sent(self, outcome: CanaryOutcome) -> None:
        """Count a canary by what the bridge said."""
        self._instruments.counter(canary.CANARY_SENT, outcome).inc()

    def came_through(self, partition: int, seconds: float) -> None:
        """Note a canary that has come through, and how long it took."""
        self._last(partition)
        self._round_trip.observe(seconds)

    def _last(self, partition: int) -> None:
        self._instruments.gauge(canary.CANARY_LAST_SUCCESS, str(partition)).set_to_current_time()
