"""A turn notes what was done, and timers have an order."""

from schemas.state import AccountState, CustomerState, LoginState
from streams.domain import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rule
from tests.unit.domain.build import ACCOUNT, CUSTOMER, DAY, LOGIN, RULES, START

TURN = Turn(Customer(CUSTOMER, CustomerState(event_time=START)), RULES, START)


def test_rules_applied() -> None:
    """A turn names each applied rule once, in order."""
    assert TURN.by(Rule.R5).by(Rule.R3).by(Rule.R5).applied == ("R5", "R3")


def test_accounts_touched() -> None:
    """A turn notes the accounts that it changes, and leaves the turn that it was made from as it was."""
    known = TURN.customer.with_account(ACCOUNT, AccountState(START))
    turn = Turn(known, RULES, START)
    assert turn.with_account(ACCOUNT, code=0).touched == (ACCOUNT,)
    assert turn.customer.accounts[ACCOUNT].code is None


def test_case_comes_to_be() -> None:
    """A case comes to be with its first change; a change that changes nothing gives the very same turn."""
    turn = TURN.with_case(LOGIN, ordinal=1)
    assert turn.customer.logins == {LOGIN: LoginState(ordinal=1)}
    assert turn.with_case(LOGIN, ordinal=1) is turn


def test_cases_to_look_at() -> None:
    """Cases are to be looked at by their login; where none is known there is none."""
    assert TURN.looking_at(None) is TURN
    assert TURN.looking_at("L1", None, "L2").cases == ("L1", "L2")


def test_timer_order() -> None:
    """Timers fire in the order due, case, rule, account, step; the rules count as numbers."""
    rows = [
        (START, "L1", Rule.R6, "", 0),
        (START, "L1", Rule.R6, "", 1),
        (START, "L1", Rule.R6, "a", 0),
        (START, "L1", Rule.R12, "a", 0),
        (START, "L1", Rule.R12, "b", 0),
        (START, "L2", Rule.R1, "", 0),
        (START + DAY, "", Rule.R1, "", 0),
    ]
    timers = [Timer(*row[:4], lambda turn, _case, _account: turn, row[4]) for row in reversed(rows)]
    assert sorted(timer.order for timer in timers) == rows
