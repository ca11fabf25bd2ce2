"""The institutions' side of a simulation: the institution agent's own turns, one a signal, on tables in memory."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from schemas.cloudevents import UnreadableRecord
from schemas.events import Event, Source
from schemas.signals import HealthyLogins, SignalType
from schemas.state import InstitutionState
from schemas.times import to_epoch_ms
from streams.fold.memory import MemoryTable
from streams.fold.timers import TimerIndex
from streams.institutions.tables import InstitutionTables
from streams.institutions.turn import InstitutionDecider, InstitutionTurn
from streams.simulate.ledger import PARTITION, RecordAt, RunLedger

SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Count:
    """Logins of an institution that were seen to succeed within a second."""

    institution_id: str
    first: datetime
    latest: datetime
    logins: int = 1

    def add(self, at: datetime) -> bool:
        """Count one more; False where its second is over."""
        if at - self.first >= SECOND:
            return False
        self.latest, self.logins = max(self.latest, at), self.logins + 1
        return True

    def signal(self) -> Event:
        """Give the record that live would write of them."""
        data = HealthyLogins(
            institution_id=self.institution_id, logins=self.logins, source_partition=PARTITION, source_offset=0
        )
        name = f"{PARTITION}/{to_epoch_ms(self.latest)}/healthy/{self.institution_id}"
        return Event(name, SignalType.HEALTHY, Source.AGENT, self.latest, data, None, self.institution_id)


class InstitutionSide:
    """Every institution of a run; what is said goes into the ledger."""

    def __init__(self, ledger: RunLedger) -> None:
        self._tables = InstitutionTables(*(MemoryTable.alone(one.name, PARTITION) for one in fields(InstitutionTables)))
        self._decider = InstitutionDecider(self._tables)
        self._ledger = ledger
        self._timers = TimerIndex()
        self._turns = 0
        self._counts: dict[str, deque[Count]] = {}

    def next_due(self) -> datetime | None:
        """Give the earliest timer of all institutions."""
        return self._timers.first()

    def hear(self, signal: Event) -> None:
        """Decide on a signal, after the counts of its institution."""
        counts = self._counts.pop(signal.partition_key or "", ())
        self._decide([*map(Count.signal, counts), signal])

    def count(self, institution_id: str, at: datetime) -> None:
        """Count a login that was seen to succeed.

        A count changes nothing by itself unless an incident is open: until the institution's next signal it is kept, by
        the second, and dropped when the window has passed (R9).
        """
        window = self._ledger.in_force.rules.policy.incident.window
        counts = self._counts.setdefault(institution_id, deque())
        if not counts or not counts[-1].add(at):
            counts.append(Count(institution_id, at, at))
        while counts[0].latest < at - window:
            counts.popleft()
        known: InstitutionState | None = self._tables.institutions.partition(PARTITION).get(institution_id)
        if known is not None and known.incidents:
            self._decide(map(Count.signal, self._counts.pop(institution_id)))

    def tick(self, tick: Event) -> Iterator[None]:
        """Fire what is due."""
        due = self._timers.due_by(tick.time)
        if due:
            turn = self._turn()
            turn.tick(RecordAt(self._turns), tick, due)
            self._apply(turn)
            yield

    def change_rules(self) -> None:
        """Set every timer anew by the rules that are in force now."""
        self._timers = TimerIndex()
        for key in self._decider.timer_keys(PARTITION):
            try:
                due = self._decider.due(PARTITION, key, self._ledger.in_force.rules)
            except Exception as error:  # noqa: BLE001 - one institution's trouble is not everybody's
                self._ledger.timer_failed(error)
            else:
                self._timers.set(key, due)

    def _decide(self, signals: Iterable[Event]) -> None:
        turn = self._turn()
        for signal in signals:
            try:
                turn.decide(RecordAt(self._turns), signal)
            except UnreadableRecord as error:
                self._ledger.note_aside(signal.id, error)
        self._apply(turn)

    def _turn(self) -> InstitutionTurn:
        self._turns += 1
        return self._decider.turn(PARTITION, self._ledger)

    def _apply(self, turn: InstitutionTurn) -> None:
        for table, changes in turn.changes().items():
            table.apply(PARTITION, changes)
        for key, due in turn.timers().items():
            self._timers.set(key, due)
