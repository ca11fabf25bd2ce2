"""Exports the records of a partition, as a process of its own can do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.export.plan import Plan
from streams.export.writing import PartitionWriter
from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span

Altered = Callable[[str, SourceRecord], SourceRecord | None]
"""Gives a record of a topic as it is exported; None for one that is not."""
Tick = Callable[[int], None]
"""Hears how many more offsets are done with."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where records come from, where they go, and what becomes of them on the way."""

    history: History
    folder: Path
    plan: Plan
    altered: Altered | None
    tick: Tick

    async def export(self, place: Place) -> None:
        """Write what is still missing of a partition; memory holds a piece of one file.

        Raises:
            HistoryError: the records cannot be read.
            OSError: the files cannot be written.
        """
        span = self.plan.span(place)
        with PartitionWriter(self.folder, place, span) as writer:
            self.tick(writer.next_offset - span.begin)
            async for records in self.history.read(place, Span(writer.next_offset, span.end)):
                end, before = records[-1].offset + 1, writer.next_offset
                writer.add(self._altered(place.topic, records), end)
                self.tick(end - before)
            self.tick(span.end - writer.next_offset)
            writer.add((), span.end)
            writer.close()

    def _altered(self, topic: str, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        if self.altered is None:
            return records
        found = (self.altered(topic, record) for record in records)
        return [record for record in found if record is not None]
