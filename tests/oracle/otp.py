"""Repeated 185: relapses, the mark of a login, and its release (R7)."""

from datetime import datetime

from tests.oracle.closing import close
from tests.oracle.contact import incident_end
from tests.oracle.rules import CHALLENGE, CONNECT_FIX, OTP, OTP_AT_ONCE, Rules
from tests.oracle.state import Account, Case, Customer, Episode, Partition


def mark(customer: Customer, case: Case, code: int) -> None:
    """R7: the login asks for a passcode at every login; the row of successes starts here."""
    if case.marked:
        return
    case.marked, case.marked_at, case.mark_code, case.mark_closed = True, customer.clock, code, False
    start_rows_again(customer, case)


def unmark(partition: Partition, customer: Customer, case: Case, outcome: str) -> None:
    """R7: marking ends; relapses and ends before it are forgotten."""
    if not case.marked:
        return
    if OTP in case.episodes:
        close(partition, customer, case, case.episodes[OTP], outcome)
    for episode in case.episodes.values():
        episode.challenges.clear()
    case.marked, case.marked_at, case.mark_closed = False, None, False
    case.relapses, case.repaired_at, case.repair_used = 0, None, False
    start_rows_again(customer, case)


def start_rows_again(customer: Customer, case: Case) -> None:
    """R7: the rows of successes of all accounts of the login start again."""
    for account in customer.accounts.values():
        if account.login == case.login:
            account.successes.clear()


def opened_by(rules: Rules, case: Case, episode: Episode, opener: Account) -> bool:
    """R7: count an episode opened by a 185; True if it confirms that the login is OTP."""
    began_before = case.repaired_at is not None and episode.opened_at < case.repaired_at
    if episode.kind != CONNECT_FIX or opener.standing != CHALLENGE or not opener.counts or began_before:
        return False
    episode.by_challenge = True
    relapsed = False
    if case.repaired_at is None or episode.opened_at - case.repaired_at > rules.days("otp", "window_days"):
        case.relapses = 0
    elif not case.repair_used:
        case.relapses, case.repair_used, relapsed = case.relapses + 1, True, True
    episode.relapses = case.relapses
    return relapsed and case.relapses >= rules.number("otp", "relapses")


def confirmed_by_attempts(rules: Rules, case: Case) -> bool:
    """R7: 2 distinct attempts with 185 on one account, later than the first strong fix event of the same episode."""
    episode = case.episodes.get(CONNECT_FIX)
    if case.marked or episode is None or episode.first_fix is None:
        return False
    for attempts in episode.challenges.values():
        later = [attempt for attempt in attempts if attempt > episode.first_fix]
        if len(later) >= rules.number("otp", "attempts_after_fix"):
            return True
    return False


def observed(
    partition: Partition, customer: Customer, account: Account, code: int, attempt: datetime, *, new: bool
) -> None:
    """R7: what an observation that says something means for the mark of its login; `new`: a new attempt."""
    if code == CHALLENGE:
        opened_at = partition.incidents.get((account.institution or "", CHALLENGE))
        account.counts = opened_at is None or customer.clock >= incident_end(partition, opened_at)
    if account.login is None:
        return
    case = customer.case(account.login)
    if code in (CHALLENGE, OTP_AT_ONCE) and new:
        case.mark_closed = False
    if code == OTP_AT_ONCE:
        start_rows_again(customer, case)
        mark(customer, case, OTP_AT_ONCE)
    elif code == CHALLENGE:
        _challenged(customer, case, account, attempt)
    elif code == 0:
        _succeeded(partition, customer, case, account, attempt)
    else:
        account.successes.clear()


def _challenged(customer: Customer, case: Case, account: Account, attempt: datetime) -> None:
    """R7: a 185 starts the rows again and counts in its episode, unless an incident of it is open."""
    if not account.counts:
        return
    start_rows_again(customer, case)
    episode = case.episodes.get(CONNECT_FIX)
    if episode is not None:
        episode.challenges.setdefault(account.id, set()).add(attempt)


def _succeeded(partition: Partition, customer: Customer, case: Case, account: Account, attempt: datetime) -> None:
    """R7: released by 5 distinct successful attempts in a row on an account."""
    if not case.marked:
        return
    account.successes.add(attempt)
    if len(account.successes) >= partition.rules.number("otp", "release_successes"):
        unmark(partition, customer, case, "released")


def quiet_release_due(rules: Rules, customer: Customer, case: Case) -> datetime | None:
    """R7: when all accounts of a marked login will have stood at code 0 for 90 days."""
    accounts = customer.of_login(case.login)
    if not case.marked or case.marked_at is None or not accounts:
        return None
    healthy = [account.healthy_since for account in accounts if account.healthy_since is not None]
    there = [account.login_since for account in accounts if account.login_since is not None]
    if len(healthy) < len(accounts):
        return None
    return max(case.marked_at, *healthy, *there) + rules.days("otp", "release_quiet_days")
