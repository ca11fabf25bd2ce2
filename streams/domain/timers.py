"""The timers of a customer: all derived from its state, so that nothing has to be kept in step with them."""

from collections.abc import Iterator

from schemas.state import replace
from streams.domain.cases import consent, contact, otp, repair
from streams.domain.cases.settle import settle
from streams.domain.customers import location, unknowns
from streams.domain.customers.deletion import forgetting
from streams.domain.customers.turn import Timer, Turn

LIMIT = 10_000
"""Timers that one event fires at most: more than a customer of the largest size can have."""


def timers(turn: Turn) -> Iterator[Timer]:
    """Give every timer of the turn's customer."""
    customer, rules = turn.customer, turn.rules
    yield from forgetting(customer, rules)
    for account_id, account in customer.accounts.items():
        if account.deleted_at is not None:
            continue
        if account.unknown_since is not None and (due := unknowns.timer(account_id, account, rules)) is not None:
            yield due
        if account.located_at is not None and (due := location.timer(account_id, account, rules)) is not None:
            yield due
        if account.authorization_end is not None:
            yield from consent.timers(account_id, account, rules)
    for login_id, login in customer.logins.items():
        if login.otp is not None and (due := otp.timer(login_id, login, rules)) is not None:
            yield due
        if login.episodes:
            yield from repair.timers(login_id, login, rules)
            yield from contact.timers(turn, login_id, login)


def first_timer(turn: Turn) -> Timer | None:
    """Give the timer that is to fire next."""
    return min(timers(turn), key=lambda timer: timer.order, default=None)


def fire_due(turn: Turn, *, is_tick: bool) -> Turn:
    """Fire what was due before a record; a tick fires what is due at its very time, too."""
    for _ in range(LIMIT):
        timer = first_timer(turn)
        if timer is None or timer.due > turn.at or (timer.due == turn.at and not is_tick):
            break
        turn = _fire(turn, timer)
    return turn


def fire_new(turn: Turn, before: Turn) -> Turn:
    """Fire what a record set although it was due already, at the event time.

    What was set `before` the record and is due at its very time waits for what comes after it.
    """
    for _ in range(LIMIT):
        due = [timer for timer in timers(turn) if timer.due <= turn.at]
        waiting = {timer.order for timer in timers(before) if timer.due == turn.at} if due else set()
        new = [timer for timer in due if timer.order not in waiting]
        if not new:
            break
        turn = _fire(turn, min(new, key=lambda timer: timer.order))
    return turn


def _fire(turn: Turn, timer: Timer) -> Turn:
    """Fire a timer at the time it was due; one that was due before the customer's last event was set due, by that."""
    before, at = turn.customer, max(timer.due, turn.customer.state.event_time)
    fired = timer.fire(replace(turn, at=at), timer.case, timer.account_id)
    fired = fired.looking_at(timer.case) if timer.case and fired.customer is not before else fired
    return replace(settle(fired, before), at=turn.at)
