"""Fires the timers that are due, before a record and after it, in the order due, case, rule."""

from schemas.state import replace
from streams.domain.agenda import Agenda
from streams.domain.cases.settle import settle_one
from streams.domain.customers.turn import Timer, Turn

LIMIT = 1000
"""Timers that one event fires at most: what it says has to fit a record. The rest is due still, for the next tick."""


def fire_due(turn: Turn, agenda: Agenda, *, is_tick: bool) -> Turn:
    """Fire what was due before a record; a tick fires what is due at its very time, too."""
    for _ in range(LIMIT):
        timer = agenda.first()
        if timer is None or timer.due > turn.at or (timer.due == turn.at and not is_tick):
            break
        turn = _fire(turn, timer)
        agenda.follow(turn)
    return turn


def fire_new(turn: Turn, agenda: Agenda) -> Turn:
    """Fire what a record set although it was due already, at the event time; the agenda is as of before the record.

    What was set before the record and is due at its very time waits for what comes after it.
    """
    waiting = agenda.due_at_its_time()
    agenda.follow(turn)
    for _ in range(LIMIT):
        timer = agenda.first(waiting)
        if timer is None or timer.due > turn.at:
            break
        turn = _fire(turn, timer)
        agenda.follow(turn)
    return turn


def _fire(turn: Turn, timer: Timer) -> Turn:
    """Fire a timer at the time it was due, and look at what it has touched: all else was looked at before.

    One that was due before the customer's last event, or before the rules in force, was set due by that: then is its
    time.
    """
    before, since = turn.customer, turn.customer.state.event_time
    at = min(max(timer.due, since, turn.rules.since or since), turn.at)
    fired = timer.fire(replace(turn, at=at, touched=()), timer.case, timer.account_id)
    looked = settle_one(fired.looking_at(timer.case or None), before, timer.case)
    return replace(looked, at=turn.at, touched=(*turn.touched, *looked.touched))
