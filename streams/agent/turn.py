"""One poll of the agent: customers taken from the tables, decided on in order, and given back changed."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, EventType, Source
from schemas.state import AccountState, CustomerState, LoginState, encode
from schemas.times import rfc3339
from streams.domain import Customer, Decision, Outcome, Rules, account_health, customer_of, decide, next_due
from streams.domain.messages import OutgoingSignal
from streams.fold import SourceRecord, Table
from streams.fold.effects import OutRecord
from streams.fold.intake import partition_of
from streams.fold.ledger import Ledger, Written
from streams.fold.logfold import Due
from streams.fold.messages import headers_of, send
from streams.kafka.topics import HEALTH, SIGNALS

log = logging.getLogger(__name__)

MAX_ACCOUNTS = 1000
"""Accounts of one customer: a record of the state has to fit a Kafka batch, and a decision its time."""


@dataclass(frozen=True, slots=True)
class AgentTables:
    """The agent's own tables."""

    accounts: Table
    logins: Table
    customers: Table

    def all(self) -> tuple[Table, ...]:
        """Give the tables in a fixed order."""
        return (self.accounts, self.logins, self.customers)

    def customer(self, partition: int, customer_id: str) -> Customer | None:
        """Put a customer's state together; None for one that is not known."""
        state: CustomerState | None = self.customers.partition(partition).get(customer_id)
        if state is None:
            return None
        accounts, logins = self.accounts.partition(partition), self.logins.partition(partition)
        return Customer(
            customer_id,
            state,
            {account_id: accounts[f"{customer_id}/{account_id}"] for account_id in state.account_ids},
            {login_id: logins[f"{customer_id}/{login_id}"] for login_id in state.login_ids},
        )


class AgentDecider:
    """Decides per customer, on tables of accounts, logins and customers."""

    def __init__(self, tables: AgentTables, partitions: int) -> None:
        self._tables = tables
        self._signal_partition = lru_cache(1 << 16)(lambda institution: partition_of(institution, partitions))

    @property
    def tables(self) -> Sequence[Table]:
        """The agent's own tables."""
        return self._tables.all()

    def turn(self, partition: int, ledger: Ledger) -> "AgentTurn":
        """Begin a poll."""
        return AgentTurn(self._tables, partition, ledger, self._signal_partition)

    def all_due(self, partition: int, rules: Rules) -> Iterable[tuple[str, datetime | None]]:
        """Give the earliest timer of every customer."""
        for customer_id in self._tables.customers.partition(partition):
            customer = self._tables.customer(partition, customer_id)
            if customer is not None:
                yield customer_id, next_due(customer, rules)


class AgentTurn:
    """The customers of one poll; what is decided later in it sees what was decided before."""

    def __init__(self, tables: AgentTables, partition: int, ledger: Ledger, signal_partition: Any) -> None:  # noqa: ANN401 - a cached function
        self._tables = tables
        self._partition = partition
        self._ledger = ledger
        self._signal_partition = signal_partition
        self._customers: dict[str, Customer | None] = {}
        self._held: set[str] = set()
        self._known = tables.customers.partition(partition)
        self._accounts: dict[str, AccountState | None] = {}
        self._logins: dict[str, LoginState | None] = {}
        self._heard: dict[tuple[str, str], Rules] = {}

    def is_known(self, key: str) -> bool:
        """Tell whether the customer has state here, and so belongs here."""
        return key in self._known

    def _customer(self, customer_id: str) -> Customer | None:
        if customer_id in self._customers:
            return self._customers[customer_id]
        return self._tables.customer(self._partition, customer_id)

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on an event of a customer."""
        customer_id = customer_of(event)
        if customer_id is None:
            self._ledger.tally.count("event", event.type, Outcome.UNHANDLED)
            return
        if customer_id != event.partition_key:
            detail = f"the key {event.partition_key!r} is not the customer {customer_id!r}"
            raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)
        decision = decide(self._customer(customer_id), event, self._ledger.in_force.rules, self._ledger.ticked_at)
        self._keep(record, event, customer_id, decision)
        self._ledger.tally.count("event", event.type, decision.outcome)

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, customer), customers changed within this poll included."""
        rules, ticked_at = self._ledger.in_force.rules, self._ledger.ticked_at
        waiting = {customer_id for _, customer_id in due} | self._customers.keys()
        ordered = []
        for customer_id in waiting:
            customer = self._customer(customer_id)
            at = None if customer is None else next_due(customer, rules)
            if at is not None and ticked_at is not None and at <= ticked_at:
                ordered.append((at, customer_id))
        for _, customer_id in sorted(ordered):
            self._fire(record, event, customer_id)
        self._ledger.tally.count("event", EventType.CLOCK_TICK, "tick")

    def _fire(self, record: SourceRecord, event: Event, customer_id: str) -> None:
        """Fire the timers of one customer; one whose timers fail waits for its next own event, the others go on."""
        rules, ticked_at = self._ledger.in_force.rules, self._ledger.ticked_at
        try:
            decision = decide(self._customer(customer_id), event, rules, ticked_at)
        except Exception as error:
            log.exception("the timers of a customer failed at %s", event.id)
            detail = f"timers: {type(error).__name__}: the log of the worker has the trace"
            self._ledger.set_aside(record, UnreadableRecord(DeadLetterReason.DECISION_FAILED, detail))
            self._held.add(customer_id)
        else:
            self._keep(record, event, customer_id, decision)

    def _keep(self, record: SourceRecord, event: Event, customer_id: str, decision: Decision) -> None:
        if decision.customer is not None and len(decision.customer.accounts) > MAX_ACCOUNTS:
            detail = f"the customer would have more than {MAX_ACCOUNTS} accounts"
            raise UnreadableRecord(DeadLetterReason.BAD_DATA, detail)
        state = self._remember(customer_id, decision)
        self._customers[customer_id] = decision.customer
        if decision.future_dates:
            self._ledger.tally.count("future_dates", times=decision.future_dates)
        if decision.changed:
            messages = [send(self._ledger, message, Source.AGENT) for message in decision.messages]
            messages += [self._signal(record, n, signal) for n, signal in enumerate(decision.signals)]
            phases = decision.phase_before, decision.phase_after
            self._ledger.decided(
                record, event.id, customer_id, phases=phases, rules=decision.rules, messages=messages, state=state
            )

    def _remember(self, customer_id: str, decision: Decision) -> list[bytes]:
        """Note the changed records and give them encoded, accounts first."""
        customer, rules, encoded = decision.customer, self._ledger.in_force.rules, []
        for account_id in decision.accounts:
            account = None if customer is None else customer.accounts.get(account_id)
            self._accounts[f"{customer_id}/{account_id}"] = account
            if account is None:
                self._say_last(customer_id, account_id)
            else:
                self._heard[customer_id, account_id] = rules
            encoded.append(b"" if account is None else encode(account))
        for login_id in decision.logins:
            login = None if customer is None else customer.logins.get(login_id)
            self._logins[f"{customer_id}/{login_id}"] = login
            encoded.append(b"" if login is None else encode(login))
            if customer is not None:
                self._heard |= {(customer_id, account_id): rules for account_id, _ in customer.live_at(login_id)}
        return encoded

    def _signal(self, record: SourceRecord, number: int, signal: OutgoingSignal) -> Written:
        signal_id = f"{self._partition}/{record.offset}/{number}"
        data = signal.sourced(self._partition, record.offset)
        written = Written(SIGNALS, signal_id, data.model_dump_json().encode())
        subject = f"institutions/{signal.institution_id}/codes/{signal.code}"
        headers = headers_of(signal_id, signal.type, Source.AGENT, rfc3339(signal.time), subject)
        place = self._signal_partition(signal.institution_id)
        self._ledger.send(written, signal.institution_id, headers, signal.time, place)
        self._ledger.tally.count("signal", signal.type)
        return written

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give the changed records, and put the health of every account heard of into the outbox."""
        for (customer_id, account_id), rules in self._heard.items():
            self._write_health(customer_id, account_id, rules)
        headers = {
            customer_id: None if customer is None else customer.state
            for customer_id, customer in self._customers.items()
        }
        return {
            self._tables.accounts: self._accounts,
            self._tables.logins: self._logins,
            self._tables.customers: headers,
        }

    def _say_last(self, customer_id: str, account_id: str) -> None:
        """Write the health of an account whose state goes now, as this poll has left it: that word stays."""
        rules = self._heard.pop((customer_id, account_id), None)
        if rules is not None:
            self._write_health(customer_id, account_id, rules)

    def _write_health(self, customer_id: str, account_id: str, rules: Rules) -> None:
        customer = self._customers[customer_id]
        if customer is not None:
            health = account_health(customer, account_id, rules)
            record = OutRecord(f"{customer_id}/{account_id}".encode(), encode(health))
            self._ledger.effects.outbox.add(HEALTH, self._partition, record)

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers of the customers of this poll."""
        rules = self._ledger.in_force.rules
        return {
            customer_id: None if customer is None else next_due(customer, rules)
            for customer_id, customer in self._customers.items()
        } | dict.fromkeys(self._held)
