"""The plain fold of the inbound log: one dict of customers, one loop, nothing of the machinery under test."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import ClockTick, Event, Incident, Override, PolicyActivated
from schemas.state import encode
from schemas.times import rfc3339, to_epoch_ms
from streams.domain import (
    DECIDED_AT_ONCE,
    NOWHERE,
    Customer,
    Decision,
    OutgoingSignal,
    OutgoingWish,
    account_health,
    customer_of,
    decide,
    hear_around,
    next_due,
    review,
    waiting_cases,
)
from tests.chaos.check.books import (
    AGENT,
    BRIDGE,
    EXECUTOR,
    INSTITUTIONS,
    OPERATOR,
    SWEEP,
    Books,
    Expected,
    Message,
    headers_of,
    named,
    place_of,
)
from tests.chaos.check.export import Record

LOG, SIGNALS = "aggregation.events", "institution.signals"
SOURCES = {
    "txpush.account.modified": frozenset({BRIDGE}),
    "txpush.account.deleted": frozenset({BRIDGE, SWEEP}),
    "account.observed": frozenset({EXECUTOR, SWEEP}),
    "account.challenged": frozenset({BRIDGE}),
    "connect.": frozenset({BRIDGE}),
    "command.reported": frozenset({BRIDGE}),
    "policy.activated": frozenset({OPERATOR, AGENT}),
    "clock.tick": frozenset({AGENT}),
    "institution.incident.opened": frozenset({INSTITUTIONS}),
    "institution.incident.closed": frozenset({INSTITUTIONS}),
    "operator.override": frozenset({OPERATOR}),
    "customer.forgotten": frozenset({OPERATOR}),
}


class AgentFold:
    """What the agent should have made of one partition."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.books = Books(LOG, partition, partitions, SOURCES)
        self._partitions = partitions
        self._customers: dict[str, Customer] = {}
        self._around = NOWHERE
        self._numbers: Counter[int] = Counter()

    def run(self, records: Iterable[Record]) -> Expected:
        """Fold the records in the order of their offsets."""
        for record in records:
            try:
                self._take(record, self.books.read(record))
            except UnreadableRecord as error:
                self.books.set_aside(record, error)
        return self._finished()

    def _take(self, record: Record, event: Event) -> None:
        if isinstance(event.data, PolicyActivated):
            self.books.activate(record, event, event.data)
        elif isinstance(event.data, ClockTick):
            self._tick(record, event, self.books.tick(event.time))
        elif isinstance(event.data, Incident | Override) and customer_of(event) is None:
            self._hear_wide(record, event)
        elif (customer_id := customer_of(event)) is not None:
            if customer_id != event.partition_key:
                raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, customer_id)
            self._decide(record, event, customer_id)

    def _tick(self, record: Record, event: Event, at: datetime) -> None:
        due = [(next_due(customer, self.books.rules, self._around), key) for key, customer in self._customers.items()]
        ready = sorted((due_at, key) for due_at, key in due if due_at is not None and due_at <= at)
        for _, customer_id in ready[:DECIDED_AT_ONCE]:
            self._decide(record, event, customer_id)

    def _decide(self, record: Record, event: Event, customer_id: str) -> None:
        before = self._customers.get(customer_id)
        decision = decide(before, event, self.books.rules, self.books.expected.ticked_at, self._around)
        if before is not None:
            self._last_words(before, decision.customer)
        for account_id in decision.erased:
            self.books.expected.health.pop(f"{customer_id}/{account_id}", None)
        self._keep(record, event, customer_id, decision)

    def _hear_wide(self, record: Record, event: Event) -> None:
        """Take an incident: it changes what surrounds customers, and those who wait are looked at anew."""
        around = hear_around(self._around, event, event.time)
        if around == self._around:
            return
        self._around = around
        self.books.expected.tables["surroundings"] = {str(self.books.partition): encode(around)}
        self.books.audit(record, event.id, rules=("R9",), state=(encode(around),))
        concerned = [
            customer
            for _, customer in sorted(self._customers.items())
            if any(customer.logins[key].institution_id == _institution(event) for key in waiting_cases(customer))
        ]
        for customer in concerned[:DECIDED_AT_ONCE]:
            decision = review(customer, event, self.books.rules, self.books.expected.ticked_at, around)
            self._keep(record, event, customer.customer_id, decision)

    def _keep(self, record: Record, event: Event, customer_id: str, decision: Decision) -> None:
        if decision.customer is None:
            self._customers.pop(customer_id, None)
        else:
            self._customers[customer_id] = decision.customer
        if decision.changed:
            self._write(record, event, customer_id, decision)

    def _write(self, record: Record, event: Event, customer_id: str, decision: Decision) -> None:
        messages = [self.books.command(message, AGENT) for message in decision.messages]
        messages += [self._signal(record, signal) for signal in decision.signals]
        self.books.audit(
            record,
            event.id,
            key=customer_id,
            phases=(decision.phase_before, decision.phase_after),
            rules=decision.rules,
            messages=messages,
            state=_changed(decision),
        )

    def _signal(self, record: Record, signal: OutgoingSignal | OutgoingWish) -> dict[str, str]:
        partition, number = self.books.partition, self._numbers[record.offset]
        self._numbers[record.offset] += 1
        signal_id, institution = f"{partition}/{record.offset}/{number}", signal.institution_id
        value = signal.sourced(partition, record.offset).model_dump_json().encode()
        subject = f"institutions/{institution}/codes/{'' if signal.code is None else signal.code}"
        headers = headers_of(signal_id, signal.type, AGENT, rfc3339(signal.time), subject)
        message = Message(institution.encode(), value, headers, to_epoch_ms(signal.time))
        self.books.say((SIGNALS, place_of(institution.encode(), self._partitions)), message)
        return named(SIGNALS, signal_id, value)

    def _last_words(self, before: Customer, after: Customer | None) -> None:
        """Keep the health of accounts that are dropped: their last record stays, until it is erased."""
        kept = () if after is None else after.accounts
        for account_id in before.accounts.keys() - set(kept):
            self._tell_health(before, account_id)

    def _tell_health(self, customer: Customer, account_id: str) -> None:
        health = account_health(customer, account_id, self.books.rules)
        self.books.expected.health[f"{customer.customer_id}/{account_id}"] = encode(health)

    def _finished(self) -> Expected:
        expected = self.books.expected
        accounts: dict[str, bytes] = {}
        logins: dict[str, bytes] = {}
        customers: dict[str, bytes] = {}
        for customer_id, customer in self._customers.items():
            customers[customer_id] = encode(customer.state)
            accounts |= {f"{customer_id}/{key}": encode(state) for key, state in customer.accounts.items()}
            logins |= {f"{customer_id}/{key}": encode(state) for key, state in customer.logins.items()}
            for account_id in customer.accounts:
                self._tell_health(customer, account_id)
        expected.tables |= {"accounts": accounts, "logins": logins, "customers": customers}
        return expected


def _institution(event: Event) -> str | None:
    return event.data.institution_id if isinstance(event.data, Incident | Override) else None


def _changed(decision: Decision) -> list[bytes]:
    """Encode the changed records, accounts first; nothing for one that was dropped."""
    customer = decision.customer
    accounts = {} if customer is None else customer.accounts
    logins = {} if customer is None else customer.logins
    states = [*map(accounts.get, decision.accounts), *map(logins.get, decision.logins)]
    return [b"" if state is None else encode(state) for state in states]
