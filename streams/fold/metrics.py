"""What the machinery tells about itself; the names are in `streams.observe.metrics`."""

from collections.abc import Sequence
from typing import Protocol

from streams.fold.effects import SourceRecord


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

    def ticked(self) -> None:
        """Hear that a tick was written."""


class NoMetrics:
    """Tells nobody."""

    def opened(self, partition: int, seconds: float) -> None:
        """Do nothing."""

    def closed(self, partition: int) -> None:
        """Do nothing."""

    def committed(self, records_in: int, records_out: int, seconds: float) -> None:
        """Do nothing."""

    def lag(self, partition: int, messages: int, records: Sequence[SourceRecord]) -> None:
        """Do nothing."""

    def rebalanced(self, partitions: int) -> None:
        """Do nothing."""

    def paused(self, partition: int) -> None:
        """Do nothing."""

    def ticked(self) -> None:
        """Do nothing."""
