"""Which overrides are in force, out of what the agent keeps and what its log says; pure."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from schemas.events import Override, OverrideAction
from schemas.state import AccountState, Consent, OtpMark
from streams.domain.rules import CHALLENGE
from streams.operate.overrides.scope import Scope
from streams.operate.overrides.snapshot import Decided, Snapshot

Concerns = Callable[[Override], bool]

CUSTOMER_AHEAD = timedelta(hours=1)
"""How far a customer's clock may be ahead of a decision that it takes: by how much clocks of machines differ."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An override in force, or one that waits to be read.

    `decided_at`, `who` and `why` are null where the log was not read back so far, `waits_at` is the offset of one that
    the agent has not read yet, and `partitions` are those among the ones looked at that have it.
    """

    action: OverrideAction
    customer_id: str | None = None
    institution_login_id: str | None = None
    account_id: str | None = None
    institution_id: str | None = None
    until: datetime | None = None
    decided_at: datetime | None = None
    who: str | None = None
    why: str | None = None
    waits_at: int | None = None
    partitions: tuple[int, ...] = ()

    @property
    def scope(self) -> Scope:
        """Give whom it is about."""
        return Scope(self.customer_id, self.institution_login_id, self.account_id, self.institution_id)


def holdings(snapshot: Snapshot, customer_id: str | None, now: datetime) -> list[Holding]:
    """Give what is in force, and then what waits."""
    found = [*_wide(snapshot, now)]
    if customer_id is not None and snapshot.customer is not None:
        found += [*_silences(snapshot, customer_id, now), *_of_logins(snapshot, customer_id)]
    return found + [_waiting(one) for one in _merged(snapshot.waiting)]


def is_told(snapshot: Snapshot, customer_id: str | None, now: datetime) -> bool:
    """Whether it is known of all that is in force who decided it."""
    return all(one.who is not None for one in holdings(snapshot, customer_id, now))


def only(snapshot: Snapshot, login_id: str | None, account_id: str | None) -> Snapshot:
    """Leave out what does not bear on a login or an account."""
    if login_id is None and account_id is None:
        return snapshot
    if account_id is not None:
        account = snapshot.accounts.get(account_id)
        accounts = {} if account is None else {account_id: account}
        login_id = None if account is None else account.login_id
    else:
        accounts = {key: one for key, one in snapshot.accounts.items() if one.login_id == login_id}
    logins = {key: one for key, one in snapshot.logins.items() if key == login_id}
    keys = {"", f"logins/{login_id}", *(f"accounts/{key}" for key in accounts)}
    customer = snapshot.customer
    if customer is not None:
        silences = {key: silence for key, silence in customer.silences.items() if key in keys}
        customer = replace(customer, silences=silences)
    waiting = [one for one in snapshot.waiting if _bears_on(Scope.of(one.data), login_id, accounts)]
    return dataclasses.replace(snapshot, customer=customer, accounts=accounts, logins=logins, waiting=waiting)


def _bears_on(scope: Scope, login_id: str | None, accounts: dict[str, AccountState]) -> bool:
    return scope.institution_login_id in (None, login_id) and (scope.account_id is None or scope.account_id in accounts)


def _wide(snapshot: Snapshot, now: datetime) -> Iterator[Holding]:
    """Give the silences of many, those of institutions that no account is of left out where a customer is asked for."""
    where: dict[tuple[str, datetime | None], list[int]] = {}
    for number, around in sorted(snapshot.around.items()):
        for key, silence in around.silences.items():
            if silence.until is None or silence.until > now:
                where.setdefault((key, silence.until), []).append(number)
    institutions = {account.institution_id for account in snapshot.accounts.values()}
    for (key, until), numbers in sorted(where.items(), key=lambda one: one[0][0]):
        scope = Scope.of_wide_silence(key)
        if snapshot.customer is None or scope.institution_id is None or scope.institution_id in institutions:
            yield _holding(snapshot, OverrideAction.SILENCE, scope, until=until, partitions=tuple(numbers))


def _silences(snapshot: Snapshot, customer_id: str, now: datetime) -> Iterator[Holding]:
    silences = {} if snapshot.customer is None else snapshot.customer.silences
    for key, silence in sorted(silences.items()):
        if silence.until is None or silence.until > now:
            yield _holding(snapshot, OverrideAction.SILENCE, Scope.of_silence(customer_id, key), until=silence.until)


def _of_logins(snapshot: Snapshot, customer_id: str) -> Iterator[Holding]:
    for login_id, login in sorted(snapshot.logins.items()):
        scope = Scope(customer_id, login_id)
        if login.otp is not None:
            yield from _mark(snapshot, scope, login.otp)
        if any(one.release_at is not None and one.waiting_since is not None for one in login.episodes.values()):
            yield _holding(snapshot, OverrideAction.RELEASE_BASELINE, scope, _releases(scope))
        if login.otp is not None and login.otp.closed:
            yield _closed(snapshot, scope)
    for account_id, account in sorted(snapshot.accounts.items()):
        if account.closed or account.consent is Consent.CLOSED:
            yield _closed(snapshot, Scope(customer_id, None, account_id))


def _mark(snapshot: Snapshot, scope: Scope, mark: OtpMark) -> Iterator[Holding]:
    """Give a mark that an operator set, or may have set; one that no record in the log is about is the rules' own."""
    if mark.code != CHALLENGE:  # what operators mark counts as challenged
        return
    about, marks = _about(snapshot, scope), (OverrideAction.MARK_OTP, OverrideAction.UNMARK_OTP)
    latest = next((one for one in snapshot.decided if one.data.action in marks and about(one.data)), None)
    if latest is None and _is_read_back_to(snapshot, mark.marked_at):
        return
    if latest is None or latest.data.action is OverrideAction.MARK_OTP:
        yield _holding(snapshot, OverrideAction.MARK_OTP, scope, about)


def _is_read_back_to(snapshot: Snapshot, at: datetime) -> bool:
    """Whether a decision that took effect at a time would have been read."""
    return snapshot.is_whole or (snapshot.back_to is not None and snapshot.back_to < at - CUSTOMER_AHEAD)


def _closed(snapshot: Snapshot, scope: Scope) -> Holding:
    return _holding(snapshot, OverrideAction.CLOSE_CASE, scope, _about(snapshot, scope))


def _about(snapshot: Snapshot, scope: Scope) -> Concerns:
    """Tell what is about a login, under its own name or that of one of its accounts, or about an account."""
    account_id = scope.account_id or ""
    login_id = scope.institution_login_id or _login_of(snapshot, account_id)

    def concerns(override: Override) -> bool:
        if override.customer_id != scope.customer_id:
            return False
        named = override.institution_login_id or _login_of(snapshot, override.account_id or "")
        return override.account_id == account_id or (named is not None and named == login_id)

    return concerns


def _login_of(snapshot: Snapshot, account_id: str) -> str | None:
    account = snapshot.accounts.get(account_id)
    return None if account is None else account.login_id


def _releases(scope: Scope) -> Concerns:
    return lambda override: (
        override.customer_id in (None, scope.customer_id)
        and override.institution_login_id in (None, scope.institution_login_id)
    )


def _holding(
    snapshot: Snapshot,
    action: OverrideAction,
    scope: Scope,
    concerns: Concerns | None = None,
    *,
    until: datetime | None = None,
    partitions: Sequence[int] = (),
) -> Holding:
    """Give what is in force with the latest decision that it follows from; of a silence, that of the same scope."""
    follows = concerns or (lambda override: Scope.of(override) == scope)
    latest = next((one for one in snapshot.decided if one.data.action is action and follows(one.data)), None)
    where = tuple(partitions) or tuple(snapshot.partitions)
    found = Holding(action=action, **scope._asdict(), until=until, partitions=where)
    if latest is None:
        return found
    return replace(found, decided_at=latest.at, who=latest.data.who, why=latest.data.why)


def _merged(waiting: Sequence[Decided]) -> Iterator[tuple[Decided, tuple[int, ...]]]:
    """Join the records of one decision, which all partitions have."""
    where: dict[tuple[datetime, str], list[Decided]] = {}
    for one in waiting:
        where.setdefault((one.at, one.data.model_dump_json()), []).append(one)
    for same in where.values():
        yield same[0], tuple(sorted(one.partition for one in same))


def _waiting(merged: tuple[Decided, tuple[int, ...]]) -> Holding:
    one, numbers = merged
    return Holding(
        action=one.data.action,
        **Scope.of(one.data)._asdict(),
        until=one.data.until,
        decided_at=one.at,
        who=one.data.who,
        why=one.data.why,
        waits_at=one.offset,
        partitions=numbers,
    )
