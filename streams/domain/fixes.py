"""What a Data Connect event says of a repair: a strong fix names its case, a weak one only its customer (R5)."""

import re
from datetime import datetime

from schemas.events import ConnectEvent
from schemas.state import AccountState, EpisodeState, replace
from schemas.times import from_epoch_ms
from streams.domain.customer import Customer, Outcome, Turn

_RULE = "R5"
_FIXES = frozenset({"done", "credentialsUpdated", "added"})
_GOOD_CODES = frozenset({None, 0, 200})
_GOOD_REASONS = frozenset({None, "success", "complete", "completed", "done", "ok"})
_EVENT_ID = re.compile(r"(\d{13})-")


def is_fix(event: ConnectEvent) -> bool:
    """Whether a repair was made in the session: of `done`, only where neither code nor reason says otherwise."""
    if event.event_type != "done":
        return event.event_type in _FIXES
    reason = event.reason.lower() if event.reason else None
    return event.code in _GOOD_CODES and reason in _GOOD_REASONS


def hear_fix(turn: Turn, event: ConnectEvent) -> Turn:
    """Take a fix event: it counts for the cases that it names, and closes nothing by itself (R6)."""
    turn = turn.by(_RULE)
    cases = _cases(turn.customer, event)
    if not cases:
        return replace(turn, outcome=Outcome.FIX_WEAK)
    turn, fixed_at = replace(turn, outcome=Outcome.FIX_OUTDATED), _fixed_at(event, turn.at)
    for login_id in cases:
        if not _is_outdated(turn.customer, login_id, fixed_at):
            turn = _fixed(replace(turn, outcome=Outcome.FIX_STRONG), login_id, fixed_at)
    return turn


def _cases(customer: Customer, event: ConnectEvent) -> list[str]:
    """Give the cases that a fix event names, else the only open one at its institution, in ascending order."""
    named = {login_id for login_id in _known_logins(customer) if _names(customer, login_id, event)}
    if named or event.institution_id is None:
        return sorted(named)
    there = [
        login_id
        for login_id, login in customer.logins.items()
        if login.episodes and login.institution_id == event.institution_id
    ]
    return there if len(there) == 1 else []


def _known_logins(customer: Customer) -> set[str]:
    said = {account.login_id for account in customer.accounts.values()}
    return {login_id for login_id in said if login_id is not None} | set(customer.logins)


def _names(customer: Customer, login_id: str, event: ConnectEvent) -> bool:
    if login_id in event.institution_login_ids:
        return True
    accounts = (customer.accounts.get(account_id) for account_id in event.account_ids)
    if any(account is not None and account.login_id == login_id for account in accounts):
        return True
    login = customer.case(login_id)
    open_ids = (episode.command_id for episode in login.episodes.values())
    return event.webhook_data is not None and event.webhook_data.command_id in (*open_ids, *login.closed_ids)


def _fixed_at(event: ConnectEvent, at: datetime) -> datetime:
    """Give the milliseconds that the event's id starts with, where sane; what is later than the event time is at it."""
    made = _EVENT_ID.match(event.event_id or "")
    return at if made is None else min(from_epoch_ms(int(made[1])), at)


def _is_outdated(customer: Customer, login_id: str, fixed_at: datetime) -> bool:
    healed = (account.healed_at for _, account in customer.live_at(login_id))
    return any(healed_at is not None and fixed_at < healed_at for healed_at in healed)


def _fixed(turn: Turn, login_id: str, fixed_at: datetime) -> Turn:
    customer = turn.customer
    heard: dict[str, AccountState] = {
        account_id: replace(account, fix_heard=True) for account_id, account in customer.live_at(login_id)
    }
    customer = replace(customer, accounts={**customer.accounts, **heard})
    login = customer.case(login_id)
    if login.episodes:
        episodes = {kind: _counted(episode, fixed_at) for kind, episode in login.episodes.items()}
        customer = customer.with_login(login_id, replace(login, episodes=episodes))
    return replace(turn, customer=customer, touched=(*turn.touched, *heard))


def _counted(episode: EpisodeState, fixed_at: datetime) -> EpisodeState:
    if fixed_at < episode.opened_at or (episode.fixed_at is not None and fixed_at < episode.fixed_at):
        return episode
    return replace(episode, fixed_at=fixed_at)
