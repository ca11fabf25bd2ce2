"""Deleted accounts: they leave their case, and are forgotten some time later (R12)."""

from schemas.commands import WithdrawReason
from schemas.state import AccountState, CustomerState, EpisodeState, replace
from streams.domain.cases.episodes import close
from streams.domain.cases.settle import DELETION_MENDS
from streams.domain.customers import location
from streams.domain.customers.customer import Customer
from streams.domain.customers.reports import signal
from streams.domain.customers.turn import Outcome, Timer, Turn
from streams.domain.rules import CASE_KINDS, Rule, Rules

_RULE = Rule.R12


def delete(turn: Turn, account_id: str, unknown: AccountState) -> Turn:
    """Delete an account; one deleted before stays as it is.

    An account never seen is recorded as `unknown`, deleted: what is older than its deletion must not bring it to life.
    """
    before = turn.customer
    account = before.accounts.get(account_id, unknown)
    if account.deleted_at is not None:
        return turn.by(_RULE)
    account = replace(account, heard_at=turn.at, deleted_at=turn.at)
    turn = _mended(turn, account_id, account)
    customer = turn.customer.with_account(account_id, account)
    turn = replace(turn, customer=customer, outcome=Outcome.DELETED, touched=(*turn.touched, account_id)).by(_RULE)
    return signal(turn, before, account_id, observed=False)


def _mended(turn: Turn, account_id: str, account: AccountState) -> Turn:
    """Count the deletion as the strong fix of the episodes that asked for it (R5)."""
    login = turn.customer.case(account.login_id)
    fixed: dict[str, EpisodeState] = {
        kind: replace(episode, fixed_at=turn.at)
        for kind, episode in login.episodes.items()
        if kind in DELETION_MENDS and account_id in episode.account_ids
    }
    if account.login_id is None or not fixed:
        return turn
    return turn.with_case(account.login_id, episodes={**login.episodes, **fixed})


def timers(account_id: str, account: AccountState, rules: Rules) -> list[Timer]:
    """Give when a deleted account is forgotten: `forget_days` after its deletion."""
    due = (account.deleted_at or account.heard_at) + rules.policy.state.forget
    return [Timer(due, account.login_id or "", _RULE, account_id, _forget_account)]


def last_word(customer: Customer, rules: Rules) -> list[Timer]:
    """Give when a customer without accounts is forgotten: `forget_days` after the last word.

    The ids of a customer's events are remembered for as long as R1 asks, whatever `forget_days` says.
    """
    spans = rules.policy.state
    state = customer.state
    if not (customer.logins or state.seen or state.former_ids):
        return []
    return [Timer(customer.state.event_time + max(spans.forget, spans.dedupe), "", _RULE, "", _forget_customer)]


def _forget_account(turn: Turn, _login_id: str, account_id: str) -> Turn:
    customer = turn.customer.without_account(account_id)
    return replace(turn, customer=customer, touched=(*turn.touched, account_id)).by(_RULE)


def forget(turn: Turn) -> Turn:
    """Forget a customer altogether, on demand (R18): its commands are withdrawn, and nothing is kept."""
    before = turn.customer
    turn = replace(turn, outcome=Outcome.FORGOTTEN).by(Rule.R18)
    for login_id, login in sorted(before.logins.items()):
        for kind in CASE_KINDS:
            if kind in login.episodes:
                turn = close(turn, login_id, kind, WithdrawReason.FORGOTTEN, rule=Rule.R18)
    for account_id, account in before.accounts.items():
        if account.deleted_at is None:
            turn = location.keep_waiting(delete(turn, account_id, account), account_id)
    return replace(
        turn,
        outcome=Outcome.FORGOTTEN,
        customer=Customer(before.customer_id, CustomerState(event_time=turn.at)),
        touched=(*turn.touched, *before.accounts),
        erased=(*before.accounts, *before.state.former_ids),
        cases=(),
    )


def _forget_customer(turn: Turn, _login_id: str, _account_id: str) -> Turn:
    """Forget a customer without accounts; a silence that an operator has set outlasts even that (R16)."""
    was = turn.customer.state
    kept = Customer(turn.customer.customer_id, CustomerState(event_time=was.event_time, silences=was.silences))
    return replace(turn, customer=kept, erased=was.former_ids).by(_RULE)
