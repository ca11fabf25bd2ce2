"""Where an account stands: its phase, its health, and what the institution agent is told of its login."""

from typing import NamedTuple

from schemas.catalogue import Treatment
from schemas.health import Otp, Phase
from schemas.signals import SignalType
from schemas.state import AccountState, replace
from streams.domain.customer import Customer, Turn
from streams.domain.messages import Health, OpenCommand, OutgoingSignal
from streams.domain.rules import CUSTOMER_KINDS, Rules

_PHASES = {
    Treatment.HEALTHY: Phase.HEALTHY,
    Treatment.CUSTOMER: Phase.CUSTOMER_ACTION,
    Treatment.OTP: Phase.OTP,
    Treatment.SUPPORT: Phase.SUPPORT,
    Treatment.INSTITUTION: Phase.INSTITUTION_TROUBLE,
    Treatment.UNKNOWN: Phase.UNKNOWN,
}


def phase(account: AccountState, rules: Rules) -> Phase:
    """Give the phase of an account: that of its last code, whatever its login stands at."""
    if account.deleted_at is not None:
        return Phase.DELETED
    return Phase.NEVER_AGGREGATED if account.code is None else _PHASES[rules.treatment(account.code)]


def account_health(customer: Customer, account_id: str, rules: Rules) -> Health:
    """Give the present state of an account that is remembered; `KeyError` for any other."""
    account = customer.accounts[account_id]
    return Health(
        customer_id=customer.customer_id,
        account_id=account_id,
        institution_id=account.institution_id,
        institution_login_id=account.login_id,
        phase=phase(account, rules),
        code=account.code,
        attempted_at=account.attempted_at,
        heard_at=account.heard_at,
        healthy_at=account.healthy_at,
        otp=Otp.NO,
        is_unresponsive=False,
        commands=_open_commands(customer, account),
    )


def _open_commands(customer: Customer, account: AccountState) -> tuple[OpenCommand, ...]:
    episodes = customer.case(account.login_id).episodes
    if not episodes or account.deleted_at is not None:
        return ()
    opened = ((kind, episodes.get(kind)) for kind in CUSTOMER_KINDS)
    return tuple(OpenCommand(kind, it.command_id, it.sequence) for kind, it in opened if it is not None)


class _Place(NamedTuple):
    """A login at a code of its institution; an account whose login is not known stands for itself."""

    institution_id: str
    login_id: str | None
    alone: str | None
    code: int


def signal(turn: Turn, before: Customer, account_id: str, *, observed: bool) -> Turn:
    """Tell what changed between `before` and the turn's customer, in which one account differs.

    `observed` says that the account was observed, not merely moved or deleted: an observation that fails is told even
    where the login already stood at the code. A place that was left is told first.
    """
    was, now = (
        _place(account_id, before.accounts.get(account_id)),
        _place(account_id, turn.customer.accounts[account_id]),
    )
    if was is not None and was != now and not _stands(turn.customer, was):
        turn = _told(turn, SignalType.LEFT, was, account_id, entered=False)
    if now is None or (was == now and not observed):
        return turn
    entered = not _stands(before, now)
    return _told(turn, SignalType.FAILING, now, account_id, entered=entered) if observed or entered else turn


def _place(account_id: str, account: AccountState | None) -> _Place | None:
    if account is None or not account.code or account.deleted_at is not None or account.institution_id is None:
        return None
    alone = account_id if account.login_id is None else None
    return _Place(account.institution_id, account.login_id, alone, account.code)


def _stands(customer: Customer, place: _Place) -> bool:
    return any(_place(account_id, account) == place for account_id, account in customer.accounts.items())


def _told(turn: Turn, kind: SignalType, place: _Place, account_id: str, *, entered: bool) -> Turn:
    told = OutgoingSignal(
        type=kind,
        time=turn.at,
        institution_id=place.institution_id,
        code=place.code,
        customer_id=turn.customer.customer_id,
        institution_login_id=place.login_id,
        account_id=account_id,
        entered=entered,
        event_id=turn.event_id,
    )
    return replace(turn, signals=(*turn.signals, told))
