"""The part of the list of metrics that whoever calls the vendor exports."""

from streams.observe import labels
from streams.observe.kinds import CounterMetric, GaugeMetric, HistogramMetric, Metric, by

ANSWER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

VENDOR_CALLS = CounterMetric(
    "txpush_vendor_calls_total",
    "calls",
    "Calls of the vendor's API, by what the caller was told.",
    by("call", labels.VendorCall).by("outcome", labels.VendorOutcome),
)
VENDOR_ANSWER_SECONDS = HistogramMetric(
    "txpush_vendor_answer_seconds", "seconds", "Time until the vendor answered a request.", buckets=ANSWER_BUCKETS
)
VENDOR_REPEATED = CounterMetric(
    "txpush_vendor_repeated_requests_total", "requests", "Requests made again, as the trouble was a passing one."
)
VENDOR_AUTHENTICATIONS = CounterMetric(
    "txpush_vendor_authentications_total",
    "attempts",
    "Attempts with the credentials, by what came of them.",
    by("outcome", labels.Authentication),
)
VENDOR_TOKEN_ACCEPTED = GaugeMetric(
    "txpush_vendor_token_accepted_timestamp_seconds",
    "seconds",
    "When the vendor last gave a token for the credentials; it is good for two hours. 0 before the first one.",
)
VENDOR_UNREADABLE_ACCOUNTS = CounterMetric(
    "txpush_vendor_unreadable_accounts_total", "accounts", "Accounts in lists of the vendor's without usable ids."
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
