"""The timers of a customer: all derived from its state, so that nothing has to be kept in step with them."""

from collections.abc import Sequence
from operator import attrgetter

from schemas.state import AccountState, LoginState
from streams.domain.cases import consent, contact, otp, repair
from streams.domain.customers import deletion, location, unknowns
from streams.domain.customers.turn import Timer, Turn

NONE: Sequence[Timer] = ()
_ORDER = attrgetter("order")


def timers_by_owner(turn: Turn) -> dict[tuple[str, bool], Sequence[Timer]]:
    """Give every timer of the turn's customer by account, by case, or of the customer itself: see `Agenda`.

    Most have none, so most of this is not doing.
    """
    customer, found = turn.customer, dict[tuple[str, bool], Sequence[Timer]]()
    if not customer.accounts:
        return {("", False): deletion.last_word(customer, turn.rules)}
    for account_id, account in customer.accounts.items():
        if (
            account.authorization_end is not None
            or account.deleted_at is not None
            or account.unknown_since is not None
            or account.located_at is not None
        ):
            found[account_id, False] = of_account(turn, account_id, account)
    for login_id, login in customer.logins.items():
        if login.episodes or login.otp is not None:
            found[login_id, True] = of_case(turn, login_id, login)
    return found


def of_account(turn: Turn, account_id: str, account: AccountState | None) -> Sequence[Timer]:
    """Give the timers of an account."""
    if account is None:
        return NONE
    if account.deleted_at is not None:
        return deletion.timers(account_id, account, turn.rules)
    if account.authorization_end is None and account.unknown_since is None and account.located_at is None:
        return NONE
    return [
        *unknowns.timers(account_id, account, turn.rules),
        *location.timers(account_id, account, turn.rules),
        *consent.timers(account_id, account, turn.rules),
    ]


def of_case(turn: Turn, login_id: str, login: LoginState | None) -> Sequence[Timer]:
    """Give the timers of a case."""
    if login is None or not (login.episodes or login.otp):
        return NONE
    found = [] if login.otp is None else otp.timers(turn.customer, login_id, turn.rules)
    if login.episodes:
        found += repair.timers(login_id, login, turn.rules)
        found += contact.timers(turn, login_id, login)
    return found


def timers(turn: Turn) -> list[Timer]:
    """Give every timer of the turn's customer, in no order."""
    return [timer for owned in timers_by_owner(turn).values() for timer in owned]


def first_timer(turn: Turn) -> Timer | None:
    """Give the timer that is to fire next."""
    return min(timers(turn), key=_ORDER, default=None)
