"""What a snapshot writes into the logs: a mark in each partition, and behind it what the state was there."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from schemas.events import Event, EventData, EventType, SnapshotMarked, SnapshotTaken, Source
from schemas.times import to_epoch_ms
from streams.history import Place
from streams.operate.acts import Act
from streams.operate.writing import Outcome

Write = Callable[[Act], Awaitable[Outcome]]
"""Writes records into the log; what was not acknowledged is among the failures of what it gives."""


def marks(log: str, partitions: Iterable[int], at: datetime) -> Act:
    """Mark some partitions of a log: the state before the mark is what a snapshot has."""
    return _act(EventType.SNAPSHOT_MARKED, SnapshotMarked(), log, frozenset(partitions), at)


def announcement(place: Place, taken: SnapshotTaken, at: datetime) -> Act:
    """Say in a partition what its state was at a mark."""
    return _act(EventType.SNAPSHOT_TAKEN, taken, place.topic, frozenset({place.partition}), at)


def _act(kind: EventType, data: EventData, log: str, only: frozenset[int], at: datetime) -> Act:
    """Name it by what it says and when: it is written once, and twice is as once."""
    name = f"{kind}:{to_epoch_ms(at)}"
    if isinstance(data, SnapshotTaken):
        name += f":{data.offset}:{data.state_sha256[:16]}"
    return Act(Event(name, kind, Source.OPERATOR, at, data), (log,), only)
