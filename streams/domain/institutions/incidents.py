"""Incidents: many logins of one institution that fail with one code at the same time (R9).

Time: the institution's event time, as for tickets. Looked at with every signal that is not more than the window behind
it; opened by a failing one of the code itself. Two openings of an incident have different times, so that their tickets
have different ids: right after a closing, time has to move on first.
"""

from datetime import datetime

from schemas.commands import Action, TicketCause
from schemas.events import EventType, Incident
from schemas.signals import HealthyLogins, Signal
from schemas.state import IncidentState, TicketState, replace
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.domain.institutions.failure import Failure, login_of
from streams.domain.institutions.messages import RULES, incident_event, ticket_id, ticket_message
from streams.domain.institutions.tickets import SAMPLES, sampled
from streams.domain.institutions.view import (
    IGNORED,
    InstitutionDecision,
    InstitutionView,
    Moment,
    Outcome,
    case_key,
    case_of,
)
from streams.domain.institutions.window import Window
from streams.domain.rules import Rules

_RULE = (RULES[TicketCause.INCIDENT],)


def see_failing(
    state: InstitutionView, signal: Signal, code: int, failure: Failure, now: Moment
) -> InstitutionDecision:
    """Take a failing login into the window; close what is over, then open or go on with the incident of its code."""
    window = _window(state, signal.institution_id, failure.seen_at, now)
    if window is None:
        return IGNORED
    newly = signal.entered and not window.has_entered(failure.login, code)
    _take(window, signal, failure.login)
    if not signal.otp:
        window.failed(
            failure.login, code, to_epoch_ms(failure.seen_at), entered=signal.entered, account=failure.account
        )
    closed = _close(state, signal.institution_id, window, now)
    incident = closed.incidents.get(failure.key) or state.incident(failure.key)
    if signal.otp:
        return closed
    if incident is not None and incident.ticket is not None:
        return closed.then(_go_on(failure, incident, incident.ticket, window, newly=newly))
    return closed.then(_open(failure, window, incident, now) if _opens(window, code, incident, now) else IGNORED)


def see_left(state: InstitutionView, signal: Signal, code: int, seen_at: datetime, now: Moment) -> InstitutionDecision:
    """Take a login that left its code into the window, as one that was seen and does not fail with it."""
    window = _window(state, signal.institution_id, seen_at, now)
    if window is None:
        return IGNORED
    login = login_of(signal)
    _take(window, signal, login)
    if not signal.otp:
        window.left(login, code, to_epoch_ms(seen_at))
    return _close(state, signal.institution_id, window, now)


def see_healthy(state: InstitutionView, counted: HealthyLogins, seen_at: datetime, now: Moment) -> InstitutionDecision:
    """Take a count of healthy logins into the window."""
    window = _window(state, counted.institution_id, seen_at, now)
    if window is None:
        return IGNORED
    window.count(counted.logins, to_epoch_ms(seen_at))
    return _close(state, counted.institution_id, window, now)


def incident_due(incident: IncidentState, rules: Rules) -> datetime | None:
    """Give when an open incident closes at the latest, under the rules in force."""
    return None if incident.ticket is None else incident.opened_at + rules.policy.incident.longest


def fire_incident(state: InstitutionView, key: str, incident: IncidentState, now: Moment) -> InstitutionDecision:
    """Close an incident that has lasted for as long as one can."""
    window = state.window(case_of(key)[0])
    return IGNORED if incident.ticket is None else _closed(key, incident, incident.ticket, window, now)


def _window(state: InstitutionView, institution_id: str, seen_at: datetime, now: Moment) -> Window | None:
    """Give the window as it is at the institution's time; None for a signal that is older than it."""
    since = now.at - now.rules.policy.incident.window
    if seen_at < since:
        return None
    window = state.window(institution_id)
    window.pass_to(to_epoch_ms(since))
    return window


def _take(window: Window, signal: Signal, login: str) -> None:
    """Prepare the window for a login that is heard of by name: it is in no other number, an OTP login in none."""
    if signal.counted_at is not None:
        window.uncount(login, to_epoch_ms(signal.counted_at))
    if signal.otp:
        window.forget(login)


def _opens(window: Window, code: int, former: IncidentState | None, now: Moment) -> bool:
    policy = now.rules.policy.incident
    return (
        window.entered(code) >= policy.min_logins
        and window.failing(code) / window.seen >= policy.open_share
        and now.rules.catalogue.entry(code).opens_incident
        and (former is None or former.opened_at < now.at)
    )


def _open(failure: Failure, window: Window, former: IncidentState | None, now: Moment) -> InstitutionDecision:
    code = _code(failure.key)
    marks = window.marks(code)
    ticket = TicketState(
        ticket_id(failure.key, TicketCause.INCIDENT, now.at),
        now.at,
        min(from_epoch_ms(marks[0].entered_ms), failure.seen_at),
        max(from_epoch_ms(max(mark.failed_ms for mark in marks)), failure.seen_at),
        TicketCause.INCIDENT,
        standing=window.failing(code),
        affected=window.failing(code),
        sample_ids=tuple(mark.account for mark in marks[:SAMPLES]),
    )
    opened = IncidentState(_next_sequence(former, now.at), now.at, ticket, window.seen)
    return InstitutionDecision(
        Outcome.INCIDENT_OPENED,
        incidents={failure.key: opened},
        messages=(ticket_message(failure.key, ticket, Action.ISSUE, now),),
        announced=(incident_event(EventType.INCIDENT_OPENED, _told(failure.key, opened, window), now.at),),
        rules=_RULE,
    )


def _go_on(
    failure: Failure, incident: IncidentState, ticket: TicketState, window: Window, *, newly: bool
) -> InstitutionDecision:
    """Count what goes on to fail; a login that enters again after more than the window is affected twice."""
    after = replace(
        ticket,
        first_seen=min(ticket.first_seen, failure.seen_at),
        last_seen=max(ticket.last_seen, failure.seen_at),
        standing=window.failing(_code(failure.key)),
        affected=ticket.affected + newly,
        sample_ids=sampled(ticket.sample_ids, failure.account),
    )
    changed = replace(incident, ticket=after, seen=window.seen)
    outcome = Outcome.AFFECTED if newly else Outcome.STANDING
    return InstitutionDecision(outcome, incidents={} if changed == incident else {failure.key: changed}, rules=_RULE)


def _close(state: InstitutionView, institution_id: str, window: Window, now: Moment) -> InstitutionDecision:
    """Close the institution's incidents that few of the logins seen have part in any more."""
    policy, seen, decision = now.rules.policy.incident, window.seen, IGNORED
    if seen < policy.min_logins:
        return decision
    for code in state.open_incidents(institution_id):
        key = case_key(institution_id, code)
        incident = state.incident(key)
        ticket = None if incident is None else incident.ticket
        if incident is not None and ticket is not None and window.failing(code) / seen <= policy.close_share:
            decision = decision.then(_closed(key, incident, ticket, window, now))
    return decision


def _closed(key: str, incident: IncidentState, ticket: TicketState, window: Window, now: Moment) -> InstitutionDecision:
    last = replace(ticket, sequence=ticket.sequence + 1)
    closed = IncidentState(_next_sequence(incident, now.at), incident.opened_at)
    return InstitutionDecision(
        Outcome.INCIDENT_CLOSED,
        incidents={key: closed},
        messages=(ticket_message(key, last, Action.COMPLETE, now),),
        announced=(incident_event(EventType.INCIDENT_CLOSED, _told(key, closed, window), now.at),),
        rules=_RULE,
    )


def _next_sequence(former: IncidentState | None, at: datetime) -> int:
    """Count from the event time in milliseconds: above all that was told before, whatever was forgotten since."""
    return max(to_epoch_ms(at), 0 if former is None else former.sequence + 1)


def _told(key: str, incident: IncidentState, window: Window) -> Incident:
    code = _code(key)
    return Incident(
        institution_id=case_of(key)[0],
        code=code,
        sequence=incident.sequence,
        opened_at=incident.opened_at,
        logins_failing=window.failing(code),
        logins_seen=window.seen,
    )


def _code(key: str) -> int:
    return int(key.rpartition("/")[2])
