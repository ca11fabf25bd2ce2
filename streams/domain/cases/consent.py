"""Authorisations that are about to end: the early warning (R15)."""

from datetime import datetime

from schemas.state import AccountState, Consent
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rule, Rules

_RULE = Rule.R15


def end_of(account: AccountState) -> datetime | None:
    """Give when an account's authorisation ends; None where it is not said both that it does and when."""
    return account.authorization_end if account.authorization_expires else None


def told(turn: Turn, account_id: str, before: Customer) -> Turn:
    """Take an end of authorisation that is new or has moved: it may be near already, or have passed.

    Inside the window a moved end is the same need; an operator's closing holds until the end moves out of it.
    """
    was, account = before.accounts.get(account_id), turn.customer.accounts[account_id]
    end = end_of(account)
    if end == (None if was is None or was.deleted_at is not None else end_of(was)):
        return turn
    consent = None
    if end is not None and turn.at >= end - turn.rules.policy.warning.ahead:
        consent = Consent.ENDING if turn.at < end else Consent.PASSED
    is_closed = consent is not None and account.consent is Consent.CLOSED
    return (
        turn if is_closed or consent is account.consent else turn.with_account(account_id, consent=consent).by(Rule.R15)
    )


def hear_attempt(turn: Turn) -> Turn:
    """Ask again for a renewal that an operator closed: a new attempt opens its case again (R16)."""
    account = turn.customer.accounts[turn.observed]
    end = end_of(account)
    if account.consent is not Consent.CLOSED or end is None or not turn.rules.says_anew(account.codes_at_attempt):
        return turn
    return turn.with_account(turn.observed, consent=Consent.ENDING if turn.at < end else Consent.PASSED).by(Rule.R15)


def timers(account_id: str, account: AccountState, rules: Rules) -> list[Timer]:
    """Give when the end comes near, and when it passes."""
    end, login_id = end_of(account), account.login_id or ""
    if end is None:
        return []
    if account.consent is None:
        return [Timer(end - rules.policy.warning.ahead, login_id, _RULE, account_id, _come_near)]
    return [Timer(end, login_id, _RULE, account_id, _pass)] if account.consent is Consent.ENDING else []


def _come_near(turn: Turn, _login_id: str, account_id: str) -> Turn:
    """Ask for a renewal; an end that has passed before it was told of asks for nothing."""
    end = end_of(turn.customer.accounts[account_id])
    consent = Consent.ENDING if end is not None and turn.at < end else Consent.PASSED
    return turn.with_account(account_id, consent=consent).by(Rule.R15)


def _pass(turn: Turn, _login_id: str, account_id: str) -> Turn:
    return turn.with_account(account_id, consent=Consent.PASSED).by(Rule.R15)
