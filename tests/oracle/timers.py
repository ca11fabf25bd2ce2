"""Timers: which are set, in what order they fire, and what each does (section 4; R6, R7, R8, R12, R15)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.oracle import otp
from tests.oracle.contact import contact, next_contact
from tests.oracle.episodes import settle, speak
from tests.oracle.messages import look_up
from tests.oracle.needs import needing, waits_for_login
from tests.oracle.state import Account, Case, Customer, Partition


@dataclass(frozen=True, order=True)
class Timer:
    """Section 4: timers fire in the order due, (customer,) case, rule; `what` and `account` break ties."""

    due: datetime
    customer: str
    case: str
    rule: int
    account: str
    what: str


def timers(partition: Partition, customer: Customer) -> list[Timer]:
    """Give every timer of a customer, computed anew from the state."""
    if not customer.accounts and customer.heard is not None:
        days = max(partition.rules.days("state", "forget_days"), partition.rules.days("state", "dedupe_days"))
        return [Timer(customer.heard + days, customer.id, "", 12, "", "forget")]
    found = [timer for account in customer.accounts.values() for timer in _of_account(partition, customer, account)]
    found += [timer for case in customer.sorted_cases() for timer in _of_case(partition, customer, case)]
    return sorted(found)


def _of_account(partition: Partition, customer: Customer, account: Account) -> list[Timer]:
    """R12, R15: dropping of a deleted account; warning and passing of an end date."""
    case = account.login or ""
    if account.deleted is not None:
        due = account.deleted + partition.rules.days("state", "forget_days")
        return [Timer(due, customer.id, case, 12, account.id, "drop")]
    if account.end is None or account.passed:
        return []
    warn = account.end - partition.rules.days("warning", "days")
    passing = [Timer(account.end, customer.id, case, 15, account.id, "pass")]
    return passing if account.warned else [Timer(warn, customer.id, case, 15, account.id, "warn"), *passing]


def _of_case(partition: Partition, customer: Customer, case: Case) -> list[Timer]:
    """R6, R7, R8: verify, end of pending, release, reminder, contact."""
    rules = partition.rules
    due: list[tuple[datetime | None, int, str]] = [
        (otp.quiet_release_due(rules, customer, case), 7, "release"),
        (next_contact(partition, customer, case), 8, "contact"),
    ]
    if case.pending is not None:
        due.append((case.pending + rules.hours("verify", "deadline_hours"), 6, "deadline"))
        if not case.verified:
            due.append((case.pending + rules.minutes("verify", "after_minutes"), 6, "verify"))
    days = rules.numbers("contact", "reminder_days")
    if case.schedule_start is not None and case.next_reminder < len(days):
        due.append((case.schedule_start + timedelta(days=days[case.next_reminder]), 8, "a reminder"))
    return [Timer(at, customer.id, case.login, rule, "", what) for at, rule, what in due if at is not None]


def look(partition: Partition, customer: Customer, only: str | None = None) -> None:
    """Section 4: needs are looked at after every event and timer; a timer makes no contact of another case (`only`)."""
    cases = customer.sorted_cases()
    for case in cases:
        settle(partition, customer, case)
    for case in cases:
        speak(partition, customer, case)
    for case in cases:
        if only is None or case.login == only:
            contact(partition, customer, case)
    for account in sorted(customer.accounts.values(), key=lambda one: one.id):
        if waits_for_login(partition.rules, account) and not account.located:
            account.located = True
            look_up(partition, customer, "locate", None, [account])


def fire(partition: Partition, timer: Timer) -> None:
    """Section 4: the message carries the time the timer was due; one already due when it is set, the event time."""
    customer = partition.customers[timer.customer]
    customer.clock = max(customer.clock, timer.due)
    if timer.what == "forget":
        _forget(customer)
    elif timer.account:
        _fire_of_account(customer, timer)
    elif timer.what != "contact":
        _fire_of_case(partition, customer, customer.cases[timer.case], timer.what)
    look(partition, customer, only=timer.case)


def _forget(customer: Customer) -> None:
    """R12: of a customer without accounts nothing is kept but what R16 keeps until another override."""
    customer.heard = None
    for kept in (customer.seen, customer.cases, customer.commands):
        kept.clear()


def _fire_of_account(customer: Customer, timer: Timer) -> None:
    """R12: state is dropped; R15: the end date comes into the window, or passes."""
    account = customer.accounts[timer.account]
    if timer.what == "drop":
        del customer.accounts[timer.account]
    elif timer.what == "warn":
        account.warned = True
    else:
        account.warned = account.passed = True


def _fire_of_case(partition: Partition, customer: Customer, case: Case, what: str) -> None:
    """R6, R7, R8: what each timer of a case does before the needs are looked at."""
    if what == "verify":
        _verify(partition, customer, case)
    elif what == "deadline":
        case.pending = None
        _pull_reminder(partition, customer, case)
    elif what == "release":
        otp.unmark(partition, customer, case, "released")
    else:
        case.next_reminder += 1
        case.reminder_since = case.reminder_since or customer.clock


def _verify(partition: Partition, customer: Customer, case: Case) -> None:
    """R6: one `verify`, if some account needing the case has no observation attempted since the fix event."""
    case.verified = True
    fixed_at = case.pending
    ids = {one for episode in case.facing() for one in needing(partition.rules, customer, case, episode.kind)}
    accounts = [customer.accounts[one] for one in sorted(ids)]
    unseen = [one for one in accounts if one.attempted is None or (fixed_at is not None and one.attempted < fixed_at)]
    if unseen:
        look_up(partition, customer, "verify", case.login, unseen)


def _pull_reminder(partition: Partition, customer: Customer, case: Case) -> None:
    """R6: still open after 26 h, the next reminder of the schedule goes out at once and is used up."""
    issued = any(episode.issued for episode in case.facing())
    left = case.next_reminder < len(partition.rules.numbers("contact", "reminder_days"))
    if issued and left and case.schedule_start is not None and case.reminder_since is None:
        case.next_reminder += 1
        case.reminder_since = customer.clock
