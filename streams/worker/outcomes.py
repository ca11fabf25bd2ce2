"""What a record of each type can come to, by log: the series of a counter that are there before the first one."""

from collections.abc import Iterator, Mapping

from schemas.contract.channels import EVENTS, SIGNALS
from schemas.events import EventType
from schemas.signals import SignalType
from streams.domain import Outcome
from streams.domain.institutions.view import Outcome as InstitutionOutcome
from streams.fold.lines import AgentOutcome, FoldOutcome
from streams.observe.labels import AgentType, Gathered

_OBSERVED = (
    Outcome.OBSERVED,
    Outcome.DUPLICATE_EVENT,
    Outcome.DUPLICATE,
    Outcome.STALE,
    Outcome.NEVER_AGGREGATED,
    Outcome.AFTER_DELETION,
)
_DELETED = (Outcome.DELETED, Outcome.REPEATED_DELETION, Outcome.DUPLICATE_EVENT)
_FIXED = (Outcome.FIX_STRONG, Outcome.FIX_WEAK, Outcome.FIX_OUTDATED)
_INCIDENT = (Outcome.INCIDENT, Outcome.DUPLICATE)
_OF_BOTH: Mapping[AgentType, tuple[AgentOutcome, ...]] = {
    EventType.POLICY_ACTIVATED: (FoldOutcome.ACTIVATED, FoldOutcome.OVERTAKEN),
    EventType.CLOCK_TICK: (Outcome.TICK,),
    EventType.SNAPSHOT_MARKED: (Outcome.UNHANDLED,),
    EventType.SNAPSHOT_TAKEN: (Outcome.UNHANDLED,),
    Gathered.OTHER: (Outcome.UNHANDLED,),
}

OUTCOMES: Mapping[str, Mapping[AgentType, tuple[AgentOutcome, ...]]] = {
    EVENTS: {
        EventType.ACCOUNT_MODIFIED: _OBSERVED,
        EventType.ACCOUNT_DELETED: _DELETED,
        EventType.ACCOUNT_OBSERVED: (*_OBSERVED, Outcome.UNKNOWN_CUSTOMER),
        EventType.ACCOUNT_CHALLENGED: (Outcome.CHALLENGED, Outcome.DUPLICATE_EVENT),
        EventType.COMMAND_REPORTED: (Outcome.REPORTED, Outcome.DUPLICATE_EVENT, Outcome.UNHANDLED),
        EventType.CANARY_SENT: (FoldOutcome.CANARY,),
        EventType.INCIDENT_OPENED: _INCIDENT,
        EventType.INCIDENT_CLOSED: _INCIDENT,
        EventType.OPERATOR_OVERRIDE: (Outcome.OVERRIDDEN, Outcome.DUPLICATE_EVENT, FoldOutcome.RESUMED),
        EventType.CUSTOMER_FORGOTTEN: (Outcome.FORGOTTEN,),
        Gathered.CONNECT: (Outcome.CONNECT, *_FIXED, *_DELETED),
        **_OF_BOTH,
    },
    SIGNALS: {
        SignalType.FAILING: (
            InstitutionOutcome.IGNORED,
            InstitutionOutcome.GATHERED,
            InstitutionOutcome.STANDING,
            InstitutionOutcome.AFFECTED,
            InstitutionOutcome.OPENED,
            InstitutionOutcome.INCIDENT_CLOSED,
            InstitutionOutcome.INCIDENT_OPENED,
        ),
        SignalType.LEFT: (InstitutionOutcome.IGNORED, InstitutionOutcome.LEFT, InstitutionOutcome.INCIDENT_CLOSED),
        SignalType.HEALTHY: (InstitutionOutcome.COUNTED, InstitutionOutcome.INCIDENT_CLOSED),
        SignalType.TICKET_WANTED: (
            InstitutionOutcome.IGNORED,
            InstitutionOutcome.STANDING,
            InstitutionOutcome.AFFECTED,
            InstitutionOutcome.OPENED,
        ),
        EventType.OPERATOR_OVERRIDE: (Outcome.UNHANDLED, FoldOutcome.RESUMED),
        **_OF_BOTH,
    },
}
"""By log and type; a customer who was forgotten is new again, so that order is no duplicate."""


def pairs(log: str) -> Iterator[tuple[AgentType, AgentOutcome]]:
    """Give each type of a log with each outcome that it can have: few, as most types can have few."""
    for event_type, outcomes in OUTCOMES[log].items():
        for outcome in outcomes:
            yield event_type, outcome
