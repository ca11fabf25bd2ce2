"""The part of the list of metrics that the canary exports."""

from streams.observe import labels
from streams.observe.kinds import CounterMetric, GaugeMetric, HistogramMetric, Metric, by

ROUND_TRIP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

CANARY_SENT = CounterMetric(
    "txpush_canary_sent_total",
    "canaries",
    "Canaries sent to the bridge, by its answer.",
    by("outcome", labels.CanaryOutcome),
)
CANARY_LAST_SUCCESS = GaugeMetric(
    "txpush_canary_last_success_timestamp_seconds",
    "seconds",
    "When the last canary of a partition came through, of whichever process; its start where none is known.",
    by("partition"),
)
CANARY_ROUND_TRIP = HistogramMetric(
    "txpush_canary_round_trip_seconds",
    "seconds",
    "Time from the request to the bridge until the committed message was read.",
    buckets=ROUND_TRIP_BUCKETS,
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
