"""The oracle of the customers' side: a log in, every command and lookup out (section 4)."""

from datetime import datetime, timedelta

from tests.oracle.fixes import PREFIX, hear_connect
from tests.oracle.observe import delete, hear_snapshot
from tests.oracle.overrides import apply_override, forget, names_something, note_silence, release_baseline
from tests.oracle.reading import Record, event_time, identifier, snapshot, truth, whole
from tests.oracle.rules import Rules
from tests.oracle.state import Customer, Message, Partition
from tests.oracle.timers import Timer, fire, look, timers

SNAPSHOTS = ("txpush.account.modified", "account.observed")
DELETED = "txpush.account.deleted"
TICK = "clock.tick"
POLICY = "policy.activated"
OPENED = "institution.incident.opened"
CLOSED = "institution.incident.closed"
OVERRIDE = "operator.override"
FORGOTTEN = "customer.forgotten"
EXECUTOR = "/remediation/executor"
CHALLENGED = "account.challenged"
REMEMBERED = timedelta(days=30)
"""R9: how long the sequence of a closed incident is known."""


def judge(log: list[Record]) -> list[Message]:
    """Section 4: fold the log of one partition; give every message in the order in which it goes out."""
    partition = Partition()
    for record in log:
        hear(partition, record)
    return partition.out


def hear(partition: Partition, record: Record) -> None:
    """Section 3: a tick, a record for the whole partition, or one of a single customer."""
    at = event_time(record)
    if record["type"] == TICK:
        _tick(partition, at)
    elif _for_all(record):
        _hear_for_all(partition, record, at)
    else:
        _hear_of_customer(partition, record, at)


def _for_all(record: Record) -> bool:
    """Section 3, R16: policy, incidents, and overrides for an institution or for `all` go to every partition."""
    if record["type"] in (POLICY, OPENED, CLOSED):
        return True
    return record["type"] == OVERRIDE and identifier(record["data"].get("customerId")) is None


def _customer_of(record: Record) -> str | None:
    """Section 2: the key of a customer's record is the customerId."""
    return identifier(record["data"].get("customerId")) or identifier(record.get("partitionkey"))


def _tick(partition: Partition, at: datetime) -> None:
    """Section 4: a tick fires what is due by it, and moves the event time of every customer."""
    _fire_all(partition, at, inclusive=True)
    partition.ticked = at if partition.ticked is None else max(at, partition.ticked)
    for customer in partition.customers.values():
        customer.clock = max(customer.clock, at)


def _fire_all(partition: Partition, limit: datetime, *, inclusive: bool) -> None:
    """Section 4: fire what is due before `limit`, or by it, over all customers in order."""
    while True:
        every = [timer for one in partition.customers.values() for timer in timers(partition, one)]
        due = [timer for timer in every if timer.due < limit or (inclusive and timer.due == limit)]
        if not due:
            return
        fire(partition, min(due))


def _fire_own(partition: Partition, customer: Customer, limit: datetime) -> None:
    """Section 4: timers fire just before the first record of their customer with event time > due."""
    while due := [timer for timer in timers(partition, customer) if timer.due < limit]:
        fire(partition, min(due))


def _fire_new(partition: Partition, customer: Customer, before: list[Timer]) -> None:
    """Section 4: a timer already due when it is set fires at once, at event time."""
    while due := [one for one in timers(partition, customer) if one.due <= customer.clock and one not in before]:
        fire(partition, min(due))


def _hear_for_all(partition: Partition, record: Record, at: datetime) -> None:
    """Section 3: a record to every partition is heard by every customer, as one of its own records."""
    _fire_all(partition, at, inclusive=False)
    customers = [partition.customers[one] for one in sorted(partition.customers)]
    before = {one.id: timers(partition, one) for one in customers}
    for customer in customers:
        customer.clock = max(customer.clock, at)
    if not _change_partition(partition, record, at) or record["type"] == POLICY:
        return
    for customer in customers:
        if record["type"] == OVERRIDE:
            apply_override(partition, customer, record["data"])
        look(partition, customer)
        _fire_new(partition, customer, before[customer.id])


def _change_partition(partition: Partition, record: Record, at: datetime) -> bool:
    """R2, R9, R16, R17: what a record for the whole partition changes there; False: nothing."""
    data = record["data"]
    if record["type"] == POLICY:
        partition.rules = Rules(data.get("policy"), data.get("catalogue"))
    elif record["type"] == OVERRIDE:
        if not names_something(data) or _repeated(partition, record["id"], at):
            return False
        note_silence(partition.silences, data)
        if data.get("action") == "release_baseline":
            release_baseline(partition, data, at)
    else:
        return _change_incident(partition, record, at)
    return True


def _repeated(partition: Partition, event_id: str, at: datetime) -> bool:
    """R1: an override for the whole partition with an id seen within 4 days changes nothing, either."""
    seen_at = partition.seen.get(event_id)
    if seen_at is not None and at - seen_at <= partition.rules.days("state", "dedupe_days"):
        return True
    partition.seen[event_id] = at
    return False


def _change_incident(partition: Partition, record: Record, at: datetime) -> bool:
    """R9, section 3: a sequence at or below the last applied of its institution and code changes nothing.

    That of an incident that was closed more than 30 days before an opening or closing counts no more.
    """
    data = record["data"]
    institution, code, sequence = identifier(data["institution_id"]), whole(data["code"]), whole(data["sequence"])
    if institution is None or code is None or sequence is None:
        return False
    key = (institution, code)
    known = {
        one: last
        for one, last in partition.sequences.items()
        if one in partition.incidents or at - last[1] <= REMEMBERED
    }
    if key in known and sequence <= known[key][0]:
        return False
    partition.sequences = {**known, key: (sequence, at)}
    partition.incidents.pop(key, None)
    if record["type"] == OPENED:
        partition.incidents[key] = at
    return True


def _hear_of_customer(partition: Partition, record: Record, at: datetime) -> None:
    """Section 4, R1: timers first, then the event unless its id was seen, then the needs and timers already due.

    R18: the executor was asked about a customer who was known; an answer about nobody comes too late.
    """
    customer_id = _customer_of(record)
    if customer_id is None or (record["type"] in (*SNAPSHOTS, DELETED) and _account_of(record) is None):
        return
    if record["source"] == EXECUTOR and customer_id not in partition.customers:
        return
    start = at if partition.ticked is None else max(at, partition.ticked)
    customer = partition.customers.setdefault(customer_id, Customer(customer_id, start))
    _fire_own(partition, customer, max(customer.clock, at))
    customer.clock = max(customer.clock, at)
    customer.heard = customer.clock
    before = timers(partition, customer)
    if _seen(partition.rules, customer, record["id"]):
        return
    _change(partition, customer, record, at)
    if customer_id in partition.customers:
        look(partition, customer)
        _fire_new(partition, customer, before)


def _seen(rules: Rules, customer: Customer, event_id: str) -> bool:
    """R1: a `ce_id` seen for this customer within 4 days changes nothing."""
    seen_at, customer.seen[event_id] = customer.seen.get(event_id), customer.clock
    return seen_at is not None and customer.clock - seen_at <= rules.days("state", "dedupe_days")


def _account_of(record: Record) -> str | None:
    """Section 3: an account record without customer or account id goes to the dead letter."""
    return identifier(record["data"].get("accountId"))


def _change(partition: Partition, customer: Customer, record: Record, at: datetime) -> None:
    """Section 3: what each type of a customer's record changes; reports change nothing."""
    event_type, data = str(record["type"]), record["data"]
    account_id = _account_of(record)
    if event_type in SNAPSHOTS and account_id is not None:
        sweep = event_type == "account.observed" and truth(data.get("baseline")) is True
        hear_snapshot(partition, customer, account_id, snapshot(record, customer.clock), sweep=sweep)
    elif event_type == DELETED and account_id is not None:
        delete(customer, account_id)
    elif event_type.startswith(PREFIX):
        hear_connect(partition, customer, event_type.removeprefix(PREFIX), data)
    elif event_type == CHALLENGED:
        _challenge(customer, data)
    elif event_type == OVERRIDE:
        data = {**data, "customerId": customer.id}
        note_silence(customer.silences, data)
        apply_override(partition, customer, data)
        if data.get("action") == "release_baseline":
            release_baseline(partition, data, at)
    elif event_type == FORGOTTEN:
        forget(partition, customer)


def _challenge(customer: Customer, data: Record) -> None:
    """R7: a challenge on a live call makes a login with accounts suspicious, and changes no message."""
    account = customer.accounts.get(identifier(data.get("accountId")) or "")
    login = identifier(data.get("institutionLoginId")) or (account.login if account else None)
    if login is not None and customer.of_login(login) and not customer.case(login).marked:
        customer.case(login).challenged = True
