"""What a case needs, as a function of the state (R2, R3): kinds of commands, the accounts and codes behind them."""

from schemas.catalogue import Kind
from schemas.state import AccountState, Consent, LoginState, replace
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Turn
from streams.domain.rules import Rules

Needed = dict[Kind, dict[str, int | None]]
"""By kind the accounts that need it, in ascending order, with their codes; None where no code asks for it."""


def needed(customer: Customer, login_id: str, rules: Rules) -> Needed:
    """Give all that a case needs now."""
    login, kinds = customer.case(login_id), Needed()
    live = sorted(customer.live_at(login_id))
    for account_id, account in live:
        if (remedied := _remedied(account, login, rules)) is not None:
            kinds.setdefault(remedied[0], {})[account_id] = remedied[1]
        if account.consent is Consent.ENDING:
            kinds.setdefault(Kind.CONSENT_RENEWAL, {})[account_id] = None
    if login.otp is not None and not login.otp.closed and live:
        kinds[Kind.OTP_ESCALATION] = {account_id: login.otp.code for account_id, _ in live}
    return kinds


def _remedied(account: AccountState, login: LoginState, rules: Rules) -> tuple[Kind, int] | None:
    remedy = None if account.closed else rules.remedy(account.standing)
    if remedy is None or account.standing is None:
        return None
    is_for_escalation = login.otp is not None and rules.demands_otp(account.standing)
    return None if is_for_escalation else (remedy.kind, account.standing)


def waits_for_login(account: AccountState | None, rules: Rules) -> bool:
    """Whether an account needs a command that has to wait until its login is known (R14)."""
    if account is None or account.login_id is not None or account.deleted_at is not None or account.closed:
        return False
    return rules.remedy(account.standing) is not None or rules.confirms_otp(account.standing)


def look_at(turn: Turn, before: Customer) -> Turn:
    """Note the cases whose needs the accounts that changed since `before` may have changed.

    An account's needs change with its standing, its login, its liveness and its consent; an open case is looked at
    whenever one of its accounts changes at all. Where other rules are in force than at the last look, all open cases
    are.
    """
    cases, logins = list[str](), turn.customer.logins
    for account_id in turn.touched:
        was, now = before.accounts.get(account_id), turn.customer.accounts.get(account_id)
        is_news = _asks(was) != _asks(now)
        for account in (was, now):
            if account is None or account.login_id is None:
                continue
            if is_news or is_open(logins.get(account.login_id)):
                cases.append(account.login_id)
    return _judged(turn.looking_at(*cases) if cases else turn)


def _judged(turn: Turn) -> Turn:
    """Have every open case looked at where the rules in force are others than at the last look."""
    state = turn.customer.state
    if state.judged_by == turn.rules.key:
        return turn
    open_cases = [login_id for login_id, login in turn.customer.logins.items() if is_open(login)]
    state = replace(state, judged_by=turn.rules.key)
    return replace(turn, customer=replace(turn.customer, state=state)).looking_at(*open_cases)


def is_open(login: LoginState | None) -> bool:
    """Whether a case is open: an episode is, its command issued or not, or the login is marked OTP."""
    return login is not None and (bool(login.episodes) or login.otp is not None)


def _asks(account: AccountState | None) -> tuple[str, int, Consent | None, bool] | None:
    """Give what of an account its case looks at; None while it asks for nothing."""
    if account is None or (not account.standing and account.consent is not Consent.ENDING):
        return None
    if account.login_id is None or account.deleted_at is not None:
        return None
    return account.login_id, account.standing or 0, account.consent, account.closed
