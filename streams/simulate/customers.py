"""The customers' side of a simulation: what the agent does with one partition, straight on customers in memory.

`streams.agent.turn` does the same by way of tables, health and an audit chain, at twice the cost. What is decided on
and what is refused is in modules that both use; the tests hold both to the same bytes.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, Source
from streams import pseudonyms
from streams.agent import wide
from streams.agent.outgoing import SignalWriter
from streams.agent.refusals import refuse_other_key, refuse_too_large
from streams.agent.wide import Scene
from streams.domain import NOWHERE, Customer, Decision, customer_of, decide, next_due
from streams.fold.ledger import decision_failed
from streams.fold.messages import send
from streams.fold.timers import TimerIndex
from streams.simulate.ledger import PARTITION, RecordAt, RunLedger

log = logging.getLogger(__name__)


class CustomerSide:
    """Every customer of a run; what is said goes into the ledger."""

    def __init__(self, ledger: RunLedger) -> None:
        self.customers: dict[str, Customer] = {}
        self._ledger = ledger
        self._around = NOWHERE
        self._timers = TimerIndex()
        self._signals = SignalWriter(PARTITION, ledger, lambda _: PARTITION)
        self._decisions = 0

    def next_due(self) -> datetime | None:
        """Give the earliest timer of all customers."""
        return self._timers.first()

    def hear(self, event: Event) -> None:
        """Decide on an event; one that live would set aside is noted in the ledger and changes nothing."""
        customer_id = customer_of(event)
        if customer_id is None:
            self._hear_wide(event)
        else:
            self._settle(event.id, customer_id, partial(self._heard, customer_id, event))

    def _heard(self, customer_id: str, event: Event) -> Decision:
        if event.partition_key is not None:
            refuse_other_key(event, customer_id)
        return self._decided(customer_id, event)

    def _decided(self, customer_id: str, event: Event) -> Decision:
        return decide(self.customers.get(customer_id), event, *self._scene())

    def _scene(self) -> Scene:
        return Scene(self._ledger.in_force.rules, self._ledger.ticked_at, self._around)

    def _settle(self, name: str, customer_id: str, decided: Callable[[], Decision]) -> bool:
        """Decide and keep it; False where that failed, which is noted: one customer's trouble is not everybody's."""
        try:
            self._keep(customer_id, decided())
        except UnreadableRecord as error:
            self._ledger.note_aside(name, error)
        except Exception as error:
            log.exception("a decision on %s failed", pseudonyms.customer(customer_id))
            self._ledger.note_aside(name, decision_failed(error, told=str(error)))
        else:
            return True
        return False

    def _keep(self, customer_id: str, decision: Decision) -> None:
        if decision.customer is not None:
            refuse_too_large(decision.customer, ())
        if decision.customer is None:
            self.customers.pop(customer_id, None)
            self._timers.set(customer_id, None)
        else:
            self.customers[customer_id] = decision.customer
            self._timers.set(customer_id, decision.next_due)
        self._say(decision)

    def _say(self, decision: Decision) -> None:
        """Send the messages and the signals, and tell of logins that were seen to succeed."""
        for message in decision.messages:
            send(self._ledger, message, Source.AGENT)
        if decision.signals:
            self._decisions += 1
            for signal in decision.signals:
                self._signals.write(RecordAt(self._decisions), signal)
        for institution_id, _login_id in decision.counted:
            self._ledger.counted.append((institution_id, decision.event_time))

    # -- time

    def tick(self, tick: Event) -> Iterator[None]:
        """Fire what is due, one customer a step, in the order (due, customer)."""
        for _, customer_id in self._timers.due_by(tick.time):
            self._one_of_many("timers", customer_id, partial(self._fired, customer_id, tick))
            yield

    def _fired(self, customer_id: str, tick: Event) -> Decision:
        decision = self._decided(customer_id, tick)
        if decision.next_due is not None and decision.next_due <= tick.time and not decision.changed:
            raise UnreadableRecord(DeadLetterReason.DECISION_FAILED, "a timer stays due after it was fired")
        return decision

    def _one_of_many(self, what: str, customer_id: str, decided: Callable[[], Decision]) -> None:
        """Decide on a customer as one of many: the timers of one who fails wait for the next event of its own."""
        if not self._settle(f"{what} of customer {customer_id}", customer_id, decided):
            self._timers.set(customer_id, None)

    def change_rules(self) -> None:
        """Set every timer anew by the rules that are in force now."""
        self._timers = TimerIndex()
        for customer_id, customer in self.customers.items():
            try:
                due = next_due(customer, self._ledger.in_force.rules, self._around)
            except Exception as error:  # noqa: BLE001 - one customer's trouble is not everybody's
                self._ledger.timer_failed(error)
            else:
                self._timers.set(customer_id, due)

    # -- events about everybody

    def _hear_wide(self, event: Event) -> None:
        before = self._around
        self._around, _ = wide.hear(before, event)
        reviews = wide.reviews(self, event, self._scene()) if self._around is not before else ()
        for customer_id, decided in chain(reviews, wide.releases(self, event, self._scene())):
            self._one_of_many(event.id, customer_id, decided)

    def everyone(self) -> Iterable[Customer]:
        """Give every customer, ascending."""
        return (self.customers[customer_id] for customer_id in sorted(self.customers))

    def known(self, customer_id: str) -> Customer:
        """Give a customer; KeyError for one that is not known."""
        return self.customers[customer_id]
