"""Events about a whole partition: what they change around every customer, whom they concern, what is decided then."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from schemas.events import Event, Incident, Override, OverrideAction
from schemas.state import Surroundings
from streams.domain import (
    Customer,
    Decision,
    Outcome,
    Rules,
    hear_around,
    release_baseline,
    review,
    waiting_cases,
)
from streams.domain.cases.contact import is_baseline

ToDecide = tuple[str, Callable[[], Decision]]
"""A customer of many, and how to decide."""


class Scene(NamedTuple):
    """Under what customers are decided on: the rules in force, the partition's latest tick, and what surrounds all."""

    rules: Rules
    ticked_at: datetime | None
    around: Surroundings


class Customers(Protocol):
    """The customers of a partition, as they are by now."""

    def everyone(self) -> Iterable[Customer]:
        """Give all, ascending."""

    def known(self, customer_id: str, /) -> Customer:
        """Give one of them."""


def hear(around: Surroundings, event: Event) -> tuple[Surroundings, Outcome]:
    """Take an event about a whole partition: what surrounds its customers, the very same without news; what it was."""
    if not isinstance(event.data, Incident | Override):
        return around, Outcome.UNHANDLED
    after = hear_around(around, event, event.time)
    is_news = after != around
    if isinstance(event.data, Override):
        outcome = Outcome.OVERRIDDEN
    else:
        outcome = Outcome.INCIDENT if is_news else Outcome.DUPLICATE
    return after if is_news else around, outcome


def reviews(customers: Customers, event: Event, scene: Scene) -> Iterator[ToDecide]:
    """Give whom news about all concern, and how each is decided on: they may free who waits, or move a timer."""
    for customer in list(concerned(customers.everyone(), event)):
        yield customer.customer_id, partial(review, customer, event, *scene)


def releases(customers: Customers, event: Event, scene: Scene) -> Iterator[ToDecide]:
    """Give whose baseline cases an event about all releases, and how; one is to be kept before the next is taken."""
    if isinstance(event.data, Override):
        for customer_id, login_id, at in list(baseline_releases(customers.everyone(), event.data, event.time)):
            release = partial(release_baseline, customers.known(customer_id), login_id, event, at, scene.rules)
            yield customer_id, partial(release, ticked_at=scene.ticked_at, around=scene.around)


def concerned(customers: Iterable[Customer], event: Event) -> Iterator[Customer]:
    """Give the customers who have a contact waiting: at the institution of an incident, anywhere for an override.

    A case may hold accounts of two institutions, and a silence of an institution is one of its accounts.
    """
    institution_id = event.data.institution_id if isinstance(event.data, Incident) else None
    for customer in customers:
        cases = (customer.logins[login_id] for login_id in waiting_cases(customer))
        if any(institution_id in (None, case.institution_id) for case in cases):
            yield customer


def baseline_releases(
    customers: Iterable[Customer], override: Override, at: datetime
) -> Iterator[tuple[str, str, datetime]]:
    """Give customer, login and time of each baseline case that is released, in the order customer, login (R16).

    With `rate_per_hour` they are spread evenly from `at` on, else all are released at once.
    """
    if override.action is not OverrideAction.RELEASE_BASELINE:
        return
    number = 0
    for customer in customers:
        for login_id, login in sorted(customer.logins.items()):
            if is_baseline(login) and override.institution_id in (None, login.institution_id):
                yield customer.customer_id, login_id, at + number * override.apart
                number += 1
