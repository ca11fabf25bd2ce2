"""What is counted of customers for the metrics: how many stand where, and what became of those decided on."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter

from schemas.catalogue import Treatment
from schemas.events import AccountSnapshot, Event
from schemas.health import Phase
from schemas.state import AccountState, LoginState, Surroundings
from streams import pseudonyms
from streams.domain import Customer, Decision, Outcome, Rules, Turn, deferred, is_unresponsive, phase, waits
from streams.fold.census import Standing, Standings, Survey
from streams.fold.ledger import Tally
from streams.fold.lines import known_bank, known_id
from streams.observe.logs.correlation import correlation_id
from streams.observe.parts.business import (
    AGENT_ACCOUNTS,
    AGENT_CASES_UNRESPONSIVE,
    AGENT_CASES_WAITING,
    AGENT_COMMANDS_OPEN,
    AGENT_CONTACTS_DEFERRED,
    AGENT_FAILING_ACCOUNTS,
    AGENT_OBSERVATIONS,
    AGENT_OTP_LOGINS,
    AGENT_RELAPSES,
    AGENT_UNKNOWN_CODES,
)

log = logging.getLogger(__name__)

_STANDS: Mapping[Phase, Standings] = {one: ((AGENT_ACCOUNTS.name, one.value),) for one in Phase}
_DOES_NOT_FAIL = frozenset({Phase.HEALTHY, Phase.NEVER_AGGREGATED, Phase.DELETED})
_OTP, _WAITING, _UNRESPONSIVE = (
    (metric.name,) for metric in (AGENT_OTP_LOGINS, AGENT_CASES_WAITING, AGENT_CASES_UNRESPONSIVE)
)


def account_standings(account: AccountState, rules: Rules) -> Standings:
    """Say what an account is counted as."""
    stands = phase(account, rules)
    if stands in _DOES_NOT_FAIL or account.institution_id is None:
        return _STANDS[stands]
    return (*_STANDS[stands], (AGENT_FAILING_ACCOUNTS.name, account.institution_id))


def login_standings(login: LoginState, rules: Rules) -> Standings:
    """Say what a case is counted as."""
    standings: list[Standing] = [
        (AGENT_COMMANDS_OPEN.name, kind) for kind, episode in login.episodes.items() if episode.sequence >= 0
    ]
    if login.otp is not None:
        standings.append(_OTP)
    if waits(login):
        standings.append(_WAITING)
    if is_unresponsive(login, rules):
        standings.append(_UNRESPONSIVE)
    return tuple(standings)


ACCOUNTS = Survey(account_standings, attrgetter("deleted_at", "code", "institution_id"))
LOGINS = Survey(login_standings, attrgetter("episodes", "otp", "remind_since", "schedule_at", "reminders_used"))


def count_cases(tally: Tally, before: Customer | None, decision: Decision, rules: Rules, around: Surroundings) -> None:
    """Count relapses, and contacts that have begun to wait."""
    after = decision.customer
    if after is None:
        return
    turn = Turn(after, rules, decision.event_time, around)
    for login_id in decision.logins:
        was = LoginState() if before is None else before.case(login_id)
        if after.case(login_id).relapses > was.relapses:
            tally.count(AGENT_RELAPSES)
        for hold in deferred(turn, login_id, was):
            tally.count(AGENT_CONTACTS_DEFERRED, hold)


def count_observation(tally: Tally, event: Event, outcome: Outcome, rules: Rules) -> None:
    """Count the cause of an observed code, and when a code was received that nobody knows what to do about."""
    if outcome is not Outcome.OBSERVED or not isinstance(event.data, AccountSnapshot):
        return
    code = event.data.aggregation_status_code
    cause, is_unknown = _sort_of(rules, code)
    tally.count(AGENT_OBSERVATIONS, cause)
    if is_unknown:
        tally.count(AGENT_UNKNOWN_CODES, str(code))
        tally.unknown_at.append(event.time)
        _tell_unknown(event, event.data, code)


@lru_cache(maxsize=4096)
def _sort_of(rules: Rules, code: int | None) -> tuple[str, bool]:
    """Give the cause of a code, and whether nobody knows what to do about it."""
    return rules.catalogue.entry(code).cause, code is not None and rules.treatment(code) is Treatment.UNKNOWN


def _tell_unknown(event: Event, seen: AccountSnapshot, code: int | None) -> None:
    """Warn of a code that nobody knows; each code is a kind of its own, so that none hides another."""
    what = f"code {code} is in no catalogue: see rule R11, and whether the vendor's list has it by now"
    event_id, institution = known_id(event.id), known_bank(seen.institution_id or "")
    named = {"event_id": event_id, "correlation_id": correlation_id(event_id), "institution": institution}
    log.warning("%s", what, extra={**named, "customer": pseudonyms.customer(seen.customer_id)})
