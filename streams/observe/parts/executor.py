"""The part of the list of metrics that the executor exports."""

from schemas.commands import LookupAction
from streams.observe import labels
from streams.observe.kinds import CounterMetric, GaugeMetric, Metric, by

EXECUTOR_LINKS = CounterMetric(
    "txpush_executor_links_total",
    "requests",
    "Requests of customers, by what became of them.",
    by("outcome", labels.LinkOutcome),
)
EXECUTOR_LOOKUPS = CounterMetric(
    "txpush_executor_lookups_total",
    "lookups",
    "Look-ups done with, by what was asked and what became of it.",
    by("action", LookupAction).by("outcome", labels.LookupOutcome),
)
EXECUTOR_LAST_LOOKUP = GaugeMetric(
    "txpush_executor_last_lookup_timestamp_seconds",
    "seconds",
    "When a look-up was last done with; 0 before the first one.",
)
EXECUTOR_OBSERVATIONS = CounterMetric(
    "txpush_executor_observations_total", "records", "Accounts read at the vendor and acknowledged on the inbound log."
)
EXECUTOR_LOOKUP_RETRIES = CounterMetric(
    "txpush_executor_lookup_retries_total", "tries", "Tries of look-ups that have to be made again."
)
EXECUTOR_UNREADABLE = CounterMetric(
    "txpush_executor_unreadable_records_total", "records", "Records of commands and look-ups that cannot be read."
)
EXECUTOR_IN_HAND = GaugeMetric("txpush_executor_lookups_in_hand", "lookups", "Look-ups read and not answered yet.")
EXECUTOR_WAITING = GaugeMetric(
    "txpush_executor_lookups_waiting", "lookups", "Look-ups among them that wait for an institution to be tried again."
)
EXECUTOR_COMMANDS = GaugeMetric(
    "txpush_executor_commands_known", "commands", "Commands, open and closed, that a link may still lead to."
)
EXECUTOR_VIEW_KNOWN = GaugeMetric(
    "txpush_executor_view_known_timestamp_seconds",
    "seconds",
    "When all committed commands had last been read; 0 before the first time.",
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
