"""Whether a snapshot is an observation, and what it says of its account (R1, R12's revival, R13)."""

from datetime import UTC, datetime, timedelta

from schemas.events import AccountSnapshot
from schemas.state import AccountState, Record, replace
from streams.domain.customer import Outcome, Turn
from streams.domain.standing import signal

AHEAD = timedelta(hours=24)
"""How far a vendor date may lie in the future before it counts as absent (design section 4)."""
CODES_AT_ATTEMPT = 8
"""How many codes of one attempt are remembered: more than the vendor was ever seen to give."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Dates(Record, frozen=True):
    """A snapshot's dates as far as they can be believed; `future` counts those that lie too far ahead."""

    attempted_at: datetime | None
    succeeded_at: datetime | None
    updated_at: datetime | None
    future: int


def observe(turn: Turn, snapshot: AccountSnapshot) -> Turn:
    """Take what a snapshot says of its account: an observation, or less; stale ones say nothing."""
    dates = _read_dates(snapshot, turn.at)
    turn = replace(turn, future_dates=dates.future).by("R1")
    known = turn.customer.accounts.get(snapshot.account_id) or AccountState(heard_at=turn.at)
    if known.deleted_at is not None:
        if dates.attempted_at is None or dates.attempted_at <= known.deleted_at:
            return replace(turn, outcome=Outcome.AFTER_DELETION).by("R12")
        known, turn = _revived(known), turn.by("R12")
    code = snapshot.aggregation_status_code
    outcome = _judge(known, dates, code)
    turn = replace(turn, outcome=outcome)
    if outcome is Outcome.STALE:
        return turn
    account = _informed(known, snapshot, dates, turn.at)
    if code is not None and outcome is Outcome.OBSERVED:
        account = _observed(account, code, dates.attempted_at or turn.at, turn)
    return _recorded(turn, snapshot.account_id, account, observed=outcome is Outcome.OBSERVED)


def _recorded(turn: Turn, account_id: str, account: AccountState, *, observed: bool) -> Turn:
    before = turn.customer
    was = before.accounts.get(account_id)
    if was is not None and (was.login_id, was.institution_id) != (account.login_id, account.institution_id):
        turn = turn.by("R13")
    turn = replace(turn, customer=before.with_account(account_id, account))
    return signal(turn, before, account_id, observed=observed)


def _read_dates(snapshot: AccountSnapshot, at: datetime) -> _Dates:
    limit = at + AHEAD
    given = (snapshot.aggregation_attempt_date, snapshot.aggregation_success_date, snapshot.last_updated_date)
    attempt, success, updated = (_believed(date, limit) for date in given)
    future = sum(date is not None and date > limit for date in given)
    return _Dates(attempt if attempt is None or attempt <= at else at, success, updated, future)


def _believed(date: datetime | None, limit: datetime) -> datetime | None:
    return date if date is not None and _EPOCH < date <= limit else None


def _judge(account: AccountState, dates: _Dates, code: int | None) -> Outcome:
    if _is_stale(account, dates):
        return Outcome.STALE
    if code is None:
        return Outcome.NEVER_AGGREGATED
    return Outcome.OBSERVED if _is_new(account, dates.attempted_at, code) else Outcome.DUPLICATE


def _is_stale(account: AccountState, dates: _Dates) -> bool:
    if dates.attempted_at is not None:
        return _earlier(dates.attempted_at, account.attempted_at)
    return _earlier(dates.updated_at, account.updated_at) or _earlier(dates.succeeded_at, account.succeeded_at)


def _is_new(account: AccountState, attempted_at: datetime | None, code: int) -> bool:
    if attempted_at is None:
        return code != account.code or account.fix_heard
    return attempted_at != account.attempted_at or code not in account.codes_at_attempt


def _earlier(date: datetime | None, seen: datetime | None) -> bool:
    return date is not None and seen is not None and date < seen


def _later(date: datetime | None, seen: datetime | None) -> datetime | None:
    return seen if date is None or _earlier(date, seen) else date


def _informed(account: AccountState, snapshot: AccountSnapshot, dates: _Dates, at: datetime) -> AccountState:
    """Take what even a duplicate says; what a snapshot leaves out is not erased."""
    expires = snapshot.authorization_expires
    end = snapshot.authorization_end_date
    return replace(
        account,
        heard_at=at,
        institution_id=snapshot.institution_id or account.institution_id,
        login_id=snapshot.institution_login_id or account.login_id,
        updated_at=_later(dates.updated_at, account.updated_at),
        succeeded_at=_later(dates.succeeded_at, account.succeeded_at),
        # The end of an authorisation lies in the future by nature: only 0 counts as absent.
        authorization_end=account.authorization_end if end is None or end <= _EPOCH else end,
        authorization_expires=account.authorization_expires if expires is None else expires,
    )


def _observed(account: AccountState, code: int, attempted_at: datetime, turn: Turn) -> AccountState:
    codes = (*account.codes_at_attempt, code) if attempted_at == account.attempted_at else (code,)
    observed = replace(
        account, code=code, attempted_at=attempted_at, codes_at_attempt=codes[-CODES_AT_ATTEMPT:], fix_heard=False
    )
    if code == 0:
        return replace(observed, standing=0, failing_since=None, healed_at=attempted_at, healthy_at=turn.at)
    if (remedy := turn.rules.remedy(code)) is None:
        return observed
    before = turn.rules.remedy(account.standing)
    goes_on = before is not None and before.kind is remedy.kind
    return replace(observed, standing=code, failing_since=account.failing_since if goes_on else attempted_at)


def _revived(account: AccountState) -> AccountState:
    """Forget how the account stood before it was deleted; what is known of it stays."""
    return replace(
        account,
        deleted_at=None,
        code=None,
        standing=None,
        failing_since=None,
        attempted_at=None,
        codes_at_attempt=(),
        fix_heard=False,
    )
