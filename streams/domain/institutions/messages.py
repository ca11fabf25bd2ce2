"""What goes out about institutions: messages of tickets, and incidents for every partition of the inbound log."""

from datetime import datetime
from uuid import uuid5

from schemas.catalogue import Kind
from schemas.commands import COMMAND_NAMESPACE, COMMAND_TOPICS, Action, Evidence, Reason, Ticket, TicketCause
from schemas.events import Event, EventType, Incident, Source
from schemas.state import TicketState
from schemas.times import rfc3339
from streams.domain.institutions.view import Moment, case_of
from streams.domain.messages import Outgoing
from streams.domain.rules import Rule, Rules

RULES = {
    TicketCause.INCIDENT: Rule.R9.name,
    TicketCause.SUPPORT: Rule.R10.name,
    TicketCause.UNKNOWN_CODE: Rule.R11.name,
    TicketCause.LOGIN_UNKNOWN: Rule.R14.name,
}
"""The rule that a ticket follows from, by its cause."""
LOGIN_UNKNOWN = Reason(code=None, cause="login_unknown", text="Login of the account was not found")
"""What is stated where there is no code."""


def ticket_id(key: str, cause: TicketCause, opened_at: datetime) -> str:
    """Give the command id of a ticket: the same on any cluster for the same log."""
    return str(uuid5(COMMAND_NAMESPACE, f"{key}/{cause}/{rfc3339(opened_at)}"))


def ticket_message(key: str, ticket: TicketState, action: Action, now: Moment) -> Outgoing:
    """Say how a ticket stands."""
    institution_id, code = case_of(key)
    rules = now.rules
    return Outgoing(
        topic=COMMAND_TOPICS[Kind.SUPPORT_TICKET],
        key=institution_id,
        id=f"{ticket.command_id}:{ticket.sequence}",
        time=now.at,
        subject=_subject(institution_id, code),
        data=Ticket(
            command_id=ticket.command_id,
            sequence=ticket.sequence,
            action=action,
            kind=Kind.SUPPORT_TICKET,
            institution_id=institution_id,
            cause=ticket.cause,
            opened_at=ticket.opened_at,
            reason=_reason(code, rules),
            steps=rules.catalogue.rule_remedy(Kind.SUPPORT_TICKET, fix_integrated=rules.policy.fix_integrated).steps,
            codes=() if code is None else (code,),
            logins_affected=ticket.affected,
            first_seen=ticket.first_seen,
            last_seen=ticket.last_seen,
            sample_ids=ticket.sample_ids,
            evidence=Evidence(event_ids=now.event_ids, rules=(RULES[ticket.cause],)),
            policy_version=rules.policy_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def incident_event(kind: EventType, incident: Incident, at: datetime) -> Event:
    """Tell the customers' agents of an opening or a closing, with an id that another telling of it shares."""
    place = f"{incident.institution_id}/{incident.code}/{incident.sequence}"
    subject = _subject(incident.institution_id, incident.code)
    return Event(f"incident:{place}", kind, Source.INSTITUTIONS, at, incident, subject)


def _subject(institution_id: str, code: int | None) -> str:
    return f"institutions/{institution_id}" if code is None else f"institutions/{institution_id}/codes/{code}"


def _reason(code: int | None, rules: Rules) -> Reason:
    if code is None:
        return LOGIN_UNKNOWN
    entry = rules.catalogue.entry(code)
    return Reason(code=code, cause=entry.cause, text=entry.text)
