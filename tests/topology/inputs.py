"""Seeded inputs, few customers and many collisions: every kind of record that a log can hold, sound and spoilt."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from schemas.catalogue import Catalogue, Treatment
from schemas.cloudevents import to_headers
from schemas.events import (
    AccountChallenged,
    AccountSnapshot,
    CommandReported,
    CustomerForgotten,
    Event,
    EventData,
    EventType,
    Override,
    OverrideAction,
    Source,
)
from schemas.policy import Contact, DeadLetter, Incident, Policy, State, Ticket, Unknown
from schemas.times import to_epoch_ms
from streams.fold.effects import OutRecord
from streams.kafka.topics import EVENTS, SIGNALS
from streams.testing import Topology

CUSTOMERS = tuple(str(number) for number in range(7000, 7005))
INSTITUTIONS = ("102101", "102102")
CODES = (0, 0, 0, 185, 185, 185, 103, 948, 148, 148, 102, 949, 169, 777, 931)
OUTAGE_CODES = (102,)
"""What opens an incident, and is in the catalogue below."""
CONNECT = ("done", "credentialsUpdated", "added", "started")
GAPS = (
    timedelta(0),
    timedelta(seconds=1),
    timedelta(minutes=7),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=9),
)

Make = Callable[["Inputs"], None]


@cache
def policies() -> tuple[Policy, ...]:
    """Give policies with small numbers, so that few records reach every rule."""
    eager = Policy(
        version="eager",
        incident=Incident(min_logins=2),
        ticket=Ticket(update_at=(2, 3), quiet_days=1),
        unknown=Unknown(attempts=2, hours=24, logins=2),
        state=State(forget_days=2, dedupe_days=1),
        dead_letter=DeadLetter(max_share=1.0),
    )
    other = {"version": "other", "fix_integrated": False, "contact": Contact(reminder_days=(1, 2))}
    return eager, eager.model_copy(update=other)


@cache
def catalogue() -> Catalogue:
    """Give the shipped catalogue without most of the codes that need nobody: it travels in every log."""
    whole = Catalogue.load()
    kept = tuple(one for one in whole.entries if one.treatment is Treatment.CUSTOMER or one.code in CODES)
    return whole.model_copy(update={"version": "small", "entries": kept})


def _institution_of(customer: str) -> str:
    return INSTITUTIONS[int(customer) % 2]


@dataclass
class Inputs:
    """Sends one input after the other into a topology whose workers are held back."""

    topology: Topology
    draw: random.Random
    _bodies: list[dict[str, Any]] = field(default_factory=list)
    _count: int = 0

    def send_one(self) -> None:
        """Let some time pass, then send something."""
        clock = self.topology.clock
        clock.move_to(clock.now() + self.draw.choice(GAPS))
        self._count += 1
        (make,) = self.draw.choices(list(KINDS), list(KINDS.values()))
        make(self)

    def _snapshot(self, customers: Sequence[str] = CUSTOMERS, codes: Sequence[int] = CODES) -> dict[str, Any]:
        customer = self.draw.choice(customers)
        account, now = self.draw.choice("123"), int(self.topology.now.timestamp())
        fields = {
            "id": f"{customer}{account}",
            "customerId": customer,
            "institutionId": _institution_of(customer),
            "institutionLoginId": f"{customer}8{int(account) % 2}",
            "aggregationStatusCode": self.draw.choice(codes),
            "aggregationAttemptDate": now - self.draw.choice((0, 0, 60, 4000)),
        }
        if self.draw.random() < 0.1:
            fields["authorizationEndDate"] = now + self.draw.randrange(20 * 86_400)
            fields["authorizationExpires"] = True
        if self.draw.random() < 0.1:
            del fields["institutionLoginId"]
        return fields

    def notify(self, kind: str = "modified") -> None:
        """Send a notification of one to three accounts."""
        self._notify(kind, [self._snapshot() for _ in range(self.draw.choice((1, 1, 1, 1, 2, 3)))])

    def _notify(self, kind: str, records: list[dict[str, Any]]) -> None:
        body = {"event": {"class": "account", "type": kind, "records": records}}
        self._bodies.append(body)
        self.topology.notify(body)

    def fail_together(self) -> None:
        """Let a login of every customer of one institution fail at once, as in an outage of it."""
        institution = self.draw.choice(INSTITUTIONS)
        for customer in CUSTOMERS:
            if _institution_of(customer) == institution:
                self._notify("modified", [self._snapshot((customer,), OUTAGE_CODES)])

    def redeliver(self) -> None:
        """Send a former notification again."""
        if self._bodies:
            self.topology.notify(self.draw.choice(self._bodies))

    def connect(self) -> None:
        """Send a webhook of Data Connect."""
        one = self._snapshot()
        told = [{"id": one["id"], "institutionLoginId": one.get("institutionLoginId")}] * self.draw.choice((0, 1))
        event_id = f"{to_epoch_ms(self.topology.now)}-{self._count:024x}"
        payload = {"institutionId": one["institutionId"], "accounts": told}
        self.topology.connect(
            {
                "customerId": one["customerId"],
                "eventType": self.draw.choice(CONNECT),
                "eventId": event_id,
                "payload": payload,
            }
        )

    def _event(self, kind: str, data: EventData, key: str | None, source: Source) -> None:
        self.topology.send(Event(f"{kind}:{self._count}", kind, source, self.topology.now, data, None, key))

    def observe(self) -> None:
        """Send what the executor or a sweep has read."""
        one = self._snapshot()
        snapshot = AccountSnapshot(
            customer_id=one["customerId"],
            account_id=one["id"],
            institution_id=one["institutionId"],
            institution_login_id=one.get("institutionLoginId"),
            aggregation_status_code=one["aggregationStatusCode"],
            baseline=self.draw.random() < 0.5,
        )
        self._event(EventType.ACCOUNT_OBSERVED, snapshot, snapshot.customer_id, Source.SWEEP)

    def challenge(self) -> None:
        """Tell of a challenge in a live call."""
        one = self._snapshot()
        data = AccountChallenged(customer_id=one["customerId"], account_id=one["id"])
        self._event(EventType.ACCOUNT_CHALLENGED, data, data.customer_id, Source.BRIDGE)

    def report(self) -> None:
        """Report on a command that nobody knows."""
        customer = self.draw.choice(CUSTOMERS)
        data = CommandReported(command_id="5b0c", report="delivered", customer_id=customer)
        self._event(EventType.COMMAND_REPORTED, data, customer, Source.BRIDGE)

    def override(self) -> None:
        """Decide something as an operator, for one customer or for all."""
        action = self.draw.choice(list(OverrideAction))
        one = self._snapshot()
        if self.draw.random() < 0.5 or action in (OverrideAction.RELEASE_BASELINE, OverrideAction.RESUME):
            kind = OverrideAction.RESUME if action is OverrideAction.RESUME else OverrideAction.SILENCE
            wide = Override(action=kind, all=True, until=self.topology.now, who="w", why="y")
            self._event(EventType.OPERATOR_OVERRIDE, wide, None, Source.OPERATOR)
        else:
            narrow = Override(action=action, customer_id=one["customerId"], account_id=one["id"], who="w", why="y")
            self._event(EventType.OPERATOR_OVERRIDE, narrow, one["customerId"], Source.OPERATOR)

    def forget(self) -> None:
        """Have a customer forgotten."""
        data = CustomerForgotten(customer_id=self.draw.choice(CUSTOMERS), who="w", why="y")
        self._event(EventType.CUSTOMER_FORGOTTEN, data, data.customer_id, Source.OPERATOR)

    def activate(self) -> None:
        """Put other rules in force."""
        self.topology.activate(self.draw.choice(policies()), catalogue())

    def spoil(self) -> None:
        """Write garbage, or a sound record in the wrong place or from the wrong source, into one of the logs."""
        customer, log = self.draw.choice(CUSTOMERS), self.draw.choice((EVENTS, SIGNALS))
        data = AccountSnapshot(customer_id=customer, account_id=f"{customer}1", aggregation_status_code=185)
        source = self.draw.choice((Source.BRIDGE, Source.SWEEP))
        event = Event(f"spoilt:{self._count}", EventType.ACCOUNT_MODIFIED, source, self.topology.now, data)
        value = self.draw.choice((b"{", b"[]", data.model_dump_json().encode(), None))
        headers = to_headers(event)[: self.draw.choice((2, 9))]
        record = OutRecord(customer.encode(), value, headers, to_epoch_ms(event.time))
        self.topology.append(self.draw.randrange(self.topology.setup.partitions), record, log)


def _deleted(inputs: Inputs) -> None:
    inputs.notify("deleted")


KINDS: dict[Make, int] = {
    Inputs.notify: 70,
    Inputs.fail_together: 4,
    Inputs.redeliver: 10,
    _deleted: 4,
    Inputs.connect: 10,
    Inputs.observe: 5,
    Inputs.challenge: 2,
    Inputs.report: 1,
    Inputs.override: 3,
    Inputs.forget: 1,
    Inputs.activate: 1,
    Inputs.spoil: 3,
}
"""What an input is, by weight."""
