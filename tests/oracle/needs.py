"""Which accounts need which kind, as a function of the state (section 4: looked at after every event and timer)."""

from datetime import datetime

from tests.oracle.rules import CHALLENGE, CONSENT, OTP, OTP_AT_ONCE, Rules
from tests.oracle.state import Account, Case, Customer


def code_kind(rules: Rules, account: Account, case: Case | None) -> str | None:
    """R2, R7, R16: the kind that the code of an account asks for."""
    if account.deleted is not None or "code" in account.closed:
        return None
    if account.standing == CHALLENGE and case is not None and case.marked:
        return None
    return rules.kind(account.standing)


def needs_consent(account: Account) -> bool:
    """R15: its authorisation ends, and the end date is in the window."""
    ends = account.expires is True and account.end is not None
    in_window = account.warned and not account.passed
    return ends and in_window and "consent" not in account.closed and account.deleted is None


def needing(rules: Rules, customer: Customer, case: Case, kind: str) -> list[str]:
    """Give the accounts of the login that need the kind; the escalation of a marked login is for all of them (R7)."""
    accounts = customer.of_login(case.login)
    if kind == OTP:
        return [one.id for one in accounts if case.marked and not case.mark_closed]
    if kind == CONSENT:
        return [one.id for one in accounts if needs_consent(one)]
    return [one.id for one in accounts if code_kind(rules, one, case) == kind]


def waits_for_login(rules: Rules, account: Account) -> bool:
    """R14: a command is needed and no institutionLoginId is known."""
    if account.login is not None or account.deleted is not None or "code" in account.closed:
        return False
    return account.standing == OTP_AT_ONCE or rules.kind(account.standing) is not None


def failing_since(account: Account) -> datetime:
    """R4: the first failing attempt of the account's present stretch of codes of one kind."""
    return account.run[0][0]
