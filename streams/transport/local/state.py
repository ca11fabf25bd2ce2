"""The state of the partitions of one worker on this machine's disk, read and written beside their work."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from schemas.times import to_epoch_ms
from streams.clock import Clock, WallClock
from streams.observe.labels import StateRefusal
from streams.transport.local.files import PartitionFiles, StateRefused
from streams.transport.local.head import Identity

T = TypeVar("T")


class StateMetrics(Protocol):
    """Told of each file read, refused or written."""

    def state_refused(self, reason: StateRefusal) -> None:
        """Hear that a file is not used, or not written on."""

    def state_written(self, written_bytes: int, seconds: float) -> None:
        """Hear that a partition's state was written."""


class LocalState:
    """One folder of one application, and the two threads that work in it, so that the cost of all is bounded."""

    def __init__(
        self,
        folder: Path,
        identity: Callable[[int], Identity],
        partitions: int,
        metrics: StateMetrics,
        wall: Clock | None = None,
    ) -> None:
        self.metrics = metrics
        self.unkept: dict[int, str] = {}
        """Why partitions that this process owns are not kept here, until they are."""
        self._wall = wall or WallClock()
        self._folder = folder
        self._identity = identity
        self._partitions = partitions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="local-state")
        self._thread_for_all = ThreadPoolExecutor(1, thread_name_prefix="local-state-whole")

    def now_ms(self) -> int:
        """Give the machine's time in epoch milliseconds, whatever clock the log is on."""
        return to_epoch_ms(self._wall.now())

    def files(self, partition: int) -> PartitionFiles:
        """Give the files of a partition, not looked at yet."""
        return PartitionFiles(self._folder, self._identity(partition))

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do some work in a thread; what was begun goes on there even if nobody waits any more."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def run_on_all(self, work: Callable[..., T], *arguments: object) -> T:
        """Do the same with all values of a partition, which takes so long that nothing else may wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread_for_all, work, *arguments)

    def remove_stale(self) -> None:
        """Remove what could not be used any more: of nobody's partitions, and so out of reach of tombstones."""
        for partition in range(self._partitions):
            files = self.files(partition)
            with contextlib.suppress(OSError, StateRefused):  # missing, or in use
                files.lock()
                try:
                    files.examine(self.now_ms())
                except StateRefused:
                    files.remove()
                finally:
                    files.unlock()
