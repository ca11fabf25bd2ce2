"""What is refused of a customer's events: one under another's key, and one with which the state outgrows a record."""

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event
from streams.domain import Customer

MAX_ACCOUNTS = 1000
"""Accounts of one customer: a record of the state has to fit a Kafka batch, and a decision its time."""


def refuse_other_key(event: Event, customer_id: str) -> None:
    """Raise UnreadableRecord where an event about a customer came under another key."""
    if event.partition_key != customer_id:
        detail = f"the key {event.partition_key!r} is not the customer {customer_id!r}"
        raise UnreadableRecord(DeadLetterReason.WRONG_PARTITION, detail)


def refuse_too_large(customer: Customer | None) -> None:
    """Raise UnreadableRecord where a decision leaves a customer with more accounts than there is room for."""
    if customer is not None and len(customer.accounts) > MAX_ACCOUNTS:
        detail = f"the customer would have more than {MAX_ACCOUNTS} accounts"
        raise UnreadableRecord(DeadLetterReason.BAD_DATA, detail, whose=customer.customer_id)
