"""A fix is not a repair: what a strong fix event leaves pending, its look-up, and its deadline (R6)."""

from collections.abc import Iterator
from datetime import datetime

from schemas.commands import CONTACT_KINDS, LookupAction
from schemas.state import LoginState, replace
from streams.domain.cases.commands import look_up
from streams.domain.cases.contact import ask_again
from streams.domain.cases.needs import needed
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rule, Rules

_RULE = Rule.R6


def hear_fix(turn: Turn, login_id: str, fixed_at: datetime) -> Turn:
    """Count a strong fix for the episodes that are not younger than it; the case then waits for it to show."""
    login = turn.customer.case(login_id)
    counted = {
        kind: replace(
            episode,
            fixed_at=max(fixed_at, episode.fixed_at or fixed_at),
            first_fixed_at=min(fixed_at, episode.first_fixed_at or fixed_at),
        )
        for kind, episode in login.episodes.items()
        if fixed_at >= episode.opened_at
    }
    turn = turn.with_case(login_id, episodes={**login.episodes, **counted}) if counted else turn
    is_later = login.fix_at is None or fixed_at > login.fix_at
    if not is_later or not any(kind in counted for kind in CONTACT_KINDS):
        return turn
    return turn.with_case(login_id, fix_at=fixed_at, is_pending=True, verified=False).by(_RULE)


def timers(login_id: str, login: LoginState, rules: Rules) -> Iterator[Timer]:
    """Give when a pending fix is looked up, and when it is given up."""
    if login.fix_at is None or not login.is_pending:
        return
    if not login.verified:
        yield Timer(login.fix_at + rules.policy.verify.after, login_id, _RULE, "", _verify)
    yield Timer(login.fix_at + rules.policy.verify.deadline, login_id, _RULE, "", _give_up, step=1)


def _verify(turn: Turn, login_id: str, _account_id: str) -> Turn:
    """Ask for the accounts that still need a command and were not attempted since the fix."""
    login = turn.customer.case(login_id)
    fixed_at, turn = login.fix_at, turn.with_case(login_id, verified=True)
    kinds = needed(turn.customer, login_id, turn.rules)
    needing = {key for kind in CONTACT_KINDS if kind in login.episodes for key in kinds.get(kind, ())}
    unseen = tuple(sorted(account_id for account_id in needing if not _attempted_since(turn, account_id, fixed_at)))
    return look_up(turn, LookupAction.VERIFY, login_id, unseen, rule=_RULE) if unseen else turn


def _attempted_since(turn: Turn, account_id: str, fixed_at: datetime | None) -> bool:
    attempted_at = turn.customer.accounts[account_id].attempted_at
    return attempted_at is not None and fixed_at is not None and attempted_at >= fixed_at


def _give_up(turn: Turn, login_id: str, _account_id: str) -> Turn:
    """Stop waiting: the next reminder of the schedule goes out, and is used up."""
    return ask_again(turn.with_case(login_id, is_pending=False).by(_RULE), login_id)
