"""Codes that nobody knows: never healthy, never a contact; support is asked when one stays (R11)."""

from schemas.catalogue import Treatment
from schemas.commands import TicketCause
from schemas.state import AccountState
from streams.domain.customers.customer import Customer
from streams.domain.customers.location import wish
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rule, Rules

CODES = 8
"""Unknown codes that an account counts between two successes: more than an account was ever seen to have."""
_RULE = Rule.R11


def hear_attempt(turn: Turn, before: Customer) -> Turn:
    """Count a fresh observation of an unknown code; a success forgets what was counted."""
    account = turn.customer.accounts[turn.observed]
    if account.code == 0:
        return _forget(turn, account)
    if account.code is None or turn.rules.treatment(account.code) is not Treatment.UNKNOWN:
        return turn if account.unknown_since is None else turn.with_account(turn.observed, unknown_since=None)
    return _stand(turn, account, account.code, before.accounts.get(turn.observed))


def _stand(turn: Turn, account: AccountState, code: int, was: AccountState | None) -> Turn:
    """Note that an account stands at an unknown code, and ask support where it has done so often enough."""
    is_back = was is None or was.code != code
    attempts = _counted(account, code)
    is_elsewhere = was is not None and was.institution_id != account.institution_id
    wanted = tuple(other for other in account.tickets_wanted if other != code or not (is_back or is_elsewhere))
    turn = turn.with_account(
        turn.observed,
        unknown_since=turn.at if is_back else account.unknown_since,
        unknown_attempts=attempts,
        # Where the code comes back, its ticket may have been completed meanwhile.
        tickets_wanted=wanted,
    )
    is_often = attempts.get(code, 0) >= turn.rules.policy.unknown.attempts
    return _ask(turn.by(_RULE), turn.observed, code) if is_often else turn.by(_RULE)


def _forget(turn: Turn, account: AccountState) -> Turn:
    if not account.unknown_attempts and account.unknown_since is None:
        return turn
    return turn.with_account(turn.observed, unknown_since=None, unknown_attempts={}, tickets_wanted=())


def _counted(account: AccountState, code: int) -> dict[int, int]:
    others = {other: count for other, count in account.unknown_attempts.items() if other != code}
    if len(others) >= CODES:
        del others[next(iter(others))]
    return {**others, code: account.unknown_attempts.get(code, 0) + 1}


def _ask(turn: Turn, account_id: str, code: int) -> Turn:
    account = turn.customer.accounts[account_id]
    if code in account.tickets_wanted or account.institution_id is None:
        return turn
    turn = turn.with_account(account_id, tickets_wanted=(*account.tickets_wanted, code)[-CODES:])
    return wish(turn.by(_RULE), account_id, account.institution_id, TicketCause.UNKNOWN_CODE, code)


def timers(account_id: str, account: AccountState, rules: Rules) -> list[Timer]:
    """Give when an account has stood at its unknown code for long enough to ask."""
    if account.unknown_since is None or account.institution_id is None or account.code in account.tickets_wanted:
        return []
    due = account.unknown_since + rules.policy.unknown.standing
    return [Timer(due, account.login_id or "", _RULE, account_id, _stood)]


def _stood(turn: Turn, _login_id: str, account_id: str) -> Turn:
    code = turn.customer.accounts[account_id].code
    return turn if code is None else _ask(turn, account_id, code)
