"""State as large as it is asked for, put straight into the changelogs: as the agent leaves it after a night."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from schemas.catalogue import Catalogue
from schemas.cloudevents import from_record
from schemas.policy import Policy
from schemas.state import encode
from streams.domain import Customer, Rules, decide
from streams.fold.intake import partition_of
from streams.kafka.topics import AGENT, changelog
from tests.bench.outside import ADMIN_SECONDS, QUEUE, SEED_LINGER_MS, producer_of
from tests.bench.traffic import Portfolio, history, tonight

Value = tuple[str, str, bytes]
"""Table, key and value."""


def grow(bootstrap: str, partitions: int, portfolio: Portfolio) -> Counter[str]:
    """Write the state of all accounts after one night, and give records and bytes of it by table."""
    producer, sizes = producer_of(bootstrap, SEED_LINGER_MS), Counter[str]()
    for customer in customers(portfolio):
        partition = partition_of(customer.customer_id, partitions)
        for table, key, value in values(customer):
            producer.produce(changelog(AGENT, table), value, key, partition)
            sizes[f"{table} records"] += 1
            sizes["bytes"] += len(key) + len(value)
        producer.poll(0)
        if len(producer) >= QUEUE:
            producer.flush(ADMIN_SECONDS)
    if producer.flush(ADMIN_SECONDS):
        raise TimeoutError("the broker did not take the state")
    return sizes


def customers(portfolio: Portfolio) -> Iterator[Customer]:
    """Decide on a night, customer by customer: the accounts of a login come together."""
    rules = Rules(Policy.load(), Catalogue.load())
    events = history(portfolio, portfolio.accounts, tonight())
    for _, own in groupby(events, key=lambda one: one.key):
        customer: Customer | None = None
        for one in own:
            event = from_record(one.headers, one.key, one.value, one.timestamp_ms)
            customer = decide(customer, event, rules).customer
        if customer is not None:
            yield customer


def values(customer: Customer) -> Iterable[Value]:
    """Give a customer's state as the tables keep it."""
    own = customer.customer_id
    yield "customers", own, encode(customer.state)
    for account_id, account in customer.accounts.items():
        yield "accounts", f"{own}/{account_id}", encode(account)
    for login_id, login in customer.logins.items():
        yield "logins", f"{own}/{login_id}", encode(login)
