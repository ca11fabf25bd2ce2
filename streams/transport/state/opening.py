"""Opens the state of a partition: from memory, from this machine's disk, or from its changelogs alone."""

import asyncio
import logging
import time
from collections.abc import Mapping

from streams.fold import Table
from streams.observe.labels import RestoredFrom, RestoreSource
from streams.transport.local.frames import Changes
from streams.transport.local.keeper import StateKeeper
from streams.transport.parts import FoldMetrics, FoldParts
from streams.transport.state.kept import Kept
from streams.transport.state.restore import Base, Changelogs, Restored, changelogs
from streams.transport.state.values import PartitionValues

log = logging.getLogger(__name__)


class OpenState:
    """The state of an open partition as it was restored, and where its changelogs end as it changes."""

    def __init__(self, restored: Restored, keeper: StateKeeper | None) -> None:
        self.values: Mapping[Table, PartitionValues] = restored.values
        self._ends = restored.ends
        self._keeper = keeper

    def committed(self, changes: Changes, ends: Mapping[str, int], began_ms: int) -> None:
        """Hear of a transaction that stands."""
        self._ends.update(ends)
        if self._keeper is not None:
            self._keeper.committed(changes, ends, began_ms)

    def needs_proof(self) -> bool:
        """Tell whether a transaction without records would do the files good."""
        return self._keeper is not None and self._keeper.needs_proof()

    async def closed(self, ownership: tuple[int, int]) -> Kept:
        """Give what is known, for the case that the partition comes back."""
        head = None if self._keeper is None else await self._keeper.close()
        return Kept(self.values, self._ends, ownership, head)


async def open_state(parts: FoldParts, partition: int, kept: Kept | None, ownership: tuple[int, int]) -> OpenState:
    """Bring the state of a fenced partition back; `ownership` is the new one.

    Raises:
        RestoreStalledError, TimeoutError, KafkaError: the changelogs cannot be read to their ends.
    """
    began, fenced_ms = time.monotonic(), parts.now_ms()
    keeper = None if parts.local is None else StateKeeper(parts.local, partition)
    try:
        async with changelogs(parts.settings, parts.fold.tables, partition) as logs:
            if kept is not None and kept.follows(ownership, logs.ends):
                base: Base | None = _from_memory(kept)
            else:
                base = await _from_disk(keeper, logs)
            restored = await logs.read_on(base)
        if keeper is not None:
            await _keep_on(keeper, restored, kept, fenced_ms)
    except BaseException:
        if keeper is not None:
            await keeper.close()
        raise
    _tell(parts.metrics, partition, restored, time.monotonic() - began)
    return OpenState(restored, keeper)


async def _keep_on(keeper: StateKeeper, restored: Restored, kept: Kept | None, fenced_ms: int) -> None:
    changes, is_all = restored.changes, restored.source is RestoreSource.FULL
    if kept is not None and restored.source is RestoreSource.MEMORY and not await keeper.resume(kept.head):
        changes, is_all = await asyncio.to_thread(_encoded, restored), True
    keeper.begin(changes, restored.ends, fenced_ms, is_all=is_all)


def _encoded(restored: Restored) -> Changes:
    """Give all values as their changelogs have them."""
    return {
        table.topic: {
            key: value if type(value) is bytes else table.encode(value) for key, value in values.inner.items()
        }
        for table, values in restored.values.items()
    }


def _from_memory(kept: Kept) -> Base:
    contents = {table.topic: values.inner for table, values in kept.values.items()}
    return Base(RestoreSource.MEMORY, contents, kept.ends)


async def _from_disk(keeper: StateKeeper | None, logs: Changelogs) -> Base | None:
    found = None if keeper is None else await keeper.find(logs.starts, logs.ends)
    return None if found is None else Base(RestoreSource.FILE, *found)


def _tell(metrics: FoldMetrics, partition: int, restored: Restored, seconds: float) -> None:
    counts = {RestoredFrom.FULL: restored.read_records}
    if restored.source is not RestoreSource.FULL:
        counts = {RestoredFrom.TAIL: restored.read_records}
    if restored.source is RestoreSource.FILE:
        counts[RestoredFrom.FILE] = restored.base_records
    metrics.restored(restored.source, counts, seconds)
    log.debug(
        "partition %d restored in %.3f s: %s",
        partition,
        seconds,
        ", ".join(f"{count} records ({place})" for place, count in counts.items()) + f", source {restored.source}",
    )
