"""What `institution.health` says of an institution: its open incidents and tickets."""

from collections.abc import Mapping

from schemas.health import InstitutionHealth, OpenIncident, OpenTicket
from schemas.state import IncidentState, TicketState


def institution_health(
    institution_id: str, tickets: Mapping[int | None, TicketState], incidents: Mapping[int, IncidentState]
) -> InstitutionHealth:
    """Give both in ascending order of code, from the records by code; a ticket without a code is last."""
    opened = [(code, ticket) for code, ticket in tickets.items() if ticket.drop_at is None]
    opened += [(code, one.ticket) for code, one in incidents.items() if one.ticket is not None]
    opened.sort(key=lambda one: (one[0] is None, one[0] or 0, one[1].cause))
    return InstitutionHealth(
        institution_id=institution_id,
        incidents=tuple(
            _incident(code, one, one.ticket) for code, one in sorted(incidents.items()) if one.ticket is not None
        ),
        tickets=tuple(_ticket(code, ticket) for code, ticket in opened),
    )


def _incident(code: int, incident: IncidentState, ticket: TicketState) -> OpenIncident:
    return OpenIncident(
        code=code,
        sequence=incident.sequence,
        opened_at=incident.opened_at,
        logins_failing=ticket.standing,
        logins_seen=incident.seen,
    )


def _ticket(code: int | None, ticket: TicketState) -> OpenTicket:
    return OpenTicket(
        cause=ticket.cause,
        code=code,
        command_id=ticket.command_id,
        opened_at=ticket.opened_at,
        logins_affected=ticket.affected,
        logins_standing=ticket.standing,
    )
