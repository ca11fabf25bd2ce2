"""The part of the list of metrics that services have which read commands by `streams.subscribe`."""

from schemas.commands import Action
from streams.observe import labels
from streams.observe.kinds import CounterMetric, GaugeMetric, Metric, by

SUBSCRIBE_HANDED_OUT = CounterMetric(
    "txpush_subscribe_handed_out_total",
    "commands",
    "Commands given to the service, by what it has to do.",
    by("action", Action),
)
SUBSCRIBE_NOT_HANDED_OUT = CounterMetric(
    "txpush_subscribe_not_handed_out_total",
    "messages",
    "Messages that the service does not get, by reason.",
    by("reason", labels.NotHandedOut),
)
SUBSCRIBE_ACKNOWLEDGED = CounterMetric(
    "txpush_subscribe_acknowledged_total", "commands", "Commands that the service is done with."
)
SUBSCRIBE_LAST_ACKNOWLEDGED = GaugeMetric(
    "txpush_subscribe_last_acknowledged_timestamp_seconds",
    "seconds",
    "When the service was last done with a command; 0 before the first one.",
)
SUBSCRIBE_HANDED_BACK = CounterMetric(
    "txpush_subscribe_handed_back_total", "commands", "Commands that the service failed at, to be handed out again."
)
SUBSCRIBE_LOST = CounterMetric(
    "txpush_subscribe_lost_total", "commands", "Commands in hand whose partition went to another reader."
)
SUBSCRIBE_WAITING = GaugeMetric("txpush_subscribe_commands_waiting", "commands", "Commands read and not handed out.")
SUBSCRIBE_CONTACTS_PAUSED = GaugeMetric(
    "txpush_subscribe_contacts_paused", "boolean", "1 while customer contacts wait for max_per_hour."
)
SUBSCRIBE_PAUSES = CounterMetric(
    "txpush_subscribe_contact_pauses_total", "pauses", "Times that contacts began to wait for max_per_hour."
)
SUBSCRIBE_REPORTS = CounterMetric(
    "txpush_subscribe_reports_total", "reports", "Reports, by what became of them.", by("outcome", labels.Reported)
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
