"""The part of the list of metrics that tells what the agents' customers, banks and tickets come to."""

from schemas.commands import Hold, TicketCause
from schemas.health import Phase
from streams.observe import labels
from streams.observe.kinds import AnyGauge, CounterMetric, GaugeMetric, HistogramMetric, Metric, TopMetric, by

SEEN_BUCKETS = (1.0, 5.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)

AGENT_ACCOUNTS = GaugeMetric(
    "txpush_agent_accounts",
    "accounts",
    "Accounts in the partitions owned, by where they stand; those deleted until they are forgotten.",
    by("phase", Phase),
)
AGENT_COMMANDS_OPEN = GaugeMetric(
    "txpush_agent_commands_open",
    "commands",
    "Commands that are open in the partitions owned, by kind; of tickets see txpush_agent_tickets_open.",
    by("kind", labels.CASE_KINDS),
)
AGENT_OTP_LOGINS = GaugeMetric(
    "txpush_agent_otp_logins", "logins", "Logins that ask for a one-time passcode at every connection (R7)."
)
AGENT_CASES_WAITING = GaugeMetric(
    "txpush_agent_cases_waiting", "cases", "Cases with a contact that waits for its time (R8)."
)
AGENT_CASES_UNRESPONSIVE = GaugeMetric(
    "txpush_agent_cases_unresponsive", "cases", "Cases whose reminders all went out, and that still fail (R8)."
)
AGENT_TICKETS_OPEN = GaugeMetric(
    "txpush_agent_tickets_open",
    "tickets",
    "Support tickets that are open, by cause, those of incidents among them.",
    by("cause", TicketCause),
)
AGENT_INCIDENTS_OPEN = GaugeMetric("txpush_agent_incidents_open", "incidents", "Incidents that are open (R9).")
AGENT_FAILING_ACCOUNTS = TopMetric(
    "txpush_agent_institution_failing_accounts",
    "accounts",
    "Accounts whose last code is not 0, of the institutions that have most of them in the partitions owned.",
    by("institution"),
)
AGENT_OBSERVATIONS = CounterMetric(
    "txpush_agent_observations_total",
    "observations",
    "Observations of accounts (R1), by the cause of their code in the catalogue.",
    by("cause"),
)
AGENT_UNKNOWN_CODES = CounterMetric(
    "txpush_agent_unknown_codes_total",
    "observations",
    "Observations of codes that R11 treats, by code: 50 codes at most, `other` for the rest.",
    by("code"),
)
AGENT_UNKNOWN_CODE_DELAY = HistogramMetric(
    "txpush_agent_unknown_code_delay_seconds",
    "seconds",
    "Time from the receipt of an observation of such a code until it was counted here.",
    buckets=SEEN_BUCKETS,
)
AGENT_RELAPSES = CounterMetric(
    "txpush_agent_relapses_total", "relapses", "Logins challenged again soon after a repair (R7)."
)
AGENT_CONTACTS_DEFERRED = CounterMetric(
    "txpush_agent_contacts_deferred_total",
    "contacts",
    "Contacts that did not go out at once, by what held them longest.",
    by("reason", Hold),
)
AGENT_INCIDENTS = CounterMetric(
    "txpush_agent_incidents_total",
    "incidents",
    "Incidents opened and closed (R9).",
    by("change", labels.IncidentChange),
)

STANDING: tuple[AnyGauge, ...] = (
    AGENT_ACCOUNTS,
    AGENT_COMMANDS_OPEN,
    AGENT_OTP_LOGINS,
    AGENT_CASES_WAITING,
    AGENT_CASES_UNRESPONSIVE,
    AGENT_TICKETS_OPEN,
    AGENT_INCIDENTS_OPEN,
)
"""Those that count what stands in the tables; read when they are scraped."""
METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
