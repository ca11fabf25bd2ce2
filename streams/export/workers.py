"""Work on every partition, in processes of their own: the failure of one is named, the others go on."""

import multiprocessing
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from typing import Generic, TypeVar

from aiokafka.errors import KafkaError

from streams.export.choices import ExportError
from streams.export.reading import Tick
from streams.history import HistoryError
from streams.kafka.access import ClusterError
from streams.kafka.refusals import keep_to_words

T = TypeVar("T")
Work = Callable[[int, Tick], T]
"""What is to be done for a partition, by its number; goes to another process, and so does what it gives."""
LOOK_SECONDS = 0.2
TICK_OFFSETS = 2_000
"""Offsets that a process tells of at once."""

_told: "SimpleQueue[int] | None" = None


class PartitionFailed(RuntimeError):  # noqa: N818 - says what happened
    """The work on a partition did not come to its end, in words that can go from one process to another."""


@dataclass
class Outcome(Generic[T]):
    """What became of each partition, by its number."""

    results: dict[int, T] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    def take(self, number: int, result: Callable[[], T]) -> None:
        """Take a result, or the words of a failure that is one of a cluster or a disk."""
        try:
            self.results[number] = result()
        except BrokenProcessPool:
            self.failed[number] = "its process was killed: look who else needs memory here, then run the same again"
        except FAILURES as error:
            self.failed[number] = _words(error)


FAILURES = (PartitionFailed, ExportError, HistoryError, ClusterError, KafkaError, OSError, TimeoutError)


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}"
    return str(error) or repr(error)


def on_every_partition(work: Work[T], numbers: Collection[int], processes: int, tick: Tick) -> Outcome[T]:
    """Do the work for each partition, in so many processes at once; 1 is this one."""
    outcome = Outcome[T]()
    if processes == 1:
        for number in numbers:
            outcome.take(number, lambda number=number: work(number, tick))  # type: ignore[misc] # its default binds it
        return outcome
    context = multiprocessing.get_context("spawn")
    told: SimpleQueue[int] = context.SimpleQueue()
    with ProcessPoolExecutor(processes, context, _start, (told,)) as pool:
        waiting = {pool.submit(_work, work, number): number for number in numbers}
        _wait(waiting, told, tick, outcome)
    return outcome


def _wait(waiting: "dict[Future[T], int]", told: "SimpleQueue[int]", tick: Tick, outcome: Outcome[T]) -> None:
    left: Mapping[Future[T], int] = waiting
    while left:
        done, _ = wait(left, LOOK_SECONDS, FIRST_COMPLETED)
        for future in done:
            outcome.take(waiting[future], future.result)
        left = {future: number for future, number in left.items() if future not in done}
        while not told.empty():
            tick(told.get())


def _start(told: "SimpleQueue[int]") -> None:
    global _told  # noqa: PLW0603 - a process has one, from its start on
    _told = told
    keep_to_words()


def _work(work: Work[T], number: int) -> T:
    held = [0]

    def tick(offsets: int) -> None:
        held[0] += offsets
        if held[0] >= TICK_OFFSETS:
            tell()

    def tell() -> None:
        if _told is not None and held[0]:
            _told.put(held[0])
            held[0] = 0

    try:
        return work(number, tick)
    except FAILURES as error:
        raise PartitionFailed(_words(error)) from None
    finally:
        tell()


def processes_for(partitions: int, asked: int | None) -> int:
    """Give how many processes to use: one a core, and no more than there are partitions."""
    return max(1, min(partitions, asked or os.cpu_count() or 1))
