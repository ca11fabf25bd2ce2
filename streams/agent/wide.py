"""Whom an event about a whole partition concerns: an incident that ends, a silence, a baseline that is released."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from schemas.events import Event, Incident, Override, OverrideAction
from streams.domain import Customer, waiting_cases
from streams.domain.cases.contact import is_baseline


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
