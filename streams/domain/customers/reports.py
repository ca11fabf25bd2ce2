"""What the institution agent is told of a customer's logins: where they fail, what they left, who succeeds (R9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.signals import SignalType
from schemas.state import AccountState, CustomerState, replace
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Turn
from streams.domain.messages import OutgoingSignal

REMEMBERED = 1000
"""Logins of one customer that were told of, or counted: no bank customer has as many, but ids can be made up."""


class _Place(NamedTuple):
    """A login at a code of its institution; an account whose login is not known stands for itself."""

    institution_id: str
    login_id: str | None
    alone: str | None
    code: int


def signal(turn: Turn, before: Customer, account_id: str, *, observed: bool) -> Turn:
    """Tell what changed between `before` and the turn's customer, in which one account differs.

    `observed` says that the account was observed, not merely moved or deleted: an observation that fails is told even
    where the login already stood at the code. A place that was left is told first. A success is only counted.
    """
    was, now = (
        _place(account_id, before.accounts.get(account_id)),
        _place(account_id, turn.customer.accounts[account_id]),
    )
    if was is not None and was != now and not _stands(turn.customer, was):
        turn = _told(turn, SignalType.LEFT, was, account_id, entered=False)
    if now is None or (was == now and not observed):
        return _count(turn, turn.customer.accounts[account_id]) if observed else turn
    entered = not _stands(before, now)
    return _told(turn, SignalType.FAILING, now, account_id, entered=entered) if observed or entered else turn


def _place(account_id: str, account: AccountState | None) -> _Place | None:
    if account is None or not account.code or account.deleted_at is not None or account.institution_id is None:
        return None
    alone = account_id if account.login_id is None else None
    return _Place(account.institution_id, account.login_id, alone, account.code)


def _stands(customer: Customer, place: _Place) -> bool:
    if place.login_id is None:
        return place.alone is not None and _place(place.alone, customer.accounts.get(place.alone)) == place
    return any(_place(account_id, account) == place for account_id, account in customer.live_at(place.login_id))


def _told(turn: Turn, kind: SignalType, place: _Place, account_id: str, *, entered: bool) -> Turn:
    login_id = place.login_id
    case = turn.customer.case(login_id)
    told = OutgoingSignal(
        type=kind,
        time=turn.at,
        institution_id=place.institution_id,
        code=place.code,
        customer_id=turn.customer.customer_id,
        institution_login_id=login_id,
        account_id=account_id,
        entered=entered,
        otp=case.otp is not None,
        counted_at=None if login_id is None else _within(turn, turn.customer.state.counted).get(login_id),
        event_id=turn.event_id,
    )
    turn = replace(turn, signals=(*turn.signals, told))
    return turn if login_id is None else _reported(turn, login_id)


def _reported(turn: Turn, login_id: str) -> Turn:
    counted = {key: at for key, at in _within(turn, turn.customer.state.counted).items() if key != login_id}
    reported = _latest({**_within(turn, turn.customer.state.reported), login_id: turn.at})
    state: CustomerState = replace(turn.customer.state, reported=reported, counted=counted)
    return replace(turn, customer=replace(turn.customer, state=state))


def _count(turn: Turn, account: AccountState) -> Turn:
    """Count the login of an account that succeeded, once in a window, and not where it was reported in it."""
    login_id = account.login_id
    state: CustomerState = turn.customer.state
    if account.code != 0 or login_id is None or account.institution_id is None:
        return turn
    reported, counted = _within(turn, state.reported), _within(turn, state.counted)
    if login_id in reported or login_id in counted:
        return turn
    if turn.customer.case(login_id).otp is not None:
        return turn
    state = replace(state, reported=reported, counted=_latest({**counted, login_id: turn.at}))
    told = (*turn.counted, (account.institution_id, login_id))
    return replace(turn, customer=replace(turn.customer, state=state), counted=told)


def _within(turn: Turn, times: Mapping[str, datetime]) -> dict[str, datetime]:
    if not times:
        return {}
    oldest = turn.at - turn.rules.policy.incident.window
    return {login_id: at for login_id, at in times.items() if at >= oldest}


def _latest(times: dict[str, datetime]) -> dict[str, datetime]:
    """Let go of the earliest where one is too many; it may be told of or counted once more."""
    if len(times) <= REMEMBERED:
        return times
    earliest = min(times, key=times.__getitem__)
    return {login_id: at for login_id, at in times.items() if login_id != earliest}
