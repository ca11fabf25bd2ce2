"""Short words for stories: what a customer's accounts did, on the topology in memory, and what is told of it."""

import asyncio
from datetime import timedelta
from functools import cache
from typing import Any

from schemas.catalogue import Catalogue
from schemas.events import (
    AccountSnapshot,
    CommandReported,
    CustomerForgotten,
    Event,
    EventType,
    Override,
    OverrideAction,
    Source,
)
from schemas.times import to_epoch_ms
from streams.explain import Asked, Story, explain
from streams.explain.showing.terminal import Screen
from streams.fold.effects import OutRecord
from streams.fold.intake import partition_of
from streams.pseudonyms import Pseudonyms
from streams.testing import Topology
from streams.testing.history import MemoryOrigin

CUSTOMER, ACCOUNT, LOGIN, BANK = "7000000042", "5900000001", "7100000007", "102105"
OTHER = "7000000043"
KEY = Pseudonyms([bytes(range(32))])
CATALOGUE = Catalogue.load()


class Quiet:
    """Progress that nobody follows; `offsets` is what there was to read, and `read` what was."""

    def __init__(self) -> None:
        self.offsets = self.read = 0

    def begin(self, offsets: int) -> None:
        self.offsets = offsets

    def advance(self, offsets: int) -> None:
        self.read += offsets


def told(topology: Topology, origin: Any = None, *, is_hashed: bool = False, **asked: Any) -> Story:  # noqa: ANN401 - fields of a question
    """Give the story of the customer as the topics have it now."""
    question = Asked(**{"customer_id": CUSTOMER, **asked})
    telling = explain(origin or MemoryOrigin(topology.cluster), question, Quiet(), KEY, is_hashed=is_hashed)
    return asyncio.run(telling)


def screen(story: Story, width: int = 80) -> list[str]:
    """Give what a terminal shows."""
    return [line.plain for line in Screen(width).of(story)]


def notify(topology: Topology, code: int, account: str = ACCOUNT, customer: str = CUSTOMER, **more: Any) -> None:  # noqa: ANN401 - further fields
    """Have the vendor tell of an account, attempted two minutes ago."""
    attempted = to_epoch_ms(topology.now - timedelta(minutes=2)) // 1000
    fields = {
        "id": account,
        "customerId": customer,
        "institutionId": BANK,
        "institutionLoginId": LOGIN,
        "aggregationStatusCode": code,
        "aggregationAttemptDate": attempted,
    }
    record = {name: value for name, value in (fields | more).items() if value is not None}
    topology.notify({"event": {"class": "account", "type": "modified", "records": [record]}})


def connect(topology: Topology, event_type: str, **more: Any) -> None:  # noqa: ANN401 - further fields
    """Have Data Connect tell of a session."""
    body = {"customerId": CUSTOMER, "eventType": event_type, "eventId": f"{to_epoch_ms(topology.now)}-{'0' * 24}"}
    topology.connect(body | more)


def override(topology: Topology, action: OverrideAction, customer: str | None = None, **more: Any) -> None:  # noqa: ANN401 - further fields
    """Have an operator decide, about a customer, or about more."""
    data = Override(action=action, customer_id=customer, who="ann", why="wrong letters went out", **more)
    name = f"override:{action}@{topology.now.isoformat()}"
    topology.send(Event(name, EventType.OPERATOR_OVERRIDE, Source.OPERATOR, topology.now, data, None, customer))


def everybody(topology: Topology, code: int) -> None:
    """Have 25 others of the bank be seen with one code, each at a login of its own."""
    for number in range(25):
        others = {"customer": f"80000000{number:02}", "institutionLoginId": f"81000000{number:02}"}
        notify(topology, code, f"82000000{number:02}", **others)


def forget(topology: Topology, customer: str = CUSTOMER) -> None:
    """Have the customer forgotten."""
    data = CustomerForgotten(customer_id=customer, who="ann", why=f"{customer} asked for it")
    name = f"forget:{topology.now.isoformat()}"
    topology.send(Event(name, EventType.CUSTOMER_FORGOTTEN, Source.OPERATOR, topology.now, data, None, customer))


def report(topology: Topology, command_id: str, word: str, reference: str | None = None) -> None:
    """Have a service say what became of a command."""
    data = CommandReported(command_id=command_id, report=word, customer_id=CUSTOMER, reference=reference)
    name = f"report:{word}@{topology.now.isoformat()}"
    topology.send(Event(name, EventType.COMMAND_REPORTED, Source.BRIDGE, topology.now, data, None, CUSTOMER))


def observed(topology: Topology, code: int, source: Source, *, hours_ago: float = 0, baseline: bool = False) -> None:
    """Have an account read over the API, last attempted some hours ago."""
    data = AccountSnapshot(
        customer_id=CUSTOMER,
        account_id=ACCOUNT,
        institution_id=BANK,
        institution_login_id=LOGIN,
        aggregation_status_code=code,
        aggregation_attempt_date=topology.now - timedelta(hours=hours_ago),
        baseline=baseline,
    )
    name = f"observed:{topology.now.isoformat()}"
    topology.send(Event(name, EventType.ACCOUNT_OBSERVED, source, topology.now, data, None, CUSTOMER))


@cache
def two_mails() -> Topology:
    """A challenge that nobody answers for a day, then one that somebody does."""
    topology = Topology()
    with topology:
        notify(topology, 0)
        topology.advance(days=1)
        notify(topology, 185)
        notify(topology, 185)
        topology.advance(hours=1)
        command_id = topology.commands("remediation.connect-fix")[0]["command_id"]
        report(topology, command_id, "delivered", "mail 4711")
        topology.advance(hours=25)
        connect(topology, "done", webhookData={"command_id": command_id})
        topology.advance(minutes=16)
        observed(topology, 0, Source.EXECUTOR)
    return topology


@cache
def passcodes() -> Topology:
    """A challenge that comes back after each repair, until it is clear that it always will."""
    topology = Topology()
    with topology:
        for day in range(3):
            notify(topology, 185)
            topology.advance(hours=2)
            if day < 2:
                notify(topology, 0)
                topology.advance(days=3)
    return topology


@cache
def incident_defers() -> Topology:
    """A failure while the bank has an incident; it is over an hour later, and the account still fails."""
    topology = Topology()
    with topology:
        notify(topology, 0)
        everybody(topology, 103)
        topology.advance(minutes=10)
        notify(topology, 103)
        topology.advance(hours=1)
        everybody(topology, 0)
        topology.advance(minutes=10)
    return topology


@cache
def silence() -> Topology:
    """A failure under a silence of everybody, which holds still."""
    topology = Topology()
    with topology:
        override(topology, OverrideAction.SILENCE, all=True)
        notify(topology, 103)
        topology.advance(days=2)
    return topology


@cache
def baseline() -> Topology:
    """Old news of a first sweep, released a day later."""
    topology = Topology()
    with topology:
        observed(topology, 103, Source.SWEEP, hours_ago=60, baseline=True)
        topology.advance(days=1)
        override(topology, OverrideAction.RELEASE_BASELINE, all=True, rate_per_hour=2)
        topology.advance(minutes=30)
    return topology


@cache
def weak_fix() -> Topology:
    """A session that names nothing, an hour before a reminder is due, with two cases open at two banks."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        notify(topology, 103, "5900000002", institutionId="102106", institutionLoginId="7100000008")
        topology.advance(hours=23)
        connect(topology, "done")
        topology.advance(hours=3)
    return topology


@cache
def forgotten() -> Topology:
    """A customer with an open command who asks to be forgotten."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        topology.advance(hours=1)
        report(topology, topology.commands("remediation.connect-fix")[0]["command_id"], "delivered", f"to {CUSTOMER}")
        topology.advance(hours=1)
        forget(topology)
    return topology


@cache
def dead_letter() -> Topology:
    """A record under the customer's key that is no event, between two that are."""
    topology = Topology()
    with topology:
        notify(topology, 0)
        spoilt = OutRecord(CUSTOMER.encode(), b"{", [("ce_id", b"spoilt")], to_epoch_ms(topology.now))
        topology.append(partition_of(CUSTOMER, 3), spoilt)
        topology.advance(hours=1)
        notify(topology, 102)
    return topology
