"""Every metric by name: one typed list, so that a dashboard, an alert and the code cannot mean different things.

Prometheus conventions: base units, `_total` on counters, seconds, moments as timestamps rather than ages. No label
names a customer, an account or a login. A series with known label values exists from the start, at zero.
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import nlargest
from itertools import product
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.audit import DeadLetterReason
from streams.observe import labels
from streams.observe.kinds import CounterMetric, GaugeMetric, HistogramMetric, LabelValues, Metric, TopMetric, by
from streams.observe.parts import business, canary, deciding, executor, restoring, subscribing, vendor

ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
TRANSACTION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
BATCH_BUCKETS = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 21600.0)
OPEN_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


_PARTITION = by("partition")

BRIDGE_REQUESTS = CounterMetric(
    "txpush_bridge_requests_total",
    "requests",
    "Requests answered, by route and by what became of them.",
    by("route", labels.Route).by("outcome", labels.Outcome),
)
BRIDGE_ACK_SECONDS = HistogramMetric(
    "txpush_bridge_acknowledgement_seconds",
    "seconds",
    "Time until Kafka had acknowledged all records of a request.",
    buckets=ACK_BUCKETS,
)
BRIDGE_LAST_STORED = GaugeMetric(
    "txpush_bridge_last_stored_timestamp_seconds",
    "seconds",
    "When Kafka last acknowledged all records of a request; 0 before the first one.",
)
BRIDGE_IN_FLIGHT = GaugeMetric(
    "txpush_bridge_requests_in_flight", "requests", "Requests that wait for Kafka's acknowledgement."
)
BRIDGE_RECORDS = CounterMetric(
    "txpush_bridge_records_stored_total",
    "records",
    "Records acknowledged on the inbound log, by event type.",
    by("type", labels.BRIDGE_TYPES),
)
BRIDGE_NOT_STORED = CounterMetric(
    "txpush_bridge_records_not_stored_total",
    "records",
    "Records answered 200 and not stored: transactions and test pings, by route.",
    by("route", labels.POST_ROUTES),
)
BRIDGE_REDELIVERIES = CounterMetric(
    "txpush_bridge_redeliveries_total",
    "requests",
    "Bodies stored that this process had stored before, of its last 32,768: the vendor has sent them again.",
    by("route", labels.POST_ROUTES),
)
BRIDGE_DEAD_LETTERS = CounterMetric(
    "txpush_bridge_dead_letters_total",
    "records",
    "Records and bodies acknowledged on the dead letter topic, by reason.",
    by("reason", DeadLetterReason),
)
BRIDGE_XML = CounterMetric(
    "txpush_bridge_xml_bodies_total", "bodies", "Bodies in XML: subscribe again with `Accept: application/json`."
)
BRIDGE_UNREADABLE_DATES = CounterMetric(
    "txpush_bridge_unreadable_dates_total", "dates", "Dates of the vendor's that are 0 or cannot be read."
)
BRIDGE_UNKNOWN_TYPES = CounterMetric(
    "txpush_bridge_unknown_event_types_total", "records", "Records of types that this version stores but does not know."
)
BRIDGE_SIGNATURES = CounterMetric(
    "txpush_bridge_signatures_total",
    "requests",
    "Signatures of the vendor checked, by route and result; what is not good is refused, or only counted as set.",
    by("route", labels.POST_ROUTES).by("result", labels.SignatureResult),
)
BRIDGE_STRATEGIES = CounterMetric(
    "txpush_bridge_signature_strategies_total",
    "requests",
    "TxPUSH signatures that another strategy than the one set would have found good; looked for in mode log.",
    by("strategy"),
)
BRIDGE_KEYS = GaugeMetric(
    "txpush_bridge_signing_key_accounts", "accounts", "Accounts whose signing keys the bridge knows."
)
BRIDGE_KEYS_KNOWN = GaugeMetric(
    "txpush_bridge_signing_keys_known_timestamp_seconds",
    "seconds",
    "When the bridge last knew all signing keys there were; 0 before the first time, now where it follows none.",
)
BRIDGE_KEYS_UNREADABLE = GaugeMetric(
    "txpush_bridge_signing_keys_unreadable", "records", "Records of signing keys that TXPUSH_SEALING_KEYS do not open."
)
BRIDGE_LOG_REBUILDS = CounterMetric(
    "txpush_bridge_producer_rebuilds_total", "rebuilds", "Kafka producers given up and made anew."
)
BRIDGE_LOG_UP = GaugeMetric(
    "txpush_bridge_log_available", "boolean", "1 while the inbound log can be written, as readiness sees it."
)

AGENT_LAG_MESSAGES = GaugeMetric(
    "txpush_agent_lag_messages", "messages", "Records of the partition not yet decided on.", _PARTITION
)
AGENT_LAG_SECONDS = GaugeMetric(
    "txpush_agent_lag_seconds",
    "seconds",
    "Present time less the time of the last decided record, 0 without lag.",
    _PARTITION,
)
AGENT_LAST_EVENT = GaugeMetric(
    "txpush_agent_last_event_timestamp_seconds",
    "seconds",
    "Time of the last decided record; 0 from the opening of the partition by this worker until the first one.",
    _PARTITION,
)
AGENT_BATCH = HistogramMetric(
    "txpush_agent_batch_records", "records", "Records of one transaction.", buckets=BATCH_BUCKETS
)
AGENT_TRANSACTION_SECONDS = HistogramMetric(
    "txpush_agent_transaction_seconds", "seconds", "Time of one transaction.", buckets=TRANSACTION_BUCKETS
)
AGENT_COMMAND_DELAY = HistogramMetric(
    "txpush_agent_command_delay_seconds",
    "seconds",
    "Time from an event's receipt by the bridge, or from the tick that a timer was due at, to its command's commit.",
    buckets=DELAY_BUCKETS,
)
AGENT_TABLE_RECORDS = GaugeMetric(
    "txpush_agent_table_records", "records", "Records of a table in the partitions owned.", by("table")
)
AGENT_RECORDS_OUT = CounterMetric(
    "txpush_agent_records_written_total", "records", "Records committed by transactions, state included."
)
AGENT_OPEN_SECONDS = HistogramMetric(
    "txpush_agent_partition_open_seconds",
    "seconds",
    "Time to fence the former owner and restore a partition.",
    buckets=OPEN_BUCKETS,
)
AGENT_EPOCH = GaugeMetric(
    "txpush_agent_producer_epoch",
    "openings",
    "Epoch of a partition's producer: each opening raises it, by whichever worker, and fences the one before.",
    _PARTITION,
)
AGENT_REBALANCES = CounterMetric("txpush_agent_rebalances_total", "rebalances", "Assignments taken.")
AGENT_PARTITIONS = GaugeMetric("txpush_agent_partitions_owned", "partitions", "Partitions this worker owns.")
AGENT_PAUSED = GaugeMetric(
    "txpush_agent_partitions_paused", "partitions", "Partitions that do not go on; /readyz says why."
)
AGENT_TICKS = CounterMetric("txpush_agent_ticks_total", "records", "Ticks written because a timer was due.")

METRICS: tuple[Metric, ...] = (
    *deciding.METRICS,
    *(value for value in list(globals().values()) if isinstance(value, Metric)),
    *business.METRICS,
    *restoring.METRICS,
    *subscribing.METRICS,
    *vendor.METRICS,
    *executor.METRICS,
    *canary.METRICS,
)
"""All metrics, those of a component in the order above or in its part of the list."""


class Instruments:
    """The metrics of one component on one registry; hold the children that a hot path uses."""

    def __init__(self, component: str, registry: CollectorRegistry) -> None:
        self.registry = registry
        ours = [metric for metric in METRICS if metric.component == component and not isinstance(metric, TopMetric)]
        self._made = {metric: _make(metric, registry) for metric in ours}

    def counter(self, metric: CounterMetric[*LabelValues], *values: *LabelValues) -> Counter:
        """Give the series of a counter with these label values, in the order of the labels."""
        return cast("Counter", self._series(metric, values))

    def gauge(self, metric: GaugeMetric[*LabelValues], *values: *LabelValues) -> Gauge:
        """Give the series of a gauge."""
        return cast("Gauge", self._series(metric, values))

    def histogram(self, metric: HistogramMetric[*LabelValues], *values: *LabelValues) -> Histogram:
        """Give the series of a histogram."""
        return cast("Histogram", self._series(metric, values))

    def forget(self, metric: GaugeMetric[*LabelValues], *values: *LabelValues) -> None:
        """Drop a series that is no longer ours, such as the lag of a partition given up."""
        self._made[metric].remove(*values)

    def watch(self, metric: GaugeMetric[*LabelValues], value: Callable[[], float], *values: *LabelValues) -> None:
        """Read a gauge, of these label values, when it is scraped; at no cost in between."""
        self.gauge(metric, *values).set_function(value)

    def watch_top(self, metric: TopMetric, values: Callable[[], Mapping[str, float]]) -> None:
        """Show the largest of these values, by the metric's label, when they are scraped."""
        self.registry.register(_Top(metric, values))

    def _series(self, metric: Metric, values: tuple[object, ...]) -> Counter | Gauge | Histogram:
        made = self._made[metric]
        return made.labels(*values) if values else made


class _Top(Collector):
    """The largest of what there is."""

    def __init__(self, metric: TopMetric, values: Callable[[], Mapping[str, float]]) -> None:
        self._metric = metric
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the largest, the smaller label first among equals."""
        metric = self._metric
        family = GaugeMetricFamily(metric.name, metric.meaning, labels=[label.name for label in metric.labels])
        values = self._values()
        for name in nlargest(metric.limit, sorted(values), key=values.__getitem__):
            family.add_metric([name], values[name])
        yield family


def _make(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    names = [label.name for label in metric.labels]
    made: Counter | Gauge | Histogram
    if isinstance(metric, HistogramMetric):
        made = Histogram(metric.name, metric.meaning, names, registry=registry, buckets=metric.buckets)
    elif isinstance(metric, CounterMetric):
        made = Counter(metric.name, metric.meaning, names, registry=registry)
    else:
        made = Gauge(metric.name, metric.meaning, names, registry=registry)
    for values in product(*(label.values for label in metric.labels)) if names else ():
        made.labels(*values)
    return made
