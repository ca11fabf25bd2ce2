"""Whether a snapshot is an observation, and what it says of its account (R1, R12's revival, R13)."""

from datetime import UTC, datetime, timedelta

from schemas.events import AccountSnapshot
from schemas.state import AccountState, Record, replace
from streams.domain.cases import consent
from streams.domain.customers.reports import signal
from streams.domain.customers.turn import Outcome, Turn
from streams.domain.rules import Rule, Rules

AHEAD = timedelta(hours=24)
"""How far a vendor date may lie in the future before it counts as absent."""
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
    dates, code = _read_dates(snapshot, turn.at), snapshot.aggregation_status_code
    known = turn.customer.accounts.get(snapshot.account_id)
    account = _alive(known, dates, turn.at)
    outcome = Outcome.AFTER_DELETION if account is None else _judge(account, dates, code)
    turn = replace(turn, outcome=outcome, future_dates=dates.future, applied=(*turn.applied, Rule.R1.name))
    if account is None:
        return turn.by(Rule.R12)
    if outcome is Outcome.STALE:
        return turn
    account = _informed(account, snapshot, dates, turn.at)
    if code is None or outcome is not Outcome.OBSERVED:
        return _recorded(turn, snapshot.account_id, account, observed=False)
    attempted_at = dates.attempted_at or turn.at
    is_old_news = known is None and _is_old_news(turn, snapshot, attempted_at)
    account = _observed(account, code, attempted_at, turn, is_old_news=is_old_news)
    return _recorded(turn, snapshot.account_id, account, observed=True)


def _is_old_news(turn: Turn, snapshot: AccountSnapshot, attempted_at: datetime) -> bool:
    """Whether a snapshot is a first sweep's, of an attempt that long ago (R17)."""
    is_dated = snapshot.aggregation_attempt_date is not None
    return snapshot.baseline and is_dated and turn.at - attempted_at > turn.rules.policy.baseline.older


def _recorded(turn: Turn, account_id: str, account: AccountState, *, observed: bool) -> Turn:
    before = turn.customer
    was = before.accounts.get(account_id, account)
    if was.deleted_at is not None:
        turn = turn.by(Rule.R12)
    if was.login_id != account.login_id or was.institution_id != account.institution_id:
        turn = turn.by(Rule.R13)
    turn = replace(
        turn,
        customer=before.with_account(account_id, account),
        touched=(*turn.touched, account_id),
        observed=account_id if observed else "",
    )
    turn = _at_institution(consent.told(turn, account_id, before), account)
    return signal(turn, before, account_id, observed=observed)


def _at_institution(turn: Turn, account: AccountState) -> Turn:
    """Have a case follow its accounts to the institution that was named last (R13)."""
    login = None if account.login_id is None else turn.customer.logins.get(account.login_id)
    if login is None or account.login_id is None or account.institution_id in (None, login.institution_id):
        return turn
    return turn.with_case(account.login_id, institution_id=account.institution_id)


def _read_dates(snapshot: AccountSnapshot, at: datetime) -> _Dates:
    limit = at + AHEAD
    given = (snapshot.aggregation_attempt_date, snapshot.aggregation_success_date, snapshot.last_updated_date)
    attempt, success, updated = [date if date is not None and _EPOCH < date <= limit else None for date in given]
    future = len([date for date in given if date is not None and date > limit])
    return _Dates(attempt if attempt is None or attempt <= at else at, success, updated, future)


def _alive(known: AccountState | None, dates: _Dates, at: datetime) -> AccountState | None:
    """Give an account as it is known, new, or revived by an attempt after its deletion; None: it stays deleted (R12).

    What is known of a revived account stays, but not how it stood.
    """
    if known is None or known.deleted_at is None:
        return known or AccountState(at)
    if dates.attempted_at is None or dates.attempted_at <= known.deleted_at:
        return None
    return AccountState(
        known.heard_at,
        institution_id=known.institution_id,
        login_id=known.login_id,
        updated_at=known.updated_at,
        succeeded_at=known.succeeded_at,
        healed_at=known.healed_at,
        healthy_at=known.healthy_at,
        authorization_end=known.authorization_end,
        authorization_expires=known.authorization_expires,
    )


def _judge(account: AccountState, dates: _Dates, code: int | None) -> Outcome:
    if code is None:
        return Outcome.NEVER_AGGREGATED
    if _is_stale(account, dates):
        return Outcome.STALE
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


def _observed(
    account: AccountState, code: int, attempted_at: datetime, turn: Turn, *, is_old_news: bool
) -> AccountState:
    codes = (*account.codes_at_attempt, code) if attempted_at == account.attempted_at else (code,)
    healthy, speaks, says_anew = code == 0, turn.rules.speaks(code), turn.rules.says_anew(codes)
    return replace(
        account,
        code=code,
        standing=code if speaks else account.standing,
        standing_at=None if speaks or account.standing is None else account.standing_at or account.attempted_at,
        failing_since=_failing_since(account, code, attempted_at, turn.rules) if not healthy else None,
        closed=account.closed and not says_anew,
        attempted_at=attempted_at,
        codes_at_attempt=codes[-CODES_AT_ATTEMPT:],
        healed_at=attempted_at if healthy else account.healed_at,
        healthy_at=turn.at if healthy else account.healthy_at,
        fix_heard=False,
        is_baseline=is_old_news or (account.is_baseline and not says_anew),
    )


def _failing_since(account: AccountState, code: int, attempted_at: datetime, rules: Rules) -> datetime | None:
    if not rules.speaks(code):
        return account.failing_since
    before, remedy = rules.remedy(account.standing), rules.remedy(code)
    goes_on = before is not None and remedy is not None and before.kind is remedy.kind
    return account.failing_since if goes_on and not account.closed else attempted_at
