"""What an account record changes: observation, duplicate, stale, deletion and return (R1, R7, R12 to R15, R17)."""

from datetime import datetime

from tests.oracle import otp
from tests.oracle.reading import Snapshot
from tests.oracle.rules import OTP_AT_ONCE, RELINK, REMOVE_DUPLICATE, Rules
from tests.oracle.state import Account, Customer, Partition


def hear_snapshot(partition: Partition, customer: Customer, account_id: str, heard: Snapshot, *, sweep: bool) -> None:
    """R1: take one account snapshot; `sweep`: it comes from a baseline sweep (R17)."""
    account = customer.accounts.get(account_id)
    if account is not None and account.deleted is not None:
        if heard.attempt is None or heard.attempt <= account.deleted:
            return
        account = customer.accounts[account_id] = _returned(partition.rules, account, customer.clock)
    first_seen = account is None
    account = account or customer.accounts.setdefault(account_id, Account(account_id))
    attempt = _attempt(account, heard, customer.clock)
    if attempt == "stale":
        return
    account.updated = _later(account.updated, heard.updated)
    account.succeeded = _later(account.succeeded, heard.success)
    moved = heard.login is not None and heard.login != account.login
    _take_facts(partition.rules, customer, account, heard)
    if isinstance(attempt, datetime) and heard.code is not None:
        _observe(partition, customer, account, heard.code, attempt)
        limit = partition.rules.hours("baseline", "older_hours")
        if sweep and first_seen and heard.attempt is not None:
            account.baseline = customer.clock - heard.attempt > limit
    if moved and account.login is not None and account.standing == OTP_AT_ONCE and "code" not in account.closed:
        otp.mark(customer, customer.case(account.login), OTP_AT_ONCE)


def _attempt(account: Account, heard: Snapshot, now: datetime) -> datetime | str:
    """R1: the attempt of an observation, else `stale`, `duplicate` or `codeless`."""
    if heard.code is None:
        return "codeless"
    if heard.attempt is None:
        return _undated_attempt(account, heard, now)
    if account.attempted is not None and heard.attempt < account.attempted:
        return "stale"
    if heard.attempt == account.attempted and heard.code in account.codes_at_attempt:
        return "duplicate"
    return heard.attempt


def _undated_attempt(account: Account, heard: Snapshot, now: datetime) -> datetime | str:
    """R1, without aggregationAttemptDate: stale by its other dates, new by its code or a strong fix event between."""
    for earlier, latest in ((heard.updated, account.updated), (heard.success, account.succeeded)):
        if earlier is not None and latest is not None and earlier < latest:
            return "stale"
    new = account.code is None or account.code != heard.code or account.fix_between
    return now if new else "duplicate"


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """R1: the latest date of a kind seen on the account."""
    known = [at for at in (one, other) if at is not None]
    return max(known) if known else None


def _take_facts(rules: Rules, customer: Customer, account: Account, heard: Snapshot) -> None:
    """R1, R13: what it newly says about login, institution and authorisation; an absent login erases nothing."""
    account.institution, account.heard = heard.institution or account.institution, customer.clock
    if heard.login is not None and heard.login != account.login:
        _move(customer, account, heard.login)
    if account.login is not None:
        customer.place(account.login, account.institution)
    _take_authorisation(rules, account, heard, customer.clock)


def _move(customer: Customer, account: Account, login: str) -> None:
    """R5, R8, R13: the account moves; its new case takes over the time of the last contact."""
    old, account.login, account.login_since = account.login, login, customer.clock
    account.successes.clear()
    customer.place(login, account.institution)
    if old is not None:
        case = customer.case(login)
        case.last_contact = _later(case.last_contact, customer.case(old).last_contact)
        customer.place(old)


def _take_authorisation(rules: Rules, account: Account, heard: Snapshot, now: datetime) -> None:
    """R15: a new end date is in the window, or has passed, at once if it is so already."""
    before = (account.end, account.expires)
    account.end = heard.end or account.end
    account.expires = account.expires if heard.expires is None else heard.expires
    if account.end is None or (account.end, account.expires) == before:
        return
    _look_ahead(rules, account, now)
    if not account.warned:
        account.closed.discard("consent")


def _look_ahead(rules: Rules, account: Account, now: datetime) -> None:
    """R15: the end date is in the window, or has passed, at this time already."""
    end = account.end if account.expires is True else None
    account.warned = end is not None and end - rules.days("warning", "days") <= now
    account.passed = end is not None and end <= now


def _observe(partition: Partition, customer: Customer, account: Account, code: int, attempt: datetime) -> None:
    """R1, R2: an observation; a code that says nothing about the login leaves the standing as it is."""
    new = attempt != account.attempted
    first = new or not any(partition.rules.says_something(one) for one in account.codes_at_attempt)
    account.codes_at_attempt = [code] if new else [*account.codes_at_attempt, code]
    account.attempted, account.code, account.fix_between = attempt, code, False
    if not partition.rules.says_something(code):
        return
    if first:
        account.closed.clear()
        account.baseline = False
    if code == 0:
        _healthy(customer, account, attempt)
    else:
        account.healthy_since = None
        if "code" not in account.closed:
            if account.run and partition.rules.kind(account.run[-1][1]) != partition.rules.kind(code):
                account.run = []
            account.run.append((attempt, code))
    account.standing = code
    otp.observed(partition, customer, account, code, attempt, new=first)


def _healthy(customer: Customer, account: Account, attempt: datetime) -> None:
    """R4, R7, R14: code 0 ends the failing stretch and the wait for the login."""
    if account.standing != 0:
        account.healthy_since = customer.clock
    account.success_attempt = _later(account.success_attempt, attempt)
    account.run = []
    account.located = False


def delete(customer: Customer, account_id: str) -> None:
    """R12: the account leaves its case; a repeated deletion changes nothing."""
    account = customer.accounts.setdefault(account_id, Account(account_id))
    if account.deleted is not None:
        return
    account.deleted = customer.clock
    if account.login is not None:
        customer.place(account.login)
    case = customer.cases.get(account.login or "")
    for kind in (RELINK, REMOVE_DUPLICATE):
        episode = case.episodes.get(kind) if case is not None else None
        if episode is not None and account_id in episode.accounts:
            episode.fixed = True


def _returned(rules: Rules, account: Account, now: datetime) -> Account:
    """R12: an account that is back keeps where it belongs and its authorisation; it has to be observed anew."""
    returned = Account(
        account.id,
        institution=account.institution,
        login=account.login,
        updated=account.updated,
        succeeded=account.succeeded,
        success_attempt=account.success_attempt,
        end=account.end,
        expires=account.expires,
    )
    _look_ahead(rules, returned, now)
    return returned
