"""The clock of a simulation: events in, time in between, messages out; both sides are worked off after each step."""

import re
from collections.abc import Iterator
from datetime import datetime

from schemas.events import ClockTick, Event, EventType, PolicyActivated, Source
from schemas.times import to_epoch_ms
from streams.domain import customer_of
from streams.fold.inforce import InForce
from streams.simulate.customers import CustomerSide
from streams.simulate.institutions import InstitutionSide
from streams.simulate.ledger import Aside, Message, RunLedger

REMEMBERED = 1024
"""Latest events about whole partitions that are known again when the next partition's copy of them comes."""
_PLACE = re.compile(r":[^:/]+/[0-9]+$")


class Simulation:
    """Bridge log, agent, institution agent and clock in one; holds every customer, and no event.

    The clock is the largest event time so far, for every customer. Timers fire in order as it moves, each at the time
    it is due; those that are due at the very time of a record, after the records of that time.

    Args:
        in_force: the rules to begin with.
        derives_incidents: incidents that the institutions' side finds hold customers back; else only those that are
            heard as events do, as a recorded log has them already.
        follows_activations: `policy.activated` changes the rules; else those of the beginning stay.
    """

    def __init__(self, in_force: InForce, *, derives_incidents: bool = True, follows_activations: bool = True) -> None:
        self.derives_incidents = derives_incidents
        self._follows_activations = follows_activations
        self._ledger = RunLedger(in_force)
        self._customers = CustomerSide(self._ledger)
        self._institutions = InstitutionSide(self._ledger)
        self._heard_wide: dict[str, None] = {}
        self._activation: PolicyActivated | None = None

    @property
    def clock(self) -> datetime | None:
        """The present; None before the first event."""
        return self._ledger.ticked_at

    def next_due(self) -> datetime | None:
        """Give when the next timer is due."""
        times = self._customers.next_due(), self._institutions.next_due()
        return min((at for at in times if at is not None), default=None)

    def hear(self, event: Event) -> Iterator[Message]:
        """Let time pass until an event, decide on it, and give what is said; it goes on as the messages are taken."""
        clock = self.clock
        if clock is None or event.time > clock:
            yield from self._pass(event.time, inclusive=False)
            self._ledger.ticked_at = event.time
        self._take(event)
        yield from self._settled()

    def advance(self, until: datetime) -> Iterator[Message]:
        """Let time pass, timers due at `until` included; a time that has passed fires what is due by now."""
        at = until if self.clock is None else max(until, self.clock)
        yield from self._pass(at, inclusive=True)
        if self.clock is not None:
            self._ledger.ticked_at = at

    def take_asides(self) -> list[Aside]:
        """Give what live would have put into the dead letter since the last call."""
        asides, self._ledger.asides = self._ledger.asides, []
        return asides

    def _pass(self, at: datetime, *, inclusive: bool) -> Iterator[Message]:
        while (due := self.next_due()) is not None and (due < at or (inclusive and due == at)):
            self._ledger.ticked_at = now = due if self.clock is None else max(due, self.clock)
            tick = Event(f"tick:{to_epoch_ms(now)}", EventType.CLOCK_TICK, Source.AGENT, now, ClockTick())
            for side in (self._customers, self._institutions):
                for _ in side.tick(tick):
                    yield from self._settled()

    def _take(self, event: Event) -> None:
        if event.partition_key is None and customer_of(event) is None and self._is_copy(event):
            return
        if isinstance(event.data, PolicyActivated):
            if self._is_overtaken(event):
                return
            self._activation = event.data
            self._activate(InForce.activated(event.data, max(event.time, self.clock or event.time)))
        elif event.type != EventType.CLOCK_TICK:
            self._customers.hear(event)

    def _is_copy(self, event: Event) -> bool:
        """Tell the copy of an event about whole partitions that another partition has had already."""
        name = _PLACE.sub("", event.id)
        if name in self._heard_wide:
            return True
        self._heard_wide[name] = None
        if len(self._heard_wide) > REMEMBERED:
            del self._heard_wide[next(iter(self._heard_wide))]
        return False

    def _is_overtaken(self, event: Event) -> bool:
        """Tell whether an agent announces its shipped rules behind others, as live does (`LogFold`)."""
        is_announced = event.source in (Source.AGENT, Source.INSTITUTIONS)
        return is_announced and self._activation is not None and self._activation != event.data

    def _activate(self, in_force: InForce) -> None:
        known = self._ledger.in_force
        is_new = (in_force.policy_sha256, in_force.catalogue_sha256) != (known.policy_sha256, known.catalogue_sha256)
        if is_new and self._follows_activations:
            self._ledger.in_force = in_force
            self._customers.change_rules()
            self._institutions.change_rules()

    def _settled(self) -> Iterator[Message]:
        """Hand signals on, and incidents back, until nothing is left; give the messages in order."""
        ledger = self._ledger
        while ledger.messages or ledger.signals or ledger.counted or ledger.announced:
            messages, ledger.messages = ledger.messages, []
            yield from messages
            for incident in ledger.take_incidents():
                if self.derives_incidents:
                    self._customers.hear(incident)
            signals, ledger.signals = ledger.signals, []
            for signal in signals:
                self._institutions.hear(signal)
            counted, ledger.counted = ledger.counted, []
            for institution_id, at in counted:
                self._institutions.count(institution_id, at)
