"""Looks at all that an import would write, before it writes anything: what is damaged would be found hours later."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.export.choices import COMPACTED, ExportError
from streams.export.reading import Tick
from streams.export.restoring.state import to_write
from streams.history import Place
from streams.history.exports.history import ExportOrigin
from streams.history.exports.manifest import Manifest
from streams.kafka.topics import DEAD_LETTER, EVENTS, SIGNALS

SAME_OFFSETS = (EVENTS, SIGNALS, DEAD_LETTER)
"""Topics whose offsets are referred to: by state, audit records, ids of signals, and notes about dead letters."""
MOST_OFFSETS = 10**10
"""Of one partition: offsets without a record are written, too, and this many already take hours."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Reads a partition as it would be written; goes to another process. See Restoring for what it takes."""

    folder: Path
    topics: Sequence[str]
    identities: Mapping[str, str]

    def __call__(self, number: int, tick: Tick) -> None:
        """See Work; raises HistoryError or ExportError at the first record that cannot be written."""
        asyncio.run(self._run(number, tick))

    async def _run(self, number: int, tick: Tick) -> None:
        async with ExportOrigin(self.folder).open() as history:
            for place in (Place(topic, number) for topic in self.topics):
                async for records in to_write(history, place, self.identities):
                    if place.topic in COMPACTED and (bad := next((one for one in records if one.key is None), None)):
                        raise ExportError(f"{place}/{bad.offset} has no key, and no broker takes that there")
                    tick(len(records))


def too_long(manifest: Manifest) -> Iterator[str]:
    """Say which partitions would have to be filled with more than there is time or room for."""
    for topic in SAME_OFFSETS:
        for number, partition in enumerate(manifest.topics[topic].partitions if topic in manifest.topics else ()):
            if partition.end > MOST_OFFSETS:
                yield (
                    f"{Place(topic, number)} ends at offset {partition.end}, and all of its offsets have to be "
                    f"written; {MOST_OFFSETS} are the most"
                )
