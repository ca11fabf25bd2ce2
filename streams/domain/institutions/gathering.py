"""Logins that fail with a code that nobody knows, until there are enough of them for a ticket (R11).

Memory: those of the last 7 days and those that still stand, at most `GATHERED`; a policy asks for no more than that.
The one heard of longest ago goes first, then: it would miss in the ticket until it fails again. One that has left goes
with the first tick after its 7 days, whether or not another login fails by then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.commands import TicketCause
from schemas.state import GatheredLogin, GatheringState, replace
from streams.domain.institutions.failure import Failure
from streams.domain.institutions.tickets import open_ticket
from streams.domain.institutions.view import IGNORED, InstitutionDecision, InstitutionView, Moment, Outcome
from streams.domain.rules import Rule

WITHIN = timedelta(days=7)
"""How close together logins have to fail (R11): the rule names it, the policy has no key for it."""
GATHERED = 1000
"""Logins remembered: the largest number that a policy can ask for."""

_MOMENT = timedelta(milliseconds=1)
_RULE = Rule.R11.name
_NOTHING = GatheringState()


def gather(state: InstitutionView, failure: Failure, now: Moment) -> InstitutionDecision:
    """Remember a login that failed with an unknown code, or open the ticket over all of them if they are enough."""
    before, since = state.gathering(failure.key) or _NOTHING, now.at - WITHIN
    logins = _with(before.logins, failure, since)
    if sum(one.last_seen >= since for one in logins.values()) >= now.rules.policy.unknown.logins:
        return open_over_all(state, failure, TicketCause.UNKNOWN_CODE, now)
    after = GatheringState(logins)
    changed = {} if after == before else {failure.key: after}
    return InstitutionDecision(Outcome.GATHERED, gatherings=changed, rules=(_RULE,))


def open_over_all(state: InstitutionView, failure: Failure, cause: TicketCause, now: Moment) -> InstitutionDecision:
    """Open a ticket over a failing login and those gathered at its code, which begin anew."""
    gathering = state.gathering(failure.key)
    if gathering is None:
        return open_ticket(state, failure, {}, cause, now)
    opened = open_ticket(state, failure, _recent(gathering.logins, now.at - WITHIN), cause, now)
    return replace(opened, gatherings={failure.key: None})


def leave_gathering(state: InstitutionView, key: str, login: str, at: datetime) -> InstitutionDecision:
    """Remember that a gathered login has left the code."""
    before = state.gathering(key)
    gathered = None if before is None else before.logins.get(login)
    if before is None or gathered is None or gathered.left_at is not None:
        return IGNORED
    after = GatheringState({**before.logins, login: replace(gathered, left_at=at)})
    return InstitutionDecision(Outcome.LEFT, gatherings={key: after}, rules=(_RULE,))


def gathering_due(gathering: GatheringState) -> datetime | None:
    """Give when the first login that has left counts for no ticket any more; None while all stand."""
    logins, later = gathering.logins.values(), WITHIN + _MOMENT
    return min((max(one.left_at, one.last_seen + later) for one in logins if one.left_at is not None), default=None)


def fire_gathering(key: str, gathering: GatheringState, at: datetime) -> InstitutionDecision:
    """Forget the logins that count for no ticket any more, and the gathering with the last."""
    logins = _recent(gathering.logins, at - WITHIN)
    after = GatheringState(logins) if logins else None
    return InstitutionDecision(Outcome.DROPPED, gatherings={key: after}, rules=(_RULE,))


def _recent(logins: Mapping[str, GatheredLogin], since: datetime) -> dict[str, GatheredLogin]:
    return {login: one for login, one in logins.items() if one.left_at is None or one.last_seen >= since}


def _with(before: Mapping[str, GatheredLogin], failure: Failure, since: datetime) -> dict[str, GatheredLogin]:
    logins = _recent(before, since)
    known = logins.pop(failure.login, None)
    while len(logins) >= GATHERED:
        del logins[next(iter(logins))]
    logins[failure.login] = GatheredLogin(
        failure.account if known is None else known.account,
        failure.seen_at if known is None else min(known.first_seen, failure.seen_at),
        failure.seen_at if known is None else max(known.last_seen, failure.seen_at),
    )
    return logins
