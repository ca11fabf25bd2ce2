"""What operators do: overrides, release of a baseline, forgetting a customer (R16 to R18)."""

from datetime import datetime, timedelta

from tests.oracle import otp
from tests.oracle.closing import close
from tests.oracle.contact import matches
from tests.oracle.messages import send
from tests.oracle.needs import needs_consent
from tests.oracle.reading import Record, any_date, identifier, truth, whole
from tests.oracle.rules import CONSENT, KINDS, OTP
from tests.oracle.state import Case, Customer, Partition, Target


def target_of(data: Record) -> Target:
    """R16: what an override names."""
    return (
        identifier(data.get("customerId")),
        identifier(data.get("accountId")),
        identifier(data.get("institutionLoginId")),
        identifier(data.get("institutionId")),
    )


def names_something(data: Record) -> bool:
    """R16: an override names a customer, account, login or institution, or says `all`."""
    return any(target_of(data)) or truth(data.get("all")) is True


def note_silence(silences: dict[Target, datetime | None], data: Record) -> None:
    """R16: `silence`, without `until` until another one of the same target."""
    if data.get("action") == "silence":
        silences[target_of(data)] = any_date(data.get("until"))


def apply_override(partition: Partition, customer: Customer, data: Record) -> None:
    """R16: `mark_otp`, `unmark_otp` and `close_case` for the cases of one customer that the override names."""
    action, target = data.get("action"), target_of(data)
    if action not in ("mark_otp", "unmark_otp", "close_case"):
        return
    if action == "mark_otp" and target[0] == customer.id and target[2] is not None and target[1] is None:
        customer.case(target[2])
    for case in customer.sorted_cases():
        if not _concerns(customer, case, target):
            continue
        if action == "mark_otp":
            otp.mark(customer, case, 185)
        elif action == "unmark_otp":
            otp.unmark(partition, customer, case, "operator")
        else:
            _close_case(partition, customer, case)
    if action == "close_case":
        _close_waiting(customer, target)


def _concerns(customer: Customer, case: Case, target: Target) -> bool:
    """R16: an override is for a case if it names its login, or one of its accounts, or its institution."""
    if target[1] is not None:
        return any(matches(target, customer, account) for account in customer.of_login(case.login))
    named = ((target[0], customer.id), (target[2], case.login), (target[3], case.institution))
    return all(asked is None or asked == held for asked, held in named)


def _close_case(partition: Partition, customer: Customer, case: Case) -> None:
    """R16: `withdraw: operator`; only a new attempt opens it again, and the OTP mark stays."""
    for kind in [kind for kind in KINDS if kind in case.episodes]:
        episode = case.episodes[kind]
        if kind == OTP:
            case.mark_closed = True
        for one in episode.accounts:
            account = customer.accounts[one]
            if kind == CONSENT:
                account.closed.add("consent")
            elif kind != OTP:
                account.closed.add("code")
                account.run = []
        close(partition, customer, case, episode, "operator")


def _close_waiting(customer: Customer, target: Target) -> None:
    """R14, R16: an account whose command waits for its login is closed, too."""
    for account in customer.accounts.values():
        if account.login is None and account.run and matches(target, customer, account):
            account.closed.add("code")
            account.run = []
        if account.login is None and needs_consent(account) and matches(target, customer, account):
            account.closed.add("consent")


def release_baseline(partition: Partition, data: Record, at: datetime) -> None:
    """R17, R16: release cases that were opened without contact, in the order customer, login, at the rate asked."""
    rate = whole(data.get("rate_per_hour"))
    step = timedelta(milliseconds=3_600_000 // rate) if rate else timedelta(0)
    held = [
        (customer.id, login)
        for customer in partition.customers.values()
        for login, case in customer.cases.items()
        if _held(customer, case, target_of(data))
    ]
    for place, (customer_id, login) in enumerate(sorted(held)):
        for episode in partition.customers[customer_id].cases[login].episodes.values():
            episode.release_at = at + step * place if episode.baseline else None


def _held(customer: Customer, case: Case, target: Target) -> bool:
    """R17: a command of the case waits for its release."""
    waits = any(episode.baseline and not episode.issued for episode in case.episodes.values())
    return waits and _concerns(customer, case, target)


def forget(partition: Partition, customer: Customer) -> None:
    """R18: withdraw the customer's commands and drop the state."""
    for case in customer.sorted_cases():
        for kind in [kind for kind in KINDS if kind in case.episodes]:
            if case.episodes[kind].issued:
                send(partition, customer, case, case.episodes[kind], "withdraw", withdrawn="forgotten")
    del partition.customers[customer.id]
