"""The life of a support ticket: one open per institution and code, whatever its cause but an incident (R10, R11, R14).

Time: signals of different customers arrive out of order, so an institution has an event time of its own, the largest
`ce_time` among its signals and the ticks of its partition. Openings, messages and the quiet period go by it: they never
run backwards, a ticket is never complete early, and two tickets never open at one time. `first_seen` and `last_seen`
are the signals' own times, as support wants to know when logins failed, not when we heard of it.

Memory: a login is counted once a ticket, which takes a record of every login that the open ticket has counted, whether
it stands at the code or has left, up to `REMEMBERED`; these counts are exact. Further logins are numbers only: each
`entered` counts, so one that leaves and enters again is affected twice; a `left` of a login without a record is one of
theirs, so one that was never counted takes another's place, and the quiet period may start early by that.
The records form a chain, the newest first. A complete ticket, at which by then nobody stands, gives them up by that
chain, `DROPPED_AT_ONCE` at a time and `DROP_EVERY` apart, and goes with the last. A ticket that opens meanwhile takes
the rest over and gives it up with its own. Nothing ever scans them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.commands import Action, TicketCause
from schemas.state import GatheredLogin, StandingState, TicketState, replace
from streams.domain.institutions.failure import Failure
from streams.domain.institutions.messages import RULES, ticket_id, ticket_message
from streams.domain.institutions.view import IGNORED, InstitutionDecision, InstitutionView, Moment, Outcome
from streams.domain.rules import Rules

SAMPLES = 10
"""How many `customerId/accountId` a ticket names: enough for a support case, whatever the size of the outage."""
REMEMBERED = 10_000
"""Logins that the tickets of a code have records of: ten times what ever brings an update by the shipped policy."""
DROPPED_AT_ONCE = 1000
"""Records of logins given up in one decision: what fits a transaction with ease."""
DROP_EVERY = timedelta(minutes=1)
"""Event time between two such decisions."""


def is_open(ticket: TicketState | None) -> bool:
    """Tell whether there is a ticket that is not complete."""
    return ticket is not None and ticket.drop_at is None


def open_ticket(
    state: InstitutionView, failure: Failure, gathered: Mapping[str, GatheredLogin], cause: TicketCause, now: Moment
) -> InstitutionDecision:
    """Issue a ticket over the failing login and those that were gathered; no number passed by that brings an update."""
    ticket = _new(failure, now.at, cause, state.ticket(failure.key))
    own = gathered.get(failure.login)
    standings: dict[str, StandingState] = {}
    for login, record in gathered.items():
        if login == failure.login:
            continue
        seen = Failure(failure.key, login, record.account, record.last_seen, enters=True)
        ticket = _take_over(state, ticket, seen, record, standings)
    ticket, place, joined = _join(state, ticket, failure)
    if joined is not None:
        standings[place] = joined
    first_seen = failure.seen_at if own is None else min(own.first_seen, failure.seen_at)
    ticket = _seen(ticket, first_seen, failure.seen_at, failure.account)
    return InstitutionDecision(
        Outcome.OPENED,
        {failure.key: ticket},
        standings,
        messages=(ticket_message(failure.key, ticket, Action.ISSUE, now),),
        rules=(RULES[cause],),
    )


def affect(state: InstitutionView, failure: Failure, before: TicketState, now: Moment) -> InstitutionDecision:
    """Count a login into an open ticket, which runs to its end even where a new catalogue would not open it.

    A failing login stands at the code, whether or not it has just entered: so a code that a new catalogue leaves to
    support gathers the logins that entered it before. A signal said again changes nothing.
    """
    after, place, joined = _join(state, before, failure)
    after = _seen(after, failure.seen_at, failure.seen_at, failure.account)
    counted = after.affected != before.affected
    passed = counted and after.affected in now.rules.policy.ticket.update_at
    if passed:
        after = replace(after, sequence=after.sequence + 1)
    return InstitutionDecision(
        Outcome.AFFECTED if counted else Outcome.STANDING,
        {failure.key: after} if after != before else {},
        {} if joined is None else {place: joined},
        messages=(ticket_message(failure.key, after, Action.UPDATE, now),) if passed else (),
        rules=(RULES[before.cause],),
    )


def leave(state: InstitutionView, key: str, ticket: TicketState, login: str, at: datetime) -> InstitutionDecision:
    """Take a login out of those that stand at the code of an open ticket; the last one starts the quiet period."""
    place = f"{key}/{login}"
    record = state.standing(place)
    if (ticket.beyond == 0) if record is None else record.left_at is not None:
        return IGNORED
    remaining = ticket.standing - 1
    after = replace(
        ticket,
        standing=remaining,
        quiet_since=None if remaining else at,
        beyond=ticket.beyond - (record is None),
    )
    left = {} if record is None else {place: replace(record, left_at=at)}
    return InstitutionDecision(Outcome.LEFT, {key: after}, left, rules=(RULES[ticket.cause],))


def ticket_due(ticket: TicketState, rules: Rules) -> datetime | None:
    """Give when `fire_ticket` is next to be called, under the rules in force; None while a login stands."""
    if ticket.drop_at is not None:
        return ticket.drop_at
    if ticket.quiet_since is None:
        return None
    return ticket.quiet_since + rules.policy.ticket.quiet


def fire_ticket(state: InstitutionView, key: str, ticket: TicketState, now: Moment) -> InstitutionDecision:
    """Complete a ticket that was quiet for long enough, or give up more records of a complete one."""
    dropped, newest = _drop(state, key, ticket.newest)
    rest = replace(ticket, newest=newest, remembered=ticket.remembered - len(dropped), drop_at=now.at + DROP_EVERY)
    tickets, rule = {key: rest if newest else None}, (RULES[ticket.cause],)
    if ticket.drop_at is not None:
        return InstitutionDecision(Outcome.DROPPED, tickets, dropped, rules=rule)
    last = replace(ticket, sequence=ticket.sequence + 1)
    messages = (ticket_message(key, last, Action.COMPLETE, now),)
    return InstitutionDecision(Outcome.COMPLETED, tickets, dropped, messages=messages, rules=rule)


def sampled(sample_ids: tuple[str, ...], account: str) -> tuple[str, ...]:
    """Add an account to those that a ticket names, while there is room."""
    if len(sample_ids) >= SAMPLES or account in sample_ids:
        return sample_ids
    return (*sample_ids, account)


def _new(failure: Failure, at: datetime, cause: TicketCause, former: TicketState | None) -> TicketState:
    return TicketState(
        ticket_id(failure.key, cause, at),
        at,
        failure.seen_at,
        failure.seen_at,
        cause,
        newest="" if former is None else former.newest,
        remembered=0 if former is None else former.remembered,
    )


def _take_over(
    state: InstitutionView,
    ticket: TicketState,
    failure: Failure,
    gathered: GatheredLogin,
    standings: dict[str, StandingState],
) -> TicketState:
    ticket, place, joined = _join(state, ticket, failure)
    ticket = _seen(ticket, gathered.first_seen, gathered.last_seen, gathered.account)
    if joined is not None:
        standings[place] = replace(joined, left_at=gathered.left_at)
    if gathered.left_at is None:
        return ticket
    return replace(ticket, standing=ticket.standing - 1, beyond=ticket.beyond - (joined is None))


def _join(
    state: InstitutionView, ticket: TicketState, failure: Failure
) -> tuple[TicketState, str, StandingState | None]:
    """Let a login stand at the code; gives the ticket, and place and record of the login where that changes."""
    place = f"{failure.key}/{failure.login}"
    record = state.standing(place)
    if record is None:
        return _join_unrecorded(ticket, failure, place)
    if record.left_at is None:
        return ticket, place, None
    affected = ticket.affected + (record.counted_by != ticket.command_id)
    after = replace(ticket, standing=ticket.standing + 1, affected=affected, quiet_since=None)
    # A login that has a record keeps its link of the chain: linked in anew, it would cut off what lies behind it.
    return after, place, StandingState(counted_by=ticket.command_id, before=record.before)


def _join_unrecorded(
    ticket: TicketState, failure: Failure, place: str
) -> tuple[TicketState, str, StandingState | None]:
    has_room = ticket.remembered < REMEMBERED
    if not has_room and ticket.beyond and not failure.enters:
        return ticket, place, None  # it may be one of those that stand without a record
    after = replace(
        ticket,
        standing=ticket.standing + 1,
        affected=ticket.affected + 1,
        quiet_since=None,
        newest=failure.login if has_room else ticket.newest,
        remembered=ticket.remembered + has_room,
        beyond=ticket.beyond + (not has_room),
    )
    return after, place, StandingState(counted_by=ticket.command_id, before=ticket.newest) if has_room else None


def _seen(ticket: TicketState, first: datetime, last: datetime, account: str) -> TicketState:
    return replace(
        ticket,
        first_seen=min(ticket.first_seen, first),
        last_seen=max(ticket.last_seen, last),
        sample_ids=sampled(ticket.sample_ids, account),
    )


def _drop(state: InstitutionView, key: str, newest: str) -> tuple[dict[str, None], str]:
    dropped: dict[str, None] = {}
    while newest and len(dropped) < DROPPED_AT_ONCE:
        place = f"{key}/{newest}"
        login = state.standing(place)
        dropped[place] = None
        newest = "" if login is None else login.before
    return dropped, newest
