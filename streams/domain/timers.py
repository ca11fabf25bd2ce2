"""The timers of a customer: all derived from its state, so that nothing has to be kept in step with them."""

from operator import attrgetter

from schemas.state import AccountState, replace
from streams.domain.cases import consent, contact, otp, repair
from streams.domain.cases.settle import settle_one
from streams.domain.customers import deletion, location, unknowns
from streams.domain.customers.turn import Order, Timer, Turn

LIMIT = 1000
"""Timers that one event fires at most: what it says has to fit a record. The rest is due still, for the next tick."""

_ORDER = attrgetter("order")


def timers(turn: Turn) -> list[Timer]:
    """Give every timer of the turn's customer, in no order; most customers have none, so most of this is not doing."""
    customer, found = turn.customer, list[Timer]()
    if not customer.accounts:
        return deletion.last_word(customer, turn.rules)
    for account_id, account in customer.accounts.items():
        if (
            account.authorization_end is not None
            or account.deleted_at is not None
            or account.unknown_since is not None
            or account.located_at is not None
        ):
            found += _of_account(turn, account_id, account)
    for login_id, login in customer.logins.items():
        if login.otp is not None:
            found += otp.timers(customer, login_id, turn.rules)
        if login.episodes:
            found += repair.timers(login_id, login, turn.rules)
            found += contact.timers(turn, login_id, login)
    return found


def _of_account(turn: Turn, account_id: str, account: AccountState) -> list[Timer]:
    if account.deleted_at is not None:
        return deletion.timers(account_id, account, turn.rules)
    return [
        *unknowns.timers(account_id, account, turn.rules),
        *location.timers(account_id, account, turn.rules),
        *consent.timers(account_id, account, turn.rules),
    ]


def first_timer(turn: Turn) -> Timer | None:
    """Give the timer that is to fire next."""
    found = timers(turn)
    return min(found, key=_ORDER) if found else None


def fire_due(turn: Turn, *, is_tick: bool) -> Turn:
    """Fire what was due before a record; a tick fires what is due at its very time, too."""
    for _ in range(LIMIT):
        timer = first_timer(turn)
        if timer is None or timer.due > turn.at or (timer.due == turn.at and not is_tick):
            break
        turn = _fire(turn, timer)
    return turn


def fire_new(turn: Turn, before: Turn) -> tuple[Turn, Timer | None]:
    """Fire what a record set although it was due already, at the event time; give the first of what is left, too.

    What was set `before` the record and is due at its very time waits for what comes after it.
    """
    waiting: frozenset[Order] | None = None
    for _ in range(LIMIT):
        found = timers(turn)
        due = [timer for timer in found if timer.due <= turn.at]
        if due and waiting is None:
            waiting = frozenset(timer.order for timer in timers(before) if timer.due == turn.at)
        new = [timer for timer in due if waiting is None or timer.order not in waiting]
        if not new:
            break
        turn = _fire(turn, min(new, key=_ORDER))
    return turn, min(found, key=_ORDER, default=None)


def _fire(turn: Turn, timer: Timer) -> Turn:
    """Fire a timer at the time it was due.

    One that was due before the customer's last event, or before the rules in force, was set due by that: then is its
    time.
    """
    before, since = turn.customer, turn.customer.state.event_time
    at = min(max(timer.due, since, turn.rules.since or since), turn.at)
    fired = timer.fire(replace(turn, at=at), timer.case, timer.account_id)
    looked = settle_one(fired.looking_at(timer.case or None), before, timer.case)
    return replace(looked, at=turn.at)
