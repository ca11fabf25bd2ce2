"""One poll of the agent: customers taken from the tables, decided on in order, and given back changed."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, EventType, Incident, Override, Source
from schemas.state import AccountState, LoginState, Surroundings, encode
from streams.agent.outgoing import HealthWriter, SignalWriter
from streams.agent.tables import AgentTables
from streams.agent.wide import baseline_releases, concerned
from streams.domain import (
    Customer,
    Decision,
    Outcome,
    Rules,
    customer_of,
    decide,
    hear_around,
    next_due,
    release_baseline,
    review,
)
from streams.fold import SourceRecord, Table
from streams.fold.ledger import Ledger
from streams.fold.logfold import Due
from streams.fold.messages import send

log = logging.getLogger(__name__)

MAX_ACCOUNTS = 1000
"""Accounts of one customer: a record of the state has to fit a Kafka batch, and a decision its time."""


class AgentTurn:
    """The customers of one poll; what is decided later in it sees what was decided before."""

    def __init__(
        self, tables: AgentTables, partition: int, ledger: Ledger, signal_partition: Callable[[str], int]
    ) -> None:
        self._tables = tables
        self._partition = partition
        self._ledger = ledger
        self._signals = SignalWriter(partition, ledger, signal_partition)
        self._health = HealthWriter(partition, ledger)
        self._customers: dict[str, Customer | None] = {}
        self._held: set[str] = set()
        self._due: dict[str, tuple[datetime | None, Rules, Surroundings]] = {}
        self._known = tables.customers.partition(partition)
        self._before = self._around = tables.around(partition)
        self._accounts: dict[str, AccountState | None] = {}
        self._logins: dict[str, LoginState | None] = {}

    def is_known(self, key: str) -> bool:
        """Tell whether the customer has state here, and so belongs here."""
        return key in self._known

    def _customer(self, customer_id: str) -> Customer | None:
        if customer_id in self._customers:
            return self._customers[customer_id]
        return self._tables.customer(self._partition, customer_id)

    def _everyone(self) -> Iterable[Customer]:
        """Give every customer of the partition, ascending."""
        for customer_id in sorted({*self._known, *self._customers}):
            customer = self._customer(customer_id)
            if customer is not None:
                yield customer

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on an event of a customer, or of the whole partition."""
        customer_id = customer_of(event)
        if customer_id is None:
            self._hear_wide(record, event)
            return
        if customer_id != event.partition_key:
            detail = f"the key {event.partition_key!r} is not the customer {customer_id!r}"
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)
        decision = self._decided(customer_id, event)
        self._keep(record, event, customer_id, decision)
        self._ledger.tally.count("event", event.type, decision.outcome)

    def _decided(self, customer_id: str, event: Event) -> Decision:
        ledger = self._ledger
        return decide(self._customer(customer_id), event, ledger.in_force.rules, ledger.ticked_at, self._around)

    # -- events about the whole partition

    def _hear_wide(self, record: SourceRecord, event: Event) -> None:
        """Take an incident or an override of all: it changes what surrounds customers, and so who is contacted."""
        if not isinstance(event.data, Incident | Override):
            self._ledger.tally.count("event", event.type, Outcome.UNHANDLED)
            return
        around = hear_around(self._around, event, event.time)
        outcome = Outcome.DUPLICATE if around == self._around else Outcome.INCIDENT
        if around != self._around:
            self._around = around
            state = (encode(around),)
            self._ledger.decided(record, event.id, None, rules=(_rule_of(event),), state=state)
            self._review(record, event)
        if isinstance(event.data, Override):
            outcome = Outcome.OVERRIDDEN
            self._release(record, event, event.data)
        self._ledger.tally.count("event", event.type, outcome)

    def _review(self, record: SourceRecord, event: Event) -> None:
        """Look anew at every customer whom the event may free, or whose timers it moves."""
        rules, ticked_at = self._ledger.in_force.rules, self._ledger.ticked_at
        for customer in list(concerned(self._everyone(), event)):
            self._guarded(
                record, event, customer.customer_id, partial(review, customer, event, rules, ticked_at, self._around)
            )

    def _release(self, record: SourceRecord, event: Event, override: Override) -> None:
        rules, ticked_at = self._ledger.in_force.rules, self._ledger.ticked_at
        for customer_id, login_id, at in list(baseline_releases(self._everyone(), override, event.time)):
            customer = self._customers.get(customer_id) or self._tables.known(self._partition, customer_id)
            release = partial(
                release_baseline, customer, login_id, event, at, rules, ticked_at=ticked_at, around=self._around
            )
            self._guarded(record, event, customer_id, release)

    # -- ticks

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, customer), customers changed within this poll included."""
        ticked_at = self._ledger.ticked_at
        ordered = []
        for customer_id in ({customer_id for _, customer_id in due} | self._customers.keys()) - self._held:
            at = self._next_due(customer_id)
            if at is not None and ticked_at is not None and at <= ticked_at:
                ordered.append((at, customer_id))
        for _, customer_id in sorted(ordered):
            self._guarded(record, event, customer_id, partial(self._decided, customer_id, event))
        self._ledger.tally.count("event", EventType.CLOCK_TICK, "tick")

    def _next_due(self, customer_id: str) -> datetime | None:
        customer = self._customer(customer_id)
        return None if customer is None else next_due(customer, self._ledger.in_force.rules, self._around)

    def _guarded(self, record: SourceRecord, event: Event, customer_id: str, decided: Callable[[], Decision]) -> None:
        """Decide on one customer of many; one who fails waits for its next own event, the others go on."""
        try:
            decision = decided()
        except Exception as error:
            log.exception("the decision on a customer failed at %s", event.id)
            detail = f"timers: {type(error).__name__}: the log of the worker has the trace"
            self._ledger.set_aside(record, UnreadableRecord(DeadLetterReason.DECISION_FAILED, detail))
            self._held.add(customer_id)
        else:
            self._keep(record, event, customer_id, decision)

    # -- keeping what was decided

    def _keep(self, record: SourceRecord, event: Event, customer_id: str, decision: Decision) -> None:
        if decision.customer is not None and len(decision.customer.accounts) > MAX_ACCOUNTS:
            detail = f"the customer would have more than {MAX_ACCOUNTS} accounts"
            raise UnreadableRecord(DeadLetterReason.BAD_DATA, detail)
        state = self._remember(customer_id, decision)
        self._customers[customer_id] = decision.customer
        self._held.discard(customer_id)
        due = None if decision.customer is None else decision.next_due
        self._due[customer_id] = (due, self._ledger.in_force.rules, self._around)
        if decision.future_dates:
            self._ledger.tally.count("future_dates", times=decision.future_dates)
        for institution_id, login_id in decision.counted:
            self._signals.count(record, customer_id, institution_id, login_id, decision.event_time)
        if decision.changed:
            messages = [send(self._ledger, message, Source.AGENT) for message in decision.messages]
            messages += [self._signals.write(record, self._number(record), signal) for signal in decision.signals]
            phases = decision.phase_before, decision.phase_after
            self._ledger.decided(
                record, event.id, customer_id, phases=phases, rules=decision.rules, messages=messages, state=state
            )

    def _number(self, record: SourceRecord) -> int:
        """Number the signals of a record: a tick has those of many customers."""
        if self._numbered != record.offset:
            self._numbered, self._numbers = record.offset, -1
        self._numbers += 1
        return self._numbers

    _numbered = -1
    _numbers = -1

    def _remember(self, customer_id: str, decision: Decision) -> list[bytes]:
        """Note the changed records and give them encoded, accounts first."""
        customer, rules, encoded = decision.customer, self._ledger.in_force.rules, []
        for account_id in decision.erased:  # first: the event that found its customer forgotten may bring one back
            self._health.erase(customer_id, account_id)
        for account_id in decision.accounts:
            account = None if customer is None else customer.accounts.get(account_id)
            self._accounts[f"{customer_id}/{account_id}"] = account
            if account is not None:
                self._health.heard(customer_id, account_id, rules)
            elif account_id not in decision.erased:
                self._health.say_last(self._customer(customer_id), customer_id, account_id)
            encoded.append(b"" if account is None else encode(account))
        for login_id in decision.logins:
            login = None if customer is None else customer.logins.get(login_id)
            self._logins[f"{customer_id}/{login_id}"] = login
            encoded.append(b"" if login is None else encode(login))
            for account_id, _ in () if customer is None else customer.live_at(login_id):
                self._health.heard(customer_id, account_id, rules)
        return encoded

    # -- what becomes of it

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give the changed records, and put the health of accounts and the counts of logins into the outbox."""
        self._health.write(self._customers)
        self._signals.write_counts()
        headers = {
            customer_id: None if customer is None else customer.state
            for customer_id, customer in self._customers.items()
        }
        around: Mapping[str, Surroundings] = (
            {} if self._around is self._before else {str(self._partition): self._around}
        )
        return {
            self._tables.accounts: self._accounts,
            self._tables.logins: self._logins,
            self._tables.customers: headers,
            self._tables.surroundings: around,
        }

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers of the customers of this poll."""
        rules = self._ledger.in_force.rules
        known = {
            customer_id: due
            for customer_id, (due, *under) in self._due.items()
            if under[0] is rules and under[1] is self._around
        }
        others = self._customers.keys() - known.keys()
        return known | {key: self._next_due(key) for key in others} | dict.fromkeys(self._held)


def _rule_of(event: Event) -> str:
    return "R9" if isinstance(event.data, Incident) else "R16"
