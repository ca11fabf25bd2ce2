"""Accounts that need a command while their login is not known: asked for once, and given up after a time (R14)."""

from schemas.commands import LookupAction, TicketCause
from schemas.signals import SignalType
from schemas.state import AccountState, replace
from streams.domain.cases.commands import look_up
from streams.domain.cases.needs import waits_for_login
from streams.domain.customers.turn import Timer, Turn
from streams.domain.messages import OutgoingSignal, OutgoingWish
from streams.domain.rules import Rule, Rules

_RULE = Rule.R14


def keep_waiting(turn: Turn, *account_ids: str) -> Turn:
    """Ask for the login of each account that has come to need it, and end the wait of those that do not.

    Where none are named, it is about all that the turn has touched.
    """
    for account_id in account_ids or dict.fromkeys(turn.touched):
        account = turn.customer.accounts.get(account_id)
        if account is None:
            continue
        if waits_for_login(account, turn.rules):
            turn = _wait(turn, account_id, account)
        elif account.located_at is not None and not _still_failing(account):
            turn = stop_seeking(turn.with_account(account_id, located_at=None, given_up=False), account_id)
    return turn


def _still_failing(account: AccountState) -> bool:
    """Whether an account that needs no look-up now is in the failing stretch that it was asked for in."""
    return account.login_id is None and account.deleted_at is None and account.standing != 0


def _wait(turn: Turn, account_id: str, account: AccountState) -> Turn:
    if account.located_at is None:
        turn = turn.with_account(account_id, located_at=turn.at)
        return look_up(turn, LookupAction.LOCATE, None, (account_id,), rule=_RULE)
    return _sought(turn, account_id) if account.given_up else turn


def _sought(turn: Turn, account_id: str) -> Turn:
    """Have the support of the account's institution asked, once; one that was asked before hears that it is over."""
    account = turn.customer.accounts[account_id]
    institution_id = account.institution_id
    if institution_id is None or institution_id == account.sought_at:
        return turn
    turn = stop_seeking(turn, account_id).with_account(account_id, sought_at=institution_id)
    return wish(turn, account_id, institution_id, TicketCause.LOGIN_UNKNOWN, None)


def stop_seeking(turn: Turn, account_id: str) -> Turn:
    """Tell the institution whose support was asked that the wait is over there."""
    institution_id = turn.customer.accounts[account_id].sought_at
    if institution_id is None:
        return turn
    turn = turn.with_account(account_id, sought_at=None)
    ended = OutgoingSignal(
        type=SignalType.LEFT,
        time=turn.at,
        institution_id=institution_id,
        code=None,
        customer_id=turn.customer.customer_id,
        institution_login_id=None,
        account_id=account_id,
        entered=False,
        event_id=turn.event_id,
    )
    return replace(turn, signals=(*turn.signals, ended)).by(_RULE)


def timers(account_id: str, account: AccountState, rules: Rules) -> list[Timer]:
    """Give when a login that was asked for is given up."""
    if account.located_at is None or account.given_up or account.closed:
        return []
    return [Timer(account.located_at + rules.policy.lookup.give_up, "", _RULE, account_id, _give_up)]


def _give_up(turn: Turn, _login_id: str, account_id: str) -> Turn:
    return _sought(turn.with_account(account_id, given_up=True).by(_RULE), account_id)


def wish(turn: Turn, account_id: str, institution_id: str, cause: TicketCause, code: int | None) -> Turn:
    """Have an institution's support asked about an account."""
    asked = OutgoingWish(
        time=turn.at,
        institution_id=institution_id,
        cause=cause,
        code=code,
        customer_id=turn.customer.customer_id,
        institution_login_id=turn.customer.accounts[account_id].login_id,
        account_id=account_id,
        event_id=turn.event_id,
    )
    return replace(turn, signals=(*turn.signals, asked))
