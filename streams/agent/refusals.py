"""What is refused of a customer's events: one under another's key, and one with which the state outgrows a record."""

from collections.abc import Iterable

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event
from schemas.state import CustomerState, encode
from streams.domain import Customer

MAX_ACCOUNTS = 1000
"""Accounts of one customer: a record of the state has to fit a Kafka batch, and a decision its time."""
MAX_RECORD_BYTES = 900_000
"""Of a record of the state: brokers take 1 MiB by themselves (`max.message.bytes`), and the key is in it."""
WIDE = 4500
"""Entries of a customer's own record, below which it is far from that limit: each has some 190 bytes at most."""


def refuse_other_key(event: Event, customer_id: str) -> None:
    """Raise UnreadableRecord where an event about a customer came under another key."""
    if event.partition_key != customer_id:
        detail = f"the key {event.partition_key!r} is not the customer {customer_id!r}"
        raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)


def refuse_too_large(customer: Customer, encoded: Iterable[bytes]) -> None:
    """Raise UnreadableRecord where a decision leaves a customer with more than there is room for.

    `encoded` are the records of accounts and logins that it changes.
    """
    if len(customer.accounts) > MAX_ACCOUNTS:
        raise _refused(customer, f"the customer would have more than {MAX_ACCOUNTS} accounts")
    largest = max(map(len, encoded), default=0)
    if _is_wide(customer.state):
        largest = max(largest, len(encode(customer.state)))
    if largest > MAX_RECORD_BYTES:
        raise _refused(customer, f"a state record of the customer would have {largest} bytes")


def _is_wide(state: CustomerState) -> bool:
    """Tell whether a record may be large: to encode each customer's at each event would take longer than to decide."""
    named = (state.account_ids, state.former_ids, state.login_ids)
    timed = (state.seen, state.silences, state.reported, state.counted)
    return sum(map(len, named)) + sum(map(len, timed)) > WIDE


def _refused(customer: Customer, detail: str) -> UnreadableRecord:
    return UnreadableRecord(DeadLetterReason.BAD_DATA, detail, whose=customer.customer_id)
