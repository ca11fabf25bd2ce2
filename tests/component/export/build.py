"""Traffic on a broker in memory, and an export of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from schemas.events import (
    AccountSnapshot,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventType,
    Override,
    OverrideAction,
    Source,
    WebhookData,
)
from schemas.state import replace
from schemas.times import to_epoch_ms
from streams.export.choices import Choices, chosen_topics
from streams.export.run import Run
from streams.fold.effects import SourceRecord
from streams.fold.intake import partition_of
from streams.history import Content, History, Origin, Place, Span
from streams.history.exports.manifest import Manifest
from streams.links import FixLinks
from streams.testing.history import MemoryOrigin
from streams.testing.topology import START, Topology
from streams.testing.workers import as_record

KEY = bytes(range(32))
LINK_KEY = bytes(32)
CUSTOMERS = [str(7_000_000_000 + number) for number in range(12)]
BANK = "102105"
UNKNOWN = 12345
MINUTE = timedelta(minutes=1)


def looked(customer: str, code: int, minute: int, account: str = "") -> Event:
    """Give a snapshot of the customer's first account, or another one, so many minutes after the start."""
    at = START + minute * MINUTE
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id=f"59{customer}{account}",
        institution_id=BANK,
        institution_login_id=f"71{customer}",
        aggregation_status_code=code,
        aggregation_attempt_date=at - MINUTE,
    )
    name = f"{to_epoch_ms(at):064x}:{account or 0}"
    return Event(name, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot, f"customers/{customer}", customer)


def forgotten(customer: str, minute: int) -> Event:
    """Give the order to forget a customer."""
    data = CustomerForgotten(customer_id=customer, who="ann", why=f"{customer} asked for it")
    at = START + minute * MINUTE
    return Event(
        f"operator:{customer}",
        EventType.CUSTOMER_FORGOTTEN,
        Source.OPERATOR,
        at,
        data,
        f"customers/{customer}",
        customer,
    )


def mended(topology: Topology, customer: str, minute: int) -> Event:
    """Give the end of a repair through our link, which names the command."""
    (command,) = (one for one in topology.commands("remediation.connect-fix") if one["customer_id"] == customer)
    data = ConnectEvent(
        customer_id=customer,
        institution_id=BANK,
        institution_login_ids=(f"71{customer}",),
        event_type="done",
        event_id=f"{minute}-{minute:024x}",
        webhook_data=WebhookData(command_id=command["command_id"]),
    )
    name, at = f"{minute:064x}:0", START + minute * MINUTE
    return Event(name, "connect.done", Source.BRIDGE, at, data, f"customers/{customer}", customer)


def silenced(customer: str, minute: int) -> Event:
    """Give an operator's silence for a customer, with words of his own."""
    data = Override(action=OverrideAction.SILENCE, customer_id=customer, who="ann", why=f"{customer} is on holiday")
    name, at = "operator:478f6ea7-0488-4599-8c67-89de73b8fbae", START + minute * MINUTE
    return Event(name, EventType.OPERATOR_OVERRIDE, Source.OPERATOR, at, data, f"customers/{customer}", customer)


@contextmanager
def traffic(*more: Event) -> Iterator[Topology]:
    """Give two agents that have heard of failures, repairs and reminders, and what else is asked for."""
    with Topology(links=FixLinks([LINK_KEY], "https://fix.example.com")) as topology:
        for number, customer in enumerate(CUSTOMERS):
            topology.send(looked(customer, 103 if number % 2 else 185, number))
        for account in range(1, 6):
            topology.send(looked(CUSTOMERS[2], 185, 40, str(account)))
        for customer in CUSTOMERS[6:9]:
            topology.send(looked(customer, 148, 50))
        topology.send(looked(CUSTOMERS[9], UNKNOWN, 51))
        topology.send(mended(topology, CUSTOMERS[1], 60))
        topology.send(silenced(CUSTOMERS[10], 61))
        unreadable = as_record(looked(CUSTOMERS[3], 0, 62), CUSTOMERS[3])
        value = f'{{"customerId": "{CUSTOMERS[3]}", "accountId": 1.5}}'.encode()
        topology.append(partition_of(CUSTOMERS[3], 3), replace(unreadable, value=value))
        topology.advance(days=2)
        for customer in CUSTOMERS[:4]:
            topology.send(looked(customer, 0, 3000))
        for event in more:
            topology.send(event)
        topology.advance(days=6)
        yield topology


def exported(origin: Origin, folder: Path, *, topics: Sequence[str] = (), key: bytes = KEY, **choices: Any) -> Manifest:  # noqa: ANN401 - fields
    """Export in this process; fields of Choices by their names."""
    chosen = chosen_topics(topics, secrets=False, until=choices.get("until_ms") is not None)
    wanted = Choices(topics=chosen, **{"content": Content.WHOLE, **choices})
    return Run(origin, folder, wanted, processes=1, key=key, at=START).go()


def origin_of(topology: Topology) -> MemoryOrigin:
    """Give a broker in memory as an origin."""
    return MemoryOrigin(topology.cluster)


async def read(history: History, place: Place, span: Span | None = None) -> list[SourceRecord]:
    """Read a partition."""
    wanted = (await history.spans([place.topic]))[place] if span is None else span
    return [record async for records in history.read(place, wanted) for record in records]


def plain(records: Sequence[SourceRecord]) -> list[tuple[Any, ...]]:
    """Give all that records are."""
    return [(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in records]
