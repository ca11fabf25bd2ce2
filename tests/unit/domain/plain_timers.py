"""Timers fired in the plain way: all of a customer anew after each, and all looked at that the turn has touched."""

from datetime import datetime

from schemas.events import ClockTick, Event
from schemas.state import CustomerState, Surroundings, replace
from streams.domain import NOWHERE, Customer, Decision, Outcome, Rules, customer_of
from streams.domain.cases.settle import settle_one
from streams.domain.customers.turn import Order, Timer, Turn
from streams.domain.decision import _decision, _read
from streams.domain.timers import timers


def decide(
    customer: Customer | None,
    event: Event,
    rules: Rules,
    ticked_at: datetime | None = None,
    around: Surroundings = NOWHERE,
) -> Decision:
    """Decide as `streams.domain.decide` does, without any memory of what a timer has changed."""
    known = event.time if customer is None else customer.state.event_time
    at = max(event.time, known, ticked_at or known)
    before = customer or Customer(customer_of(event) or "", CustomerState(event_time=at))
    is_tick = isinstance(event.data, ClockTick)
    turn = _fire_due(Turn(before, rules, at, around), is_tick=is_tick)
    if is_tick:
        return _decision(before, replace(turn, outcome=Outcome.TICK), event, _first(timers(turn)))
    after = _fire_new(_read(turn, event), turn)
    return _decision(before, after, event, _first(timers(after)))


def _first(found: list[Timer]) -> Timer | None:
    return min(found, key=lambda timer: timer.order, default=None)


def _fire_due(turn: Turn, *, is_tick: bool) -> Turn:
    while (timer := _first(timers(turn))) is not None:
        if timer.due > turn.at or (timer.due == turn.at and not is_tick):
            break
        turn = _fire(turn, timer)
    return turn


def _fire_new(turn: Turn, before: Turn) -> Turn:
    waiting: frozenset[Order] = frozenset(timer.order for timer in timers(before) if timer.due == turn.at)
    while new := [timer for timer in timers(turn) if timer.due <= turn.at and timer.order not in waiting]:
        turn = _fire(turn, min(new, key=lambda timer: timer.order))
    return turn


def _fire(turn: Turn, timer: Timer) -> Turn:
    before, since = turn.customer, turn.customer.state.event_time
    at = min(max(timer.due, since, turn.rules.since or since), turn.at)
    fired = timer.fire(replace(turn, at=at), timer.case, timer.account_id)
    looked = settle_one(fired.looking_at(timer.case or None), before, timer.case)
    return replace(looked, at=turn.at)
