"""The part of the list of metrics that counts what the agents decide, each poll when it stands."""

from schemas.audit import DeadLetterReason
from schemas.catalogue import Kind
from schemas.commands import Action, LookupAction
from schemas.signals import SignalType
from streams.observe import labels
from streams.observe.kinds import CounterMetric, Label, Labels, Metric, by

AGENT_EVENTS = CounterMetric(
    "txpush_agent_events_total",
    "events",
    "Records decided on, by event type and by what they were (R1); what can be of a log is there from the start.",
    Labels[labels.AgentType, str]((Label("type"), Label("outcome"))),  # no series of pairs that cannot be
)
AGENT_DECISIONS = CounterMetric(
    "txpush_agent_decisions_total",
    "decisions",
    "Decisions that changed state or emitted something, by what they came to: as many as audit records.",
    by("result", labels.DecisionResult),
)
AGENT_COMMANDS = CounterMetric(
    "txpush_agent_commands_total",
    "messages",
    "Command messages committed, by kind and action.",
    by("kind", Kind).by("action", Action),
)
AGENT_LOOKUPS = CounterMetric(
    "txpush_agent_lookups_total",
    "messages",
    "Look-ups asked of the executor and committed, by what is asked.",
    by("action", LookupAction),
)
AGENT_SIGNALS = CounterMetric(
    "txpush_agent_signals_total",
    "records",
    "Records committed on institution.signals, by type.",
    by("type", SignalType),
)
AGENT_DEAD_LETTERS = CounterMetric(
    "txpush_agent_dead_letters_total",
    "records",
    "Records set aside, by reason.",
    by("reason", DeadLetterReason),
)
AGENT_FUTURE_DATES = CounterMetric(
    "txpush_agent_future_dates_total", "dates", "Dates later than event time + 24 h, taken as absent."
)
AGENT_TIMERS_FAILED = CounterMetric(
    "txpush_agent_timers_failed_total",
    "timers",
    "Due times of a customer or an institution that could not be told: it waits for its next own event.",
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
