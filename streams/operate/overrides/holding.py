"""Which overrides are in force, out of what the agent keeps and what its log says; pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from schemas.events import Override, OverrideAction
from schemas.state import AccountState, Consent
from streams.operate.overrides.books import Books, Decided
from streams.operate.overrides.scope import Scope

Concerns = Callable[[Override], bool]


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


def holdings(books: Books, customer_id: str | None, now: datetime) -> list[Holding]:
    """Give what is in force, and then what waits."""
    found = [*_wide(books, now)]
    if customer_id is not None and books.customer is not None:
        found += [*_silences(books, customer_id, now), *_of_logins(books, customer_id)]
    return found + [_waiting(one) for one in _merged(books.waiting)]


def is_told(books: Books, customer_id: str | None, now: datetime) -> bool:
    """Whether it is known of all that is in force who decided it."""
    return all(one.who is not None for one in holdings(books, customer_id, now))


def only(books: Books, login_id: str | None, account_id: str | None) -> Books:
    """Leave out what does not bear on a login or an account."""
    if login_id is None and account_id is None:
        return books
    if account_id is not None:
        account = books.accounts.get(account_id)
        accounts = {} if account is None else {account_id: account}
        login_id = None if account is None else account.login_id
    else:
        accounts = {key: one for key, one in books.accounts.items() if one.login_id == login_id}
    logins = {key: one for key, one in books.logins.items() if key == login_id}
    keys = {"", f"logins/{login_id}", *(f"accounts/{key}" for key in accounts)}
    customer = books.customer
    if customer is not None:
        silences = {key: silence for key, silence in customer.silences.items() if key in keys}
        customer = replace(customer, silences=silences)
    waiting = [one for one in books.waiting if _bears_on(Scope.of(one.data), login_id, accounts)]
    return Books(
        books.partitions, customer, accounts, logins, books.around, waiting, books.decided, is_whole=books.is_whole
    )


def _bears_on(scope: Scope, login_id: str | None, accounts: dict[str, AccountState]) -> bool:
    return scope.institution_login_id in (None, login_id) and (scope.account_id is None or scope.account_id in accounts)


def _wide(books: Books, now: datetime) -> Iterator[Holding]:
    """Give the silences of many, those of institutions that no account is of left out where a customer is asked for."""
    where: dict[tuple[str, datetime | None], list[int]] = {}
    for number, around in sorted(books.around.items()):
        for key, silence in around.silences.items():
            if silence.until is None or silence.until > now:
                where.setdefault((key, silence.until), []).append(number)
    institutions = {account.institution_id for account in books.accounts.values()}
    for (key, until), numbers in sorted(where.items(), key=lambda one: one[0][0]):
        scope = Scope.of_wide_silence(key)
        if books.customer is None or scope.institution_id is None or scope.institution_id in institutions:
            yield _holding(books, OverrideAction.SILENCE, scope, until=until, partitions=tuple(numbers))


def _silences(books: Books, customer_id: str, now: datetime) -> Iterator[Holding]:
    silences = {} if books.customer is None else books.customer.silences
    for key, silence in sorted(silences.items()):
        if silence.until is None or silence.until > now:
            yield _holding(books, OverrideAction.SILENCE, Scope.of_silence(customer_id, key), until=silence.until)


def _of_logins(books: Books, customer_id: str) -> Iterator[Holding]:
    for login_id, login in sorted(books.logins.items()):
        scope = Scope(customer_id, login_id)
        if login.otp is not None:
            yield from _mark(books, scope)
        if any(one.release_at is not None and one.waiting_since is not None for one in login.episodes.values()):
            yield _holding(books, OverrideAction.RELEASE_BASELINE, scope, _releases(scope))
        if login.otp is not None and login.otp.closed:
            yield _closed(books, scope)
    for account_id, account in sorted(books.accounts.items()):
        if account.closed or account.consent is Consent.CLOSED:
            yield _closed(books, Scope(customer_id, None, account_id))


def _mark(books: Books, scope: Scope) -> Iterator[Holding]:
    """Give a mark that an operator set, or may have set; one that no record in the log is about is the rules' own."""
    marks = (OverrideAction.MARK_OTP, OverrideAction.UNMARK_OTP)
    latest = next((one for one in books.decided if one.data.action in marks and _about(books, scope)(one.data)), None)
    if latest is None and books.is_whole:
        return
    if latest is None or latest.data.action is OverrideAction.MARK_OTP:
        yield _holding(books, OverrideAction.MARK_OTP, scope, _about(books, scope))


def _closed(books: Books, scope: Scope) -> Holding:
    return _holding(books, OverrideAction.CLOSE_CASE, scope, _about(books, scope))


def _about(books: Books, scope: Scope) -> Concerns:
    """Tell what is about a login, under its own name or that of one of its accounts, or about an account."""
    account_id = scope.account_id or ""
    login_id = scope.institution_login_id or _login_of(books, account_id)

    def concerns(override: Override) -> bool:
        if override.customer_id != scope.customer_id:
            return False
        named = override.institution_login_id or _login_of(books, override.account_id or "")
        return override.account_id == account_id or (named is not None and named == login_id)

    return concerns


def _login_of(books: Books, account_id: str) -> str | None:
    account = books.accounts.get(account_id)
    return None if account is None else account.login_id


def _releases(scope: Scope) -> Concerns:
    return lambda override: (
        override.customer_id in (None, scope.customer_id)
        and override.institution_login_id in (None, scope.institution_login_id)
    )


def _holding(
    books: Books,
    action: OverrideAction,
    scope: Scope,
    concerns: Concerns | None = None,
    *,
    until: datetime | None = None,
    partitions: Sequence[int] = (),
) -> Holding:
    """Give what is in force with the latest decision that it follows from; of a silence, that of the same scope."""
    follows = concerns or (lambda override: Scope.of(override) == scope)
    latest = next((one for one in books.decided if one.data.action is action and follows(one.data)), None)
    where = tuple(partitions) or tuple(books.partitions)
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
