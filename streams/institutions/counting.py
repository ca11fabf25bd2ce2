"""What is counted of institutions for the metrics: open tickets and incidents, and what becomes of incidents."""

from collections.abc import Iterable
from operator import attrgetter

from schemas.events import Event, EventType
from schemas.state import IncidentState, TicketState
from streams.domain import Rules
from streams.fold.census import Standings, Survey
from streams.fold.ledger import Tally
from streams.observe.labels import IncidentChange
from streams.observe.parts.business import AGENT_INCIDENTS, AGENT_INCIDENTS_OPEN, AGENT_TICKETS_OPEN

_INCIDENT = (AGENT_INCIDENTS_OPEN.name,)
_CHANGES = {
    EventType.INCIDENT_OPENED: IncidentChange.OPENED,
    EventType.INCIDENT_CLOSED: IncidentChange.CLOSED,
}


def ticket_standings(ticket: TicketState, _rules: Rules) -> Standings:
    """Say what a ticket is counted as; one that is complete is kept for its logins, and counted as nothing."""
    return () if ticket.drop_at is not None else ((AGENT_TICKETS_OPEN.name, ticket.cause),)


def incident_standings(incident: IncidentState, _rules: Rules) -> Standings:
    """Say what an incident is counted as: an open one has a ticket of its own."""
    return () if incident.ticket is None else (_INCIDENT, (AGENT_TICKETS_OPEN.name, incident.ticket.cause))


TICKETS = Survey(ticket_standings, attrgetter("drop_at", "cause"))
INCIDENTS = Survey(incident_standings, attrgetter("ticket"))


def count_incidents(tally: Tally, announced: Iterable[Event]) -> None:
    """Count what all partitions are told of incidents."""
    for event in announced:
        tally.count(AGENT_INCIDENTS, _CHANGES[EventType(event.type)])
