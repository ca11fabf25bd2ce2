"""Plays the year: the batch, the customers' repairs and the simulated rules, each reacting to the other."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Protocol

from schemas.catalogue import Catalogue
from schemas.commands import CONTACT_KINDS
from schemas.events import Event
from schemas.policy import Policy
from streams.fold.inforce import InForce
from streams.simulate import Message, Simulation
from tests.bench.year.customers import People
from tests.bench.year.tally import CONTACTS, Tally
from tests.bench.year.vendor import RETRIED, SUPPORT, Vendor, late, nights
from tests.bench.year.world import DAY, HOUR, MINUTE, Login, banks, logins

Action = Callable[[datetime], None]


@dataclass(slots=True)
class Agenda:
    """What is to happen, by time."""

    _waiting: list[tuple[datetime, int, Action]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def add(self, at: datetime, action: Action) -> None:
        """Have something happen."""
        heapq.heappush(self._waiting, (at, next(self._numbers), action))

    def next(self) -> datetime | None:
        """Give when the next is to happen."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> tuple[datetime, Action]:
        """Take the next."""
        at, _, action = heapq.heappop(self._waiting)
        return at, action


class Deciding(Protocol):
    """What decides in a year, as a simulation does."""

    def next_due(self) -> datetime | None:
        """Give when the next timer is due."""

    def hear(self, event: Event) -> Iterable[Message]:
        """Let time pass until an event, decide on it, and give what is said."""

    def advance(self, until: datetime) -> Iterable[Message]:
        """Let time pass, timers due at `until` included."""


class Year:
    """The closed loop; a simulation decides unless something else is given."""

    def __init__(self, customers: int, seed: int, deciding: Deciding | None = None) -> None:
        random = Random(seed)  # noqa: S311 - the same year every time
        self.banks = banks(random)
        self.logins = list(logins(customers, self.banks, random))
        self.tally = Tally({bank.bank_id: bank.outage for bank in self.banks if bank.outage is not None})
        self._by_id = {(login.customer_id, login.login_id): login for login in self.logins}
        self._vendor, self._people, self._random = Vendor(random), People(random), random
        self._simulation = deciding or Simulation(InForce.of(Policy.load(), Catalogue.load()))
        self._agenda = Agenda()

    def play(self, days: int, day_over: Callable[[], None] = lambda: None) -> Tally:
        """Let the year pass; `day_over` is called at the end of each day."""
        for night in nights(days):
            self._plan(night)
            self._until(night + DAY)
            day_over()
        return self.tally

    def _plan(self, night: datetime) -> None:
        going = [login for login in self.logins if login.code == 0 or login.code in RETRIED]
        for at, login in self._vendor.batch(going, night):
            self._agenda.add(at, self._attempting(login))
        for login in self.logins:
            if login.code and login.code not in RETRIED:
                self._send(self._vendor.unrelated(login, night + self._random.uniform(0, 20) * HOUR))
        for bank in self.banks:
            if bank.outage is not None and night <= bank.outage.ends < night + DAY:
                self._agenda.add(bank.outage.ends, self._rerunning(bank.bank_id))

    def _until(self, end: datetime) -> None:
        while (at := self._agenda.next()) is not None and at < end:
            due = self._simulation.next_due()
            if due is not None and due < at:
                self._react(self._simulation.advance(due))
            else:
                at, action = self._agenda.take()
                action(at)

    # -- the vendor

    def _attempting(self, login: Login) -> Action:
        def attempt(at: datetime) -> None:
            if login.code == 0 or login.code in RETRIED or login.in_outage:
                self._attempt(login, at)

        return attempt

    def _attempt(self, login: Login, at: datetime) -> None:
        before = login.code
        code = self._vendor.attempt(login, at)
        received = at + late(self._random)
        if code and code not in RETRIED | SUPPORT and not login.in_outage and login.failing_since is None:
            self.tally.failed(login, received)
        if not code:
            login.failing_since = None
        self._send(self._vendor.events(login, received, changed=code != before or code in RETRIED))
        if code in SUPPORT:
            self._agenda.add(at + self._random.uniform(3, 20) * DAY, self._healing(login))

    def _healing(self, login: Login) -> Action:
        """Have support mend a login: the vendor aggregates it again."""

        def heal(at: datetime) -> None:
            self._attempt(login, at)

        return heal

    def _rerunning(self, bank_id: str) -> Action:
        """Have the vendor aggregate again, within the hour, who failed in an outage."""

        def rerun(at: datetime) -> None:
            for login in self.logins:
                if login.bank.bank_id == bank_id and login.in_outage and login.code:
                    self._agenda.add(at + self._random.uniform(0, 60) * MINUTE, self._attempting(login))

        return rerun

    def _send(self, events: Iterable[Event]) -> None:
        """Have events arrive, some of them again later."""
        for event in events:
            self._agenda.add(event.time, self._hearing(event))
            for again in self._vendor.redeliveries(event.time):
                self._agenda.add(again, self._hearing(event))

    def _hearing(self, event: Event) -> Action:
        def hear(at: datetime) -> None:
            received = (
                event
                if at == event.time
                else Event(event.id, event.type, event.source, at, event.data, event.subject, event.partition_key)
            )
            self.tally.hear(received)
            self._react(self._simulation.hear(received))

        return hear

    # -- the customers

    def _react(self, messages: Iterable[Message]) -> None:
        for message in messages:
            said = message.structured()
            data, at = said["data"], datetime.fromisoformat(said["time"])
            login = self._by_id.get((data.get("customer_id"), data.get("institution_login_id")))
            if data["kind"] != "lookup":
                self.tally.told(data, login, at)
                if login is not None:
                    self._hear(login, data["kind"], data["action"], data["command_id"], at)

    def _hear(self, login: Login, kind: str, action: str, command_id: str, at: datetime) -> None:
        if action in {"complete", "withdraw"}:
            login.commands.pop(kind, None)
            return
        login.commands[kind] = command_id
        if kind in CONTACT_KINDS and action in CONTACTS:
            self._plan_repair(login, at, self._people.reacts_in(login))
        elif kind == "otp-escalation":
            self._agenda.add(at, self._visiting(login))

    def _plan_repair(self, login: Login, at: datetime, after: timedelta | None) -> None:
        if after is not None and login.code and not login.is_planning:
            login.is_planning = True
            self._agenda.add(at + after, self._repairing(login))

    def _visiting(self, login: Login) -> Action:
        """Have a customer who is not reminded any more use the app now and then, and repair what fails meanwhile."""

        def visit(at: datetime) -> None:
            if "otp-escalation" not in login.commands:
                return
            self._plan_repair(login, at, timedelta())
            after = self._people.visits_in(login)
            if after is not None:
                self._agenda.add(at + after, visit)

        return visit

    def _repairing(self, login: Login) -> Action:
        def repair(at: datetime) -> None:
            login.is_planning = False
            if login.code == 0 or login.bank.outage_at(at) is not None:
                return
            self._send(self._people.repair(login, at))
            self._by_id[login.customer_id, login.login_id] = login
            if login.code == 0:
                self.tally.repaired(login, at)

        return repair
