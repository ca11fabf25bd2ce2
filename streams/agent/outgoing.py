"""What a poll of the agent writes beside commands: signals to the institution agent, and the health of accounts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.events import Source
from schemas.signals import HealthyLogins, SignalType
from schemas.state import encode
from schemas.times import rfc3339
from streams.domain import Customer, OutgoingSignal, OutgoingWish, Rules, account_health
from streams.fold import SourceRecord
from streams.fold.ledger import Ledger, Written
from streams.fold.messages import headers_of
from streams.kafka.topics import HEALTH, SIGNALS
from streams.observe.parts.deciding import AGENT_SIGNALS


@dataclass(slots=True)
class _Counting:
    """A count of an institution's healthy logins, as it grows within a poll."""

    at: datetime
    offset: int
    logins: set[str] = field(default_factory=set)


class SignalWriter:
    """Writes the signals of one poll; successes are counted, and written once at its end."""

    def __init__(self, partition: int, ledger: Ledger, partition_of: Callable[[str], int]) -> None:
        self._partition = partition
        self._ledger = ledger
        self._partition_of = partition_of
        self._counts: dict[str, _Counting] = {}
        self._offset, self._number = -1, -1

    def write(self, record: SourceRecord, signal: OutgoingSignal | OutgoingWish) -> Written:
        """Write a signal of a record, numbered within it: a tick has those of many customers."""
        self._number = self._number + 1 if record.offset == self._offset else 0
        self._offset = record.offset
        signal_id = f"{self._partition}/{record.offset}/{self._number}"
        data = signal.sourced(self._partition, record.offset)
        written = Written(SIGNALS, signal_id, data.model_dump_json().encode())
        subject = f"institutions/{signal.institution_id}/codes/{'' if signal.code is None else signal.code}"
        self._send(written, signal.type, signal.institution_id, subject, signal.time)
        return written

    def count(self, record: SourceRecord, customer_id: str, institution_id: str, login_id: str, at: datetime) -> None:
        """Count a login that was seen to succeed."""
        counting = self._counts.setdefault(institution_id, _Counting(at, record.offset))
        counting.logins.add(f"{customer_id}/{login_id}")
        counting.at, counting.offset = max(counting.at, at), record.offset

    def write_counts(self) -> None:
        """Write what was counted, one record an institution."""
        for institution_id, counting in self._counts.items():
            data = HealthyLogins(
                institution_id=institution_id,
                logins=len(counting.logins),
                source_partition=self._partition,
                source_offset=counting.offset,
            )
            signal_id = f"{self._partition}/{counting.offset}/healthy/{institution_id}"
            written = Written(SIGNALS, signal_id, data.model_dump_json().encode())
            subject = f"institutions/{institution_id}"
            self._send(written, SignalType.HEALTHY, institution_id, subject, counting.at)

    def _send(self, written: Written, kind: SignalType, institution_id: str, subject: str, at: datetime) -> None:
        headers = headers_of(written.id, kind, Source.AGENT, rfc3339(at), subject)
        self._ledger.send(written, institution_id, headers, at, self._partition_of(institution_id))
        self._ledger.tally.count(AGENT_SIGNALS, kind)


class HealthWriter:
    """Writes the health of the accounts of one poll: once each, as the poll leaves it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._heard: dict[tuple[str, str], Rules] = {}

    def heard(self, customer_id: str, account_id: str, rules: Rules) -> None:
        """Note that the health of an account may have changed."""
        self._heard[customer_id, account_id] = rules

    def say_last(self, customer: Customer | None, customer_id: str, account_id: str) -> None:
        """Write the health of an account whose state goes now, as this poll has left it: that word stays."""
        rules = self._heard.pop((customer_id, account_id), None)
        if rules is not None and customer is not None and account_id in customer.accounts:
            self._write(customer, account_id, rules)

    def erase(self, customer_id: str, account_id: str) -> None:
        """Leave nothing of an account (R18)."""
        self._heard.pop((customer_id, account_id), None)
        self._ledger.tell(HEALTH, f"{customer_id}/{account_id}", None)

    def write(self, customers: dict[str, Customer | None]) -> None:
        """Write what was noted."""
        for (customer_id, account_id), rules in self._heard.items():
            customer = customers[customer_id]
            if customer is not None:
                self._write(customer, account_id, rules)

    def _write(self, customer: Customer, account_id: str, rules: Rules) -> None:
        health = account_health(customer, account_id, rules)
        self._ledger.tell(HEALTH, f"{customer.customer_id}/{account_id}", encode(health))
