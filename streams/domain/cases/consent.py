"""Authorisations that are about to end: the early warning (R15)."""

from collections.abc import Iterator
from datetime import datetime

from schemas.state import AccountState, Consent
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rules

_RULE = 15


def end_of(account: AccountState) -> datetime | None:
    """Give when an account's authorisation ends; None where it does not, or where nothing is known of it."""
    return None if account.authorization_expires is False else account.authorization_end


def moved(turn: Turn, account_id: str, before: Customer) -> Turn:
    """Take an end of authorisation that has moved: whether it is near is looked at anew."""
    was, account = before.accounts.get(account_id), turn.customer.accounts[account_id]
    if account.consent is None or was is None or end_of(was) == end_of(account):
        return turn
    end = end_of(account)
    is_near = end is not None and end - turn.rules.policy.warning.ahead <= turn.at < end
    consent = Consent.ENDING if is_near and account.consent is Consent.ENDING else None
    return turn if consent is account.consent else turn.with_account(account_id, consent=consent).by("R15")


def timers(account_id: str, account: AccountState, rules: Rules) -> Iterator[Timer]:
    """Give when the end comes near, and when it passes."""
    end = end_of(account)
    if end is None or account.login_id is None:
        return
    if account.consent is None:
        yield Timer(end - rules.policy.warning.ahead, account.login_id, _RULE, account_id, _come_near)
    elif account.consent is Consent.ENDING:
        yield Timer(end, account.login_id, _RULE, account_id, _pass)


def _come_near(turn: Turn, _login_id: str, account_id: str) -> Turn:
    """Ask for a renewal; an end that has passed before it was told of asks for nothing."""
    end = end_of(turn.customer.accounts[account_id])
    consent = Consent.ENDING if end is not None and turn.at < end else Consent.PASSED
    return turn.with_account(account_id, consent=consent).by("R15")


def _pass(turn: Turn, _login_id: str, account_id: str) -> Turn:
    return turn.with_account(account_id, consent=Consent.PASSED).by("R15")
