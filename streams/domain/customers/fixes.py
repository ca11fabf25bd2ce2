"""What a Data Connect event says of a repair: a strong fix names its case, a weak one only its customer (R5)."""

import re
from datetime import UTC, datetime

from schemas.events import ConnectEvent
from schemas.state import replace
from schemas.times import from_epoch_ms
from streams.domain.cases import otp, repair
from streams.domain.cases.needs import is_open
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Outcome, Turn
from streams.domain.rules import Rule

_RULE = Rule.R5
_FIXES = frozenset({"done", "credentialsUpdated", "added"})
_GOOD_CODES = frozenset({None, 0, 200})
_GOOD_REASONS = frozenset({None, "success", "complete", "completed", "done", "ok"})
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier time in an event's id was never meant."""
_EVENT_ID = re.compile(r"(\d{13})-")


def is_fix(event: ConnectEvent) -> bool:
    """Whether a repair was made in the session: of `done`, only where neither code nor reason says otherwise."""
    if event.event_type != "done":
        return event.event_type in _FIXES
    reason = event.reason.lower() if event.reason else None
    return event.code in _GOOD_CODES and reason in _GOOD_REASONS


def hear_fix(turn: Turn, event: ConnectEvent) -> Turn:
    """Take a fix event: it counts for the cases that it names, and closes nothing by itself (R6)."""
    turn = _heard_of_unplaced(turn.by(_RULE), event)
    cases, fixed_at = _cases(turn.customer, event), _fixed_at(event, turn.at)
    if not cases and _unplaced(turn.customer, event):
        return replace(turn, outcome=Outcome.FIX_STRONG)
    if not cases:
        return _hear_weak(replace(turn, outcome=Outcome.FIX_WEAK), event, fixed_at)
    turn = replace(turn, outcome=Outcome.FIX_OUTDATED)
    for login_id in cases:
        if not _is_outdated(turn.customer, login_id, fixed_at):
            turn = _fixed(replace(turn, outcome=Outcome.FIX_STRONG), login_id, fixed_at)
    return turn


def _cases(customer: Customer, event: ConnectEvent) -> list[str]:
    """Give the cases that a fix event names, else the only open one at its institution, in ascending order.

    A command's id says more than logins and accounts; what it names nothing known by is looked past.
    """
    if event.webhook_data is not None:
        command_id = event.webhook_data.command_id
        for login_id, login in customer.logins.items():
            is_open_there = any(episode.command_id == command_id for episode in login.episodes.values())
            if is_open_there or command_id.startswith(login.closed_ids):
                return [login_id]
    named = {login_id for login_id in _known_logins(customer) if _names(customer, login_id, event)}
    if named or event.institution_id is None or _unplaced(customer, event):
        return sorted(named)
    there = [
        login_id
        for login_id, login in customer.logins.items()
        if is_open(login) and login.institution_id == event.institution_id
    ]
    return there if len(there) == 1 else []


def _hear_weak(turn: Turn, event: ConnectEvent, fixed_at: datetime) -> Turn:
    """Hold back the next reminder of the cases that a fix event may have been about."""
    until = fixed_at + turn.rules.policy.contact.weak_fix
    for login_id, login in sorted(turn.customer.logins.items()):
        is_there = event.institution_id in (None, login.institution_id)
        if not is_open(login) or not is_there or _is_outdated(turn.customer, login_id, fixed_at):
            continue
        turn = turn.with_case(login_id, remind_not_before=max(until, login.remind_not_before or until))
    return turn


def _unplaced(customer: Customer, event: ConnectEvent) -> list[str]:
    """Give the accounts that a fix event names and whose login is not known: they have no case to count for."""
    named = ((account_id, customer.accounts.get(account_id)) for account_id in sorted(event.account_ids))
    return [key for key, account in named if account and not account.login_id and not account.deleted_at]


def _heard_of_unplaced(turn: Turn, event: ConnectEvent) -> Turn:
    """Note the fix for what R1 asks: whether one lies between two observations without a date."""
    for account_id in _unplaced(turn.customer, event):
        turn = turn.with_account(account_id, fix_heard=True, challenges=0)
    return turn


def _known_logins(customer: Customer) -> set[str]:
    said = {account.login_id for account in customer.accounts.values()}
    return {login_id for login_id in said if login_id is not None} | set(customer.logins)


def _names(customer: Customer, login_id: str, event: ConnectEvent) -> bool:
    if login_id in event.institution_login_ids:
        return True
    accounts = (customer.accounts.get(account_id) for account_id in event.account_ids)
    return any(account and not account.deleted_at and account.login_id == login_id for account in accounts)


def _fixed_at(event: ConnectEvent, at: datetime) -> datetime:
    """Give the milliseconds that the event's id starts with, where sane; what is later than the event time is at it."""
    made = _EVENT_ID.match(event.event_id or "")
    fixed_at = at if made is None else min(from_epoch_ms(int(made[1])), at)
    return fixed_at if fixed_at >= FIRST_TIME else at


def _is_outdated(customer: Customer, login_id: str, fixed_at: datetime) -> bool:
    healed = (account.healed_at for _, account in customer.live_at(login_id))
    return any(healed_at is not None and fixed_at < healed_at for healed_at in healed)


def _fixed(turn: Turn, login_id: str, fixed_at: datetime) -> Turn:
    for account_id, _ in sorted(turn.customer.live_at(login_id)):
        turn = turn.with_account(account_id, fix_heard=True, challenges=0)
    return otp.hear_fix(repair.hear_fix(turn, login_id, fixed_at), login_id)
