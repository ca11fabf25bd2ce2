"""What the partitions of one worker share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.fold import Fold, SourceRecord
from streams.transport.settings import FoldSettings
from streams.transport.ticks import Ticks


class FoldMetrics(Protocol):
    """Told by the partitions of a worker, per poll and never per event."""

    def opened(self, partition: int, seconds: float) -> None:
        """Hear that a partition was fenced and restored."""

    def closed(self, partition: int) -> None:
        """Hear that a partition was given up."""

    def committed(self, records_in: int, records_out: int, seconds: float) -> None:
        """Hear that a transaction stands."""

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
