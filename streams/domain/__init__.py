"""The decision core: pure functions from state and event to state and messages; they import no I/O and no clock."""

from streams.domain.customer import Customer, Outcome
from streams.domain.decision import Decision, customer_of, decide, next_due
from streams.domain.messages import Outgoing, OutgoingSignal
from streams.domain.rules import Rules
from streams.domain.standing import account_health

__all__ = [
    "Customer",
    "Decision",
    "Outcome",
    "Outgoing",
    "OutgoingSignal",
    "Rules",
    "account_health",
    "customer_of",
    "decide",
    "next_due",
]
