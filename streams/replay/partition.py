"""One partition of a log, derived again a poll at a time, and compared."""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

from schemas.catalogue import Catalogue
from schemas.cloudevents import attribute, id_of, to_value
from schemas.events import EventType
from schemas.policy import Policy
from streams.fold.application import Application
from streams.fold.effects import Effects, SourceRecord, type_of
from streams.fold.inforce import InForce, read_activation
from streams.history import History, Place, Span
from streams.replay.compare.difference import SNAPSHOT, Cause, Difference, Verdict
from streams.replay.fold import Made, PartitionFold, polls
from streams.replay.lockstep import Keep, Lockstep
from streams.replay.otherwise.partition import Otherwise
from streams.replay.task import Began, Outcome, Task
from streams.snapshots.checking import held
from streams.snapshots.file import Snapshot
from streams.snapshots.marks import StateAtMark, StatesAtMarks

Progress = Callable[[int], None]
"""Hears how many records more were folded."""
Hear = Callable[[Sequence[SourceRecord]], None]
"""Takes the records that are folded."""

_INCIDENTS = (EventType.INCIDENT_OPENED.encode(), EventType.INCIDENT_CLOSED.encode())
_ACTIVATED = EventType.POLICY_ACTIVATED.encode()


async def replay(history: History, task: Task, progress: Progress, keep: Keep, hear: Hear = lambda _: None) -> Outcome:
    """Fold the span of a task again, and compare; memory is the state's, whatever is read.

    Args:
        history: what is read.
        task: which partition, and from where to where.
        progress: hears of every poll.
        keep: takes the differences.
        hear: takes the records that are folded.

    Raises:
        HistoryError: something cannot be read.
        PartitionPaused: a later release has written into the log.
    """
    began = time.monotonic()
    outcome = Outcome(task.place, asks_snapshot=task.asks_snapshot, of_some=bool(task.customers))
    keep_told = partial(_keep, outcome, keep)
    folded = await _begun(history, task, outcome)
    states = StatesAtMarks(folded.fold.tables, task.partition, task.span.begin)
    lockstep = (Lockstep if task.policy is None else Otherwise)(history, task, keep_told)
    chunks: Any = history.read(task.place, task.span)
    try:
        cut: Any = polls(chunks, task.compared_from)
        async with aclosing(cut):
            async for poll in cut:
                is_compared = poll[0].offset >= task.compared_from
                if is_compared and not outcome.compared and task.policy is not None:
                    outcome.recorded_policy = folded.fold.in_force()[task.partition].rules.policy
                    folded.fold.take_policy(task.partition, task.policy)
                if task.compares_states and (state := states.before(poll)) is not None and is_compared:
                    _compare_state(outcome, poll[0], state, keep_told)
                effects = folded.take(poll)
                hear(poll)
                if is_compared:
                    await _compare(lockstep, outcome, poll, effects)
                outcome.events += len(poll)
                progress(len(poll))
        if outcome.compared:
            await lockstep.end(outcome)
    finally:
        await lockstep.close()
    outcome.seconds = time.monotonic() - began
    return outcome


async def _begun(history: History, task: Task, outcome: Outcome) -> PartitionFold:
    """Give the fold as it stands where the span begins: at the snapshot's mark, else before the log's first record."""
    start = None if task.snapshot is None else await held(history, task.place, task.snapshot, task.former)
    rules = await shipped(history, task.application, task.place, task.span, start)
    identity = task.identity
    if start is not None and task.snapshot is not None:
        identity = start.head.log
        outcome.began = Began(task.snapshot.name, start.head.offset, start.head.time_ms)
    links = None if task.links is None else task.links.made()
    made = Made(task.application, identity, task.partitions, rules, links)
    return PartitionFold(made.fold(), task.partition, None if start is None else start.tables)


async def _compare(
    lockstep: Lockstep | Otherwise, outcome: Outcome, poll: Sequence[SourceRecord], effects: Effects
) -> None:
    """Hold what a poll has led to against what is recorded, and note what it has announced and heard of incidents."""
    if not outcome.compared:
        await lockstep.begin(poll[0].timestamp)
    await lockstep.compare(effects.outbox.records, poll[-1].timestamp)
    outcome.compared += len(poll)
    outcome.heard |= _heard(poll[0])
    outcome.announced |= {event.id: _sha256(to_value(event.data)) for _, event in effects.announced}


def _keep(outcome: Outcome, keep: Keep, difference: Difference) -> None:
    outcome.take(difference)
    keep(difference)


def _compare_state(outcome: Outcome, record: SourceRecord, state: StateAtMark, keep: Keep) -> None:
    """Hold the state that was derived at a mark against what the log has announced of it.

    Behind a difference the chain is another one, and with it each state: that is told once.
    """
    if outcome.differences and not state.is_of_same_chain:
        return
    verdict = Verdict.SAME if state.is_same else Verdict.CHANGED
    outcome.counts[SNAPSHOT, verdict] += 1
    if not state.is_same:
        keep(_state_difference(str(outcome.place), record, state))


def _state_difference(place: str, record: SourceRecord, state: StateAtMark) -> Difference:
    announced = state.announced
    return Difference(
        Verdict.CHANGED,
        Cause.SNAPSHOT,
        place,
        record.offset,
        SNAPSHOT,
        id_of(record.headers),
        None,
        record.timestamp,
        ("state_sha256",),
        {"state_sha256": (announced.state_sha256, state.derived), "mark": (announced.offset, announced.offset)},
    )


def _heard(record: SourceRecord) -> dict[str, str]:
    """Give the incident that a record tells of: each begins a poll, so that its first record is enough."""
    return {id_of(record.headers): _sha256(record.value or b"")} if type_of(record) in _INCIDENTS else {}


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


async def shipped(
    history: History, application: Application, place: Place, span: Span, start: Snapshot | None
) -> InForce:
    """Give the rules before the log put any in force: what its agent announced first are those it was started with.

    `start` is what the fold begins with: where that has rules in force, it needs no others.

    Raises:
        HistoryError: the span cannot be read.
    """
    if start is not None and start.tables.get("policies"):
        return InForce.of(Policy.load(), Catalogue.load())
    chunks: Any = history.read(place, span)
    source = application.source.encode()
    async with aclosing(chunks):
        async for records in chunks:
            for record in records:
                if type_of(record) == _ACTIVATED and attribute(record.headers, "ce_source") == source:
                    with suppress(ValueError):  # set aside, as live does
                        return InForce.activated(read_activation(record.value or b""))
    return InForce.of(Policy.load(), Catalogue.load())
