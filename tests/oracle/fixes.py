"""Data Connect events: which are fix events, whose they are, and what a strong or weak one does (R1, R5 to R8, R12)."""

from datetime import datetime, timedelta

from tests.oracle import otp
from tests.oracle.observe import delete
from tests.oracle.reading import Record, command_id, fix_time, identifier, identifiers, whole
from tests.oracle.rules import CUSTOMER_FACING
from tests.oracle.state import Account, Case, Customer, Partition

PREFIX = "connect."
_DONE_CODES = (0, 200)
_DONE_REASONS = ("success", "complete", "completed", "done", "ok")


def hear_connect(partition: Partition, customer: Customer, event_type: str, data: Record) -> None:
    """R5, R12: take one `connect.<eventType>`; all but fix events and deletions change nothing."""
    if event_type == "accountsDeleted":
        for account_id in identifiers(data.get("accountIds")):
            delete(customer, account_id)
    elif _is_fix(event_type, data):
        _hear_fix(partition, customer, data)


def _is_fix(event_type: str, data: Record) -> bool:
    """R5: `done` unless it has another code or reason than success, `credentialsUpdated`, `added`."""
    if event_type != "done":
        return event_type in ("credentialsUpdated", "added")
    code, reason = whole(data.get("code")), data.get("reason")
    good = reason is None or reason == "" or str(reason).strip().lower() in _DONE_REASONS
    return good and (code is None or code in _DONE_CODES)


def _hear_fix(partition: Partition, customer: Customer, data: Record) -> None:
    """R5: strong for the cases that it is matched to; else weak for every open case of customer and institution."""
    at = fix_time(data.get("eventId"), customer.clock)
    logins, accounts = _matched(customer, data)
    for account in accounts:
        account.fix_between = True
    for login in logins:
        _strong(customer, customer.case(login), at)
    if not logins and not accounts:
        institution = identifier(data.get("institutionId"))
        for case in customer.sorted_cases():
            if case.open() and institution in (None, case.institution):
                _weak(case, customer, at, partition.rules.hours("contact", "weak_fix_hours"))


def _matched(customer: Customer, data: Record) -> tuple[list[str], list[Account]]:
    """R5: the cases that a fix event is strong for, and named accounts that have no login yet."""
    opened = {one.command_id: case.login for case in customer.sorted_cases() for one in case.episodes.values()}
    by_command = (customer.commands | opened).get(command_id(data) or "")
    if by_command is not None:
        return [by_command], []
    named = [customer.accounts.get(one) for one in identifiers(data.get("accountIds"))]
    present = [one for one in named if one is not None and one.deleted is None]
    logins = [one for one in identifiers(data.get("institutionLoginIds")) if _is_known(customer, one)]
    logins += [one.login for one in present if one.login is not None]
    nowhere = [one for one in present if one.login is None]
    if logins or nowhere:
        return sorted(set(logins)), nowhere
    institution = identifier(data.get("institutionId"))
    there = [case.login for case in customer.sorted_cases() if case.open() and case.institution == institution]
    return (there, []) if institution is not None and len(there) == 1 else ([], [])


def _is_known(customer: Customer, login: str) -> bool:
    """R5: a login is known while an account is in it, and once it had an episode, a mark or a contact."""
    case = customer.cases.get(login)
    return (case is not None and case.known()) or any(account.login == login for account in customer.accounts.values())


def _outdated(customer: Customer, case: Case, at: datetime) -> bool:
    """R5: a fix event older than the latest successful attempt on any account of the login changes nothing."""
    successes = [account.success_attempt for account in customer.of_login(case.login)]
    return any(attempt is not None and at < attempt for attempt in successes)


def _strong(customer: Customer, case: Case, at: datetime) -> None:
    """R5, R6: it counts for the episodes that are not younger than it, and a later one is pending anew."""
    if _outdated(customer, case, at):
        return
    for account in customer.of_login(case.login):
        account.fix_between = True
    otp.start_rows_again(customer, case)
    counted = [episode for episode in case.episodes.values() if episode.opened_at <= at]
    for episode in counted:
        episode.fixed = True
        episode.first_fix = at if episode.first_fix is None else min(at, episode.first_fix)
    facing = any(episode.kind in CUSTOMER_FACING for episode in counted)
    if facing and (case.last_fix is None or at > case.last_fix):
        case.pending, case.last_fix, case.verified = at, at, False


def _weak(case: Case, customer: Customer, at: datetime, hold: timedelta) -> None:
    """R5: the next reminder of the case goes not before 2 h after it."""
    if not _outdated(customer, case, at):
        case.weak_until = at + hold if case.weak_until is None else max(at + hold, case.weak_until)
