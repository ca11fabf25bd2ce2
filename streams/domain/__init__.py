"""The decision core: pure functions from state and event to state and messages; they import no I/O and no clock."""

from streams.domain.around import hear as hear_around
from streams.domain.cases.contact import Held, deferred, held, is_unresponsive, waiting_cases, waits
from streams.domain.customers.customer import Customer
from streams.domain.customers.health import account_health, phase
from streams.domain.customers.turn import NOWHERE, Outcome, Turn
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
    "Held",
    "Outcome",
    "Outgoing",
    "OutgoingSignal",
    "OutgoingWish",
    "Rules",
    "Turn",
    "account_health",
    "customer_of",
    "decide",
    "deferred",
    "hear_around",
    "held",
    "is_unresponsive",
    "next_due",
    "phase",
    "release_baseline",
    "review",
    "waiting_cases",
    "waits",
]
