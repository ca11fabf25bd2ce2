"""What the partitions of one worker share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.times import to_epoch_ms
from streams.clock import Clock, WallClock
from streams.fold import Fold, Outbox, SourceRecord
from streams.member import Member
from streams.observe.labels import RestoredFrom, RestoreSource
from streams.transport.local.state import LocalState
from streams.transport.settings import FoldSettings
from streams.transport.ticks import Ticks


class FoldMetrics(Protocol):
    """Told by the partitions of a worker, per poll and never per event."""

    def opened(self, partition: int, seconds: float, epoch: int) -> None:
        """Hear that a partition was fenced and restored, and the epoch of its producer."""

    def restored(self, source: RestoreSource, counts: Mapping[RestoredFrom, int], seconds: float) -> None:
        """Hear what the state of a partition was brought back from, and how many records were read where."""

    def closed(self, partition: int) -> None:
        """Hear that a partition was given up."""

    def committed(self, records_in: int, written: Outbox, seconds: float) -> None:
        """Hear that a transaction stands, and what it has written."""

    def lag(self, partition: int, messages: int, records: Sequence[SourceRecord]) -> None:
        """Hear how far behind a partition is after a poll, and what the poll gave."""

    def rebalanced(self, partitions: int) -> None:
        """Hear how many partitions the worker owns now."""

    def paused(self, partition: int) -> None:
        """Hear that a partition does not go on."""

    def resumed(self, partition: int) -> None:
        """Hear that a paused partition goes on."""


@dataclass(frozen=True, slots=True)
class FoldParts:
    """The application's fold and what serves it."""

    settings: FoldSettings
    fold: Fold
    ticks: Ticks
    metrics: FoldMetrics
    local: LocalState | None = None
    """State on this machine's disk; None where none is kept."""
    wall: Clock = field(default_factory=WallClock)
    """The time of machines and brokers, whatever clock the log is on."""
    member: Member = field(default_factory=Member)
    """The worker in its group."""

    def now_ms(self) -> int:
        """Give it in epoch milliseconds."""
        return to_epoch_ms(self.wall.now())
