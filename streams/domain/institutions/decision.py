"""What a signal or a timer of the institution agent leads to: the branches; the rules are in the modules beside it."""

from datetime import datetime

from schemas.catalogue import Treatment
from schemas.commands import TicketCause
from schemas.events import Event
from schemas.signals import HealthyLogins, Signal, SignalType, TicketWanted
from schemas.state import GatheringState, IncidentState, TicketState, replace
from streams.domain.institutions.failure import Failure, failure_of, login_of
from streams.domain.institutions.gathering import fire_gathering, gather, gathering_due, leave_gathering, open_over_all
from streams.domain.institutions.incidents import fire_incident, incident_due, see_failing, see_healthy, see_left
from streams.domain.institutions.tickets import affect, fire_ticket, is_open, leave, ticket_due
from streams.domain.institutions.view import (
    IGNORED,
    InstitutionDecision,
    InstitutionView,
    Moment,
    Outcome,
    case_key,
)
from streams.domain.rules import Rules

Timed = TicketState | IncidentState | GatheringState
"""What has a timer. That of a gathering is for ticks alone: nothing is said, so nothing has to go before a signal."""

CHANGED_AT_ONCE = 1000
"""Records that the timers of one record of the log change, the last of them apart: it has to fit a transaction.

What is left is due still, for the next tick; before a signal the timers of all that is open fire whatever has changed.
A timer that changes no record, as a window's, counts as one.
"""

_COUNTED = InstitutionDecision(Outcome.COUNTED)


def decide_signal(state: InstitutionView, event: Event, rules: Rules) -> InstitutionDecision:
    """Decide on one record of `institution.signals`; ticks, policies and types not known here change nothing.

    The window of the institution changes in place; all else is in the decision.
    """
    data = event.data
    if not isinstance(data, Signal | HealthyLogins | TicketWanted):
        return IGNORED
    heard = state.event_time(data.institution_id)
    at = event.time if heard is None else max(heard, event.time)
    if isinstance(data, HealthyLogins):
        decision = _COUNTED.then(see_healthy(state, data, event.time, Moment(at, rules)))
    else:
        now = Moment(at, rules, (data.event_id,))
        if isinstance(data, TicketWanted):
            decision = _wanted(state, data, event.time, now)
        else:
            decide = _left if event.type == SignalType.LEFT else _failing
            decision = decide(state, data, event.time, now)
    return replace(decision, event_time=at)


def due(record: Timed, rules: Rules) -> datetime | None:
    """Give when `fire` is next to be called for a ticket, an incident or a gathering, under the rules in force."""
    if isinstance(record, GatheringState):
        return gathering_due(record)
    return ticket_due(record, rules) if isinstance(record, TicketState) else incident_due(record, rules)


def fired_at(due_at: datetime, heard: datetime | None, rules: Rules, now: datetime) -> datetime:
    """Give the time at which a timer fires that was due at `due_at`.

    One that was due before the institution was last `heard` of, or before the rules in force, was set due by that (a
    new policy may shorten its time): then is its time, `now` at the latest.
    """
    return min(max(due_at, heard or due_at, rules.since or due_at), now)


def fire(state: InstitutionView, key: str, record: Timed, at: datetime, rules: Rules) -> InstitutionDecision:
    """Complete a ticket or give up its records, close an incident, or forget logins that were gathered.

    `key` is the record's, `at` see `fired_at`. A timer that is not due (any more) changes nothing.
    """
    when = due(record, rules)
    if when is None or when > at:
        return IGNORED
    if isinstance(record, GatheringState):
        return fire_gathering(key, record, at)
    if isinstance(record, TicketState):
        return fire_ticket(state, key, record, Moment(at, rules))
    return fire_incident(state, key, record, Moment(at, rules))


def _failing(state: InstitutionView, signal: Signal, seen_at: datetime, now: Moment) -> InstitutionDecision:
    """A code of null is the wait for a login: it counts for its ticket from the hour on at which that is wanted."""
    if signal.code is None:
        return IGNORED
    failure = failure_of(signal, seen_at, enters=signal.entered)
    incident = see_failing(state, signal, signal.code, failure, now)
    return incident.then(_ticket(state, failure, now.rules.treatment(signal.code), now))


def _ticket(state: InstitutionView, failure: Failure, treatment: Treatment, now: Moment) -> InstitutionDecision:
    ticket = state.ticket(failure.key)
    if ticket is not None and is_open(ticket):
        return affect(state, failure, ticket, now)
    if treatment is Treatment.SUPPORT:
        return open_over_all(state, failure, TicketCause.SUPPORT, now)
    if treatment is Treatment.UNKNOWN:
        return gather(state, failure, now)
    return IGNORED


def _left(state: InstitutionView, signal: Signal, seen_at: datetime, now: Moment) -> InstitutionDecision:
    key, login = case_key(signal.institution_id, signal.code), login_of(signal)
    ticket = state.ticket(key)
    if ticket is not None and is_open(ticket):
        decision = leave(state, key, ticket, login, now.at)
    else:
        decision = leave_gathering(state, key, login, now.at)
    if signal.code is None:
        return decision
    return see_left(state, signal, signal.code, seen_at, now).then(decision)


def _wanted(state: InstitutionView, wanted: TicketWanted, seen_at: datetime, now: Moment) -> InstitutionDecision:
    """An account that waits for its login enters with its wish; one at an unknown code has entered it before."""
    if wanted.cause is not (TicketCause.LOGIN_UNKNOWN if wanted.code is None else TicketCause.UNKNOWN_CODE):
        return IGNORED
    failure = failure_of(wanted, seen_at, enters=wanted.code is None)
    ticket = state.ticket(failure.key)
    if ticket is not None and is_open(ticket):
        return affect(state, failure, ticket, now)
    return open_over_all(state, failure, wanted.cause, now)
