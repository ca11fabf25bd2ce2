"""One poll of the agent: customers taken from the tables, decided on in order, and given back changed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from schemas.cloudevents import UnreadableRecord
from schemas.events import CanarySent, Event, EventType, Incident, Source
from schemas.state import AccountState, LoginState, Surroundings, encode
from streams.agent import wide
from streams.agent.canaries import answer_canary
from streams.agent.counting import count_cases, count_observation
from streams.agent.customers import PollCustomers
from streams.agent.linking import fix_url
from streams.agent.outgoing import HealthWriter, SignalWriter
from streams.agent.refusals import refuse_other_key, refuse_too_large
from streams.agent.tables import AgentTables
from streams.agent.wide import Scene
from streams.domain import DECIDED_AT_ONCE, Decision, Outcome, Rules, customer_of, decide, next_due
from streams.domain.rules import Rule
from streams.fold import PartitionPaused, SourceRecord, Table
from streams.fold.deciding import Due
from streams.fold.held import Held
from streams.fold.ledger import Ledger
from streams.fold.messages import send
from streams.links import FixLinks
from streams.observe.parts.deciding import AGENT_FUTURE_DATES


class AgentTurn:
    """The customers of one poll; what is decided later in it sees what was decided before."""

    def __init__(
        self,
        tables: AgentTables,
        partition: int,
        ledger: Ledger,
        signal_partition: Callable[[str], int],
        links: FixLinks | None = None,
    ) -> None:
        self._tables = tables
        self._partition = partition
        self._ledger = ledger
        self._links = links
        self.signals = SignalWriter(partition, ledger, signal_partition)
        self.health = HealthWriter(ledger)
        self._customers = PollCustomers(tables, partition)
        self._held = Held(ledger)
        self._stirred: set[str] = set()
        """Customers whose timers news about all may have moved, though nothing was decided on them."""
        self._due: dict[str, tuple[datetime | None, Rules, Surroundings]] = {}
        self._before = self._around = tables.around(partition)
        self._accounts: dict[str, AccountState | None] = {}
        self._logins: dict[str, LoginState | None] = {}

    def is_known(self, key: str) -> bool:
        """Tell whether the customer has state here, and so belongs here."""
        return self._customers.is_stored(key)

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on an event of a customer, or of the whole partition."""
        if isinstance(event.data, CanarySent):
            answer_canary(self._ledger, record, event, event.data)
            return
        customer_id = customer_of(event)
        if customer_id is None:
            self._hear_wide(record, event)
            return
        refuse_other_key(event, customer_id)
        decision = self._decided(customer_id, event)
        self._keep(record, event, customer_id, decision)
        self._count(event, decision)

    def _count(self, event: Event, decision: Decision) -> None:
        """Count an event of a customer, for the metrics."""
        self._ledger.heard(event.type, decision.outcome)
        count_observation(self._ledger.tally, event, decision.outcome, self._ledger.in_force.rules)

    def _decided(self, customer_id: str, event: Event) -> Decision:
        return decide(self._customers.get(customer_id), event, *self._scene())

    def _scene(self) -> Scene:
        return Scene(self._ledger.in_force.rules, self._ledger.ticked_at, self._around)

    def _hear_wide(self, record: SourceRecord, event: Event) -> None:
        """Take an incident or an override of all: it changes what surrounds customers, and so who is contacted."""
        around, outcome = wide.hear(self._around, event)
        if around is not self._around:
            self._around = around
            self._ledger.decided(record, event.id, None, rules=(_rule_of(event),), state=(encode(around),))
            self._review(record, event)
        for customer_id, decided in wide.releases(self._customers, event, self._scene()):
            self._guarded(record, event, customer_id, decided)
        self._ledger.heard(event.type, outcome)

    def _review(self, record: SourceRecord, event: Event) -> None:
        """Decide anew on those whom news concern; beyond a limit their timers are looked at, and a tick decides."""
        reviews = wide.reviews(self._customers, event, self._scene())
        for customer_id, decided in islice(reviews, DECIDED_AT_ONCE):
            self._guarded(record, event, customer_id, decided)
        stirred = [customer_id for customer_id, _ in reviews]
        self._stirred.update(stirred)
        self._held.release(stirred)

    # -- ticks

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire what is due, in the order (due, customer), customers changed within this poll included.

        What is beyond a limit stays due, for the tick that is written next.
        """
        for _, customer_id in self._ready(due, self._ledger.ticked_at or event.time)[:DECIDED_AT_ONCE]:
            self._guarded(record, event, customer_id, partial(self._decided, customer_id, event))
        self._ledger.heard(EventType.CLOCK_TICK, Outcome.TICK)

    def _ready(self, due: Sequence[Due], by: datetime) -> list[Due]:
        """Give what is due, in order; only timers that the poll may have moved are asked for again."""
        moved = self._moved()
        if self._around is not self._before:
            moved |= {customer_id for _, customer_id in due}
        asked = ((self._next_due(customer_id), customer_id) for customer_id in moved)
        ready = [(at, customer_id) for at, customer_id in asked if at is not None and at <= by]
        ready += [entry for entry in due if entry[1] not in moved]
        return sorted(entry for entry in ready if entry[1] not in self._held)

    def _moved(self) -> set[str]:
        """Give the customers whose timers this poll may have moved."""
        return self._customers.changed.keys() | self._stirred

    def _next_due(self, customer_id: str) -> datetime | None:
        customer = self._customers.get(customer_id)
        if customer is None:
            return None
        return self._held.due(customer_id, partial(next_due, customer, self._ledger.in_force.rules, self._around))

    def _guarded(self, record: SourceRecord, event: Event, customer_id: str, decided: Callable[[], Decision]) -> None:
        """Decide on one customer of many; one who fails waits for its next own event, the others go on."""
        try:
            self._keep(record, event, customer_id, decided())
        except PartitionPaused:
            raise
        except UnreadableRecord as error:
            self._ledger.set_aside(record, error)
            self._held.add(customer_id)
        except Exception as error:  # noqa: BLE001 - the others go on
            self._ledger.failed(record, error, whose=customer_id, at="timers: ")
            self._held.add(customer_id)

    # -- keeping what was decided

    def _keep(self, record: SourceRecord, event: Event, customer_id: str, decision: Decision) -> None:
        state = _encoded(decision)
        if decision.customer is not None:
            refuse_too_large(decision.customer, state)
        links = [fix_url(self._links, message, self._ledger.in_force.rules) for message in decision.messages]
        self._remember(customer_id, decision)
        if decision.logins:
            before = self._customers.get(customer_id)
            count_cases(self._ledger.tally, before, decision, self._ledger.in_force.rules, self._around)
        self._customers.changed[customer_id] = decision.customer
        self._held.release((customer_id,))
        due = None if decision.customer is None else decision.next_due
        self._due[customer_id] = (due, self._ledger.in_force.rules, self._around)
        if decision.future_dates:
            self._ledger.tally.count(AGENT_FUTURE_DATES, times=decision.future_dates)
        for institution_id, login_id in decision.counted:
            self.signals.count(record, customer_id, institution_id, login_id, decision.event_time)
        if decision.changed:
            linked = zip(decision.messages, links, strict=True)
            messages = [send(self._ledger, message, Source.AGENT, link) for message, link in linked]
            messages += [self.signals.write(record, signal) for signal in decision.signals]
            phases = decision.phase_before, decision.phase_after
            self._ledger.decided(
                record, event.id, customer_id, phases=phases, rules=decision.rules, messages=messages, state=state
            )

    def _remember(self, customer_id: str, decision: Decision) -> None:
        """Note the changed records, and whose health they may change."""
        customer, rules = decision.customer, self._ledger.in_force.rules
        for account_id in decision.erased:  # first: the event that found its customer forgotten may bring one back
            self.health.erase(customer_id, account_id)
        for account_id in decision.accounts:
            account = None if customer is None else customer.accounts.get(account_id)
            self._accounts[f"{customer_id}/{account_id}"] = account
            if account is not None:
                self.health.heard(customer_id, account_id, rules)
            elif account_id not in decision.erased:
                self.health.say_last(self._customers.get(customer_id), customer_id, account_id)
        for login_id in decision.logins:
            login = None if customer is None else customer.logins.get(login_id)
            self._logins[f"{customer_id}/{login_id}"] = login
            for account_id, _ in () if customer is None else customer.live_at(login_id):
                self.health.heard(customer_id, account_id, rules)

    # -- what becomes of it

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give the changed records, and put the health of accounts and the counts of logins into the outbox."""
        self.health.write(self._customers.changed)
        self.signals.write_counts()
        headers = {
            customer_id: None if customer is None else customer.state
            for customer_id, customer in self._customers.changed.items()
        }
        around: Mapping[str, Surroundings] = (
            {} if self._around is self._before else {str(self._partition): self._around}
        )
        return {
            self._tables.accounts: self._accounts,
            self._tables.logins: self._logins,
            self._tables.customers: headers,
            self._tables.surroundings: around,
        }

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers of the customers of this poll."""
        rules = self._ledger.in_force.rules
        known = {
            customer_id: due
            for customer_id, (due, *under) in self._due.items()
            if under[0] is rules and under[1] is self._around
        }
        others = self._moved() - known.keys()
        return known | {key: self._next_due(key) for key in others} | self._held.no_timers()


def _rule_of(event: Event) -> str:
    return (Rule.R9 if isinstance(event.data, Incident) else Rule.R16).name


def _encoded(decision: Decision) -> list[bytes]:
    """Give the records of a decision as they are kept, accounts first; nothing stands for one that goes."""
    customer = decision.customer
    if customer is None:
        return [b""] * (len(decision.accounts) + len(decision.logins))
    accounts, logins = map(customer.accounts.get, decision.accounts), map(customer.logins.get, decision.logins)
    return [b"" if state is None else encode(state) for state in chain(accounts, logins)]
