"""Prints what one event costs the decision core: nightly snapshots, nine in ten an unchanged code 0.

Run it as `python -m tests.bench.alone.decide [seconds]`; no Kafka.
"""

import gc
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from time import process_time

from schemas.catalogue import Catalogue
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.policy import Policy
from streams.domain import Customer, Rules, customer_of, decide

CUSTOMERS = 500
NIGHTS = 12
FAIL, HEAL = 0.03, 0.4
FAILURES = (185, 103, 102, 948, 900)
FIRST_NIGHT = datetime(2026, 11, 1, 3, tzinfo=UTC)


def nights(random: Random) -> Iterator[Event]:
    """Give the events of some nights: customers with one to five accounts, nine in ten at 0 as the night before."""
    codes = {(customer, account): 0 for customer in range(CUSTOMERS) for account in range(random.randint(1, 5))}
    for night in range(NIGHTS):
        for (customer, account), code in codes.items():
            if random.random() < (FAIL if code == 0 else HEAL):
                codes[customer, account] = random.choice(FAILURES) if code == 0 else 0
            yield event(customer, account, codes[customer, account], FIRST_NIGHT + timedelta(days=night))


def event(customer: int, account: int, code: int, at: datetime) -> Event:
    """Give one nightly snapshot."""
    snapshot = AccountSnapshot(
        customer_id=str(7_000_000_000 + customer),
        account_id=str(5_000_000_000 + 10 * customer + account),
        institution_id="102105",
        institution_login_id=str(6_000_000_000 + customer),
        aggregation_status_code=code,
        aggregation_attempt_date=at - timedelta(minutes=2),
        aggregation_success_date=at - timedelta(minutes=2) if code == 0 else None,
        last_updated_date=at - timedelta(minutes=1),
    )
    event_id = sha256(f"{customer}/{account}/{at}".encode()).hexdigest() + ":0"
    return Event(event_id, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot)


def fold(events: list[Event], rules: Rules) -> float:
    """Fold the events, each with the time of its customer's next timer, and give microseconds an event."""
    customers: dict[str, Customer | None] = {}
    began = process_time()
    for one in events:
        customer_id = customer_of(one) or ""
        decision = decide(customers.get(customer_id), one, rules)
        customers[customer_id] = decision.customer
    return (process_time() - began) / len(events) * 1e6


def main() -> None:
    """Measure the whole mix and the unchanged zeros alone, the best of several folds each."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    rules = Rules(Policy.load(), Catalogue.load())
    mix = list(nights(Random(1)))  # noqa: S311 - the same mix every time
    zeros = [one for one in mix if one.data.aggregation_status_code == 0]  # type: ignore[union-attr]
    # The events are not the fold's to collect: an agent holds a batch of them, not all of its nights.
    gc.freeze()
    for name, events in (("nightly mix", mix), ("zeros alone", zeros)):
        until, best = process_time() + seconds / 2, float("inf")
        while process_time() < until:
            best = min(best, fold(events, rules))
        print(f"{name}: {best:.1f} µs an event, of {len(events)} events")  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
