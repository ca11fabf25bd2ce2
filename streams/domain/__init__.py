"""The decision core: pure functions from state and event to state and messages; they import no I/O and no clock."""

from streams.domain.around import hear as hear_around
from streams.domain.cases.contact import waiting_cases
from streams.domain.customers.customer import Customer
from streams.domain.customers.health import account_health
from streams.domain.customers.turn import NOWHERE, Outcome
from streams.domain.decision import DECIDED_AT_ONCE, Decision, customer_of, decide, next_due, release_baseline, review
from streams.domain.messages import Outgoing, OutgoingSignal, OutgoingWish
from streams.domain.rules import Rules

ENGINE_VERSION = "1"
"""The version of the rules as code: another version may decide otherwise on the same log.

Counted from the first release on: what came before has no number of its own.
"""

__all__ = [
    "DECIDED_AT_ONCE",
    "ENGINE_VERSION",
    "NOWHERE",
    "Customer",
    "Decision",
    "Outcome",
    "Outgoing",
    "OutgoingSignal",
    "OutgoingWish",
    "Rules",
    "account_health",
    "customer_of",
    "decide",
    "hear_around",
    "next_due",
    "release_baseline",
    "review",
    "waiting_cases",
]
