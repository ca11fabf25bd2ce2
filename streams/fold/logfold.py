"""The fold of a log, whatever is decided: intake, dead letters, ticks, rules in force, and the audit chain."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Protocol

from schemas.cloudevents import NewerRecord, UnreadableRecord
from schemas.events import Event, EventType, Override, OverrideAction, PolicyActivated, Source
from schemas.state import ControlState, replace
from schemas.state.partitions import STATE_VERSION
from streams.clock import Clock
from streams.domain import Rules
from streams.fold.census import Census, Move
from streams.fold.deciding import Decider, Due, Turn
from streams.fold.effects import Effects, PartitionPaused, SourceRecord, Table, type_of
from streams.fold.failures import Failures
from streams.fold.inforce import InForce
from streams.fold.intake import Intake
from streams.fold.ledger import PollLedger, Tally
from streams.fold.lines import FoldOutcome
from streams.fold.opening import require_own
from streams.fold.share import DeadLetterShare, PollShare
from streams.fold.timers import SLICE_KEYS, PartitionTimers
from streams.observe.parts.deciding import AGENT_TIMERS_FAILED

SLICE_RECORDS = 1000
"""Records that are counted between two polls: some milliseconds."""
OVERRIDE, TICK = EventType.OPERATOR_OVERRIDE.encode(), EventType.CLOCK_TICK.encode()
CANARY = EventType.CANARY_SENT


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Which log is folded, by whom, and the limits."""

    log: str
    identity: str
    """`<cluster id>/<topic id>`, the name of the audit chains."""
    source: Source
    intake: Intake
    shipped: InForce
    clock: Clock


class Counted(Protocol):
    """Hears what was counted of a poll once it stands."""

    def __call__(self, tally: Tally, /) -> None:
        """Add it to the metrics."""


@dataclass(slots=True)
class Books:
    """What is kept of an open partition beside its tables."""

    in_force: InForce
    activated: bool
    share: DeadLetterShare
    timers: PartitionTimers
    census: Census
    resumes_at: int = -1
    """Offset of the record by which an operator has accepted what comes before it."""


@dataclass(slots=True)
class Note:
    """What `committed` needs of a poll."""

    tally: Tally
    in_force: InForce
    timers: Mapping[str, datetime | None]
    share: PollShare
    moves: Sequence[Move]


@dataclass(slots=True)
class FoldingPoll:
    """A poll while it is folded; `rules` are those that it puts in force, by the partition's number."""

    partition: int
    ledger: PollLedger
    turn: Turn
    share: PollShare
    rules: dict[str, PolicyActivated] = field(default_factory=dict)


class LogFold:
    """A Fold over one log: hands events to a decider and keeps the partition's books."""

    def __init__(
        self, settings: LogSettings, decider: Decider, control: Table, policies: Table, counted: Counted
    ) -> None:
        self._settings = settings
        self._decider = decider
        self._control = control
        self._policies = policies
        self._counted = counted
        self._books: dict[int, Books] = {}
        self._failures = Failures()

    @property
    def tables(self) -> Sequence[Table]:
        """The decider's tables and the two of the books."""
        return (*self._decider.tables, self._policies, self._control)

    def opened(self, partition: int) -> None:
        """Take the rules in force from the restored tables; what timers there are `prepare` looks at.

        Raises:
            PartitionPaused: a later release has written here, or the log was made anew.
        """
        control = self._control_of(partition)
        require_own(control, self._settings.log, self._settings.identity, partition)
        activation = self._policies.partition(partition).get(str(partition))
        since = control.rules_since
        in_force = self._settings.shipped if activation is None else InForce.activated(activation, since)
        share = DeadLetterShare(control)
        timers = PartitionTimers(self._all_due(partition, in_force.rules))
        census = Census(self._decider.surveyed, partition, in_force.rules)
        self._books[partition] = Books(in_force, activation is not None, share, timers, census)

    def in_force(self) -> dict[int, InForce]:
        """Give the rules in force on each open partition."""
        return {partition: books.in_force for partition, books in self._books.items()}

    def prepare(self, partition: int) -> bool:
        """Look at some more timers, and count some more records; see Fold."""
        books = self._books[partition]
        return all((books.timers.look(SLICE_KEYS), books.census.look(SLICE_RECORDS)))

    def standing(self, *place: str) -> int:
        """Count the records of the open partitions that stand somewhere; too few while one is being opened."""
        return sum(max(0, books.census.counts[place]) for books in self._books.values())

    def standing_by(self, name: str) -> Counter[str]:
        """Give the same for every label of a census of one label."""
        found: Counter[str] = Counter()
        for books in self._books.values():
            found.update({place[1]: count for place, count in books.census.counts.items() if place[0] == name})
        return +found

    def _control_of(self, partition: int) -> ControlState:
        return self._control.partition(partition).get(str(partition)) or ControlState()

    def next_offset(self, partition: int) -> int | None:
        """Give the offset after the last record that the state knows; see Fold."""
        return self._control_of(partition).next_offset

    def announcement(self, partition: int) -> Event | None:
        """Write the shipped rules into a log that has none in force."""
        books = self._books[partition]
        if books.activated:
            return None
        settings = self._settings
        return books.in_force.announcement(settings.source, settings.log, partition, settings.clock.now())

    def closed(self, partition: int) -> None:
        """Forget the books of a partition."""
        self._books.pop(partition, None)

    def next_due(self, partition: int) -> datetime | None:
        """Give the earliest timer of the partition."""
        return self._books[partition].timers.first()

    def fold(self, partition: int, records: Sequence[SourceRecord], seconds: float = inf) -> Effects:
        """Decide on a poll; see Fold."""
        books = self._books[partition]
        control = self._control_of(partition)
        log, identity = self._settings.log, self._settings.identity
        ledger = PollLedger(log, identity, partition, control, books.in_force, failures=self._failures)
        poll = FoldingPoll(partition, ledger, self._decider.turn(partition, ledger), books.share.poll())
        ends, taken = time.monotonic() + seconds, 0
        for record in records:
            if type_of(record) == TICK and not books.timers.look_until(ends):
                break
            before = len(ledger.dead_letters)
            event_type = self._take(record, poll)
            ledger.say(record)
            if (failed := ledger.dead_letters[before:]) or event_type != CANARY:  # which would hide that all fails
                poll.share.take(failed, is_accepted=record.offset < books.resumes_at)
            taken += 1
            if time.monotonic() > ends or (seconds < inf and ledger.in_force is not books.in_force):
                break  # new rules: a tick behind them would have every timer looked at anew, all at once
        poll.share.require(ledger.in_force.rules.policy.dead_letter.max_share)
        effects = ledger.effects
        effects.left = len(records) - taken
        control = replace(poll.share.record(ledger.control()), version=STATE_VERSION)
        effects.changes = {**poll.turn.changes(), self._policies: poll.rules, self._control: {str(partition): control}}
        moves = books.census.moves(effects.changes)
        effects.note = Note(ledger.tally, ledger.in_force, poll.turn.timers(), poll.share, moves)
        return effects

    def resumed(self, partition: int, records: Sequence[SourceRecord]) -> bool:
        """Look for an operator's word among records ahead; see Fold."""
        for record in records:
            if self._resumes(record, partition):
                self._books[partition].resumes_at = record.offset
                return True
        return False

    def _resumes(self, record: SourceRecord, partition: int) -> bool:
        if type_of(record) != OVERRIDE:
            return False
        try:
            return _is_resume(self._settings.intake.read(record, partition, lambda _key: True))
        except (UnreadableRecord, NewerRecord):
            return False

    def _take(self, record: SourceRecord, poll: FoldingPoll) -> str | None:
        """Take one record, or set it aside; gives the type of what could be read."""
        ledger, event = poll.ledger, None
        ledger.absorb(record)
        try:
            event = self._settings.intake.read(record, poll.partition, poll.turn.is_known)
            self._hear(record, event, poll)
        except UnreadableRecord as error:
            ledger.set_aside(record, error)
        except NewerRecord as error:
            raise PartitionPaused(
                f"{error}: offset {record.offset} of {self._settings.log}/{poll.partition}; start the release that "
                "wrote it, or a later one: no earlier one can read on"
            ) from error
        except PartitionPaused:
            raise
        except Exception as error:  # noqa: BLE001 - a poisonous customer must not take every worker down in turn
            ledger.failed(record, error, whose=None if event is None else event.partition_key)
        return None if event is None else event.type

    def _hear(self, record: SourceRecord, event: Event, poll: FoldingPoll) -> None:
        if isinstance(event.data, PolicyActivated):
            self._activate(record, event, event.data, poll)
        elif event.type == EventType.CLOCK_TICK:
            ledger = poll.ledger
            ledger.ticked_at = event.time if ledger.ticked_at is None else max(ledger.ticked_at, event.time)
            poll.turn.tick(record, event, self._due(poll.partition, ledger.ticked_at, ledger.in_force))
        elif _is_resume(event):
            poll.share.resume()
            poll.ledger.heard(event.type, FoldOutcome.RESUMED)
            poll.ledger.decided(record, event.id, None, rules=("R16",))
        else:
            poll.turn.decide(record, event)

    def _activate(self, record: SourceRecord, event: Event, activation: PolicyActivated, poll: FoldingPoll) -> None:
        """Put rules in force, unless an agent announces its shipped ones behind others that an operator has put."""
        key = str(poll.partition)
        kept = poll.rules.get(key) or self._policies.partition(poll.partition).get(key)
        if event.source != Source.OPERATOR and kept is not None and kept != activation:
            poll.ledger.heard(event.type, FoldOutcome.OVERTAKEN)
        else:
            poll.rules[key] = activation
            poll.ledger.activate(record, event.id, activation)

    def _due(self, partition: int, by: datetime, in_force: InForce) -> list[Due]:
        """Give what the state before the poll has due; rules that came with this very poll may have moved any timer."""
        books = self._books[partition]
        if in_force is books.in_force:
            return books.timers.due_by(by)
        every = self._all_due(partition, in_force.rules)
        return sorted((due, key) for key, due in every if due is not None and due <= by)

    def _all_due(self, partition: int, rules: Rules) -> Iterator[tuple[str, datetime | None]]:
        """Give the timer of every key; one whose cannot be told waits for its next own event, the others go on."""
        for key in self._decider.timer_keys(partition):
            try:
                due = self._decider.due(partition, key, rules)
            except PartitionPaused:
                raise
            except Exception as error:  # noqa: BLE001 - a poisonous customer must not take every worker down in turn
                self._failures.tell_timer(f"{self._settings.log}/{partition}", error)
                tally = Tally()
                tally.count(AGENT_TIMERS_FAILED)
                self._counted(tally)
                due = None
            yield key, due

    def committed(self, partition: int, effects: Effects) -> None:
        """Move the books on."""
        note: Note = effects.note
        books = self._books[partition]
        books.share.accept(note.share)
        if note.in_force is not books.in_force:
            self._change_rules(partition, books, note.in_force)
        else:
            books.census.accept(note.moves)
        books.timers.move(note.timers)
        self._counted(note.tally)

    def _change_rules(self, partition: int, books: Books, in_force: InForce) -> None:
        """Take new rules; timers and standings depend on them, so all are looked at anew."""
        books.in_force, books.activated = in_force, True
        books.timers = PartitionTimers(self._all_due(partition, in_force.rules))
        books.census = Census(self._decider.surveyed, partition, in_force.rules)


def _is_resume(event: Event) -> bool:
    return isinstance(event.data, Override) and event.data.action is OverrideAction.RESUME
