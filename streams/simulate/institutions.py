"""The institutions' side of a simulation: the institution agent's own turns, one a signal, on tables in memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from schemas.cloudevents import UnreadableRecord
from schemas.events import Event
from streams.fold.timers import TimerIndex
from streams.institutions.tables import InstitutionTables
from streams.institutions.turn import InstitutionDecider, InstitutionTurn
from streams.simulate.ledger import PARTITION, Place, RunLedger


class MemoryTable:
    """A table of one partition in memory (see streams.fold.Table)."""

    def __init__(self, name: str) -> None:
        self.name = self.topic = name
        self.decode: Callable[[bytes], Any] = bytes
        self.encode: Callable[[Any], bytes] = bytes
        self._values: dict[str, Any] = {}

    def partition(self, partition: int) -> Mapping[str, Any]:
        """Give the values."""
        del partition
        return self._values

    def take(self, partition: int, values: dict[str, Any]) -> None:
        """Begin with values."""
        del partition
        self._values = values

    def drop(self, partition: int) -> None:
        """Forget the values."""
        self.take(partition, {})

    def apply(self, partition: int, changes: Mapping[str, Any]) -> None:
        """Change values; None drops one."""
        del partition
        for key, value in changes.items():
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value


class InstitutionSide:
    """Every institution of a run; what is said goes into the ledger."""

    def __init__(self, ledger: RunLedger) -> None:
        tables = InstitutionTables(*(MemoryTable(one.name) for one in fields(InstitutionTables)))
        self._decider = InstitutionDecider(tables)
        self._ledger = ledger
        self._timers = TimerIndex()
        self._turns = 0

    def next_due(self) -> datetime | None:
        """Give the earliest timer of all institutions."""
        return self._timers.first()

    def hear(self, signal: Event) -> None:
        """Decide on a signal."""
        turn = self._turn()
        try:
            turn.decide(Place(self._turns), signal)
        except UnreadableRecord as error:
            self._ledger.note_aside(signal.id, error)
        self._apply(turn)

    def tick(self, tick: Event) -> Iterator[None]:
        """Fire what is due."""
        due = self._timers.due_by(tick.time)
        if due:
            turn = self._turn()
            turn.tick(Place(self._turns), tick, due)
            self._apply(turn)
            yield

    def change_rules(self) -> None:
        """Set every timer anew by the rules that are in force now."""
        self._timers = TimerIndex()
        for key, due in self._decider.all_due(PARTITION, self._ledger.in_force.rules):
            self._timers.set(key, due)

    def _turn(self) -> InstitutionTurn:
        self._turns += 1
        return self._decider.turn(PARTITION, self._ledger)

    def _apply(self, turn: InstitutionTurn) -> None:
        for table, changes in turn.changes().items():
            table.apply(PARTITION, changes)
        for key, due in turn.timers().items():
            self._timers.set(key, due)
