"""Work on every partition, in processes of their own: the failure of one is named, the others go on."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from aiokafka.errors import KafkaError

from streams.export.choices import ExportError
from streams.export.reading import Tick
from streams.history import HistoryError
from streams.kafka.access import ClusterError
from streams.kafka.refusals import keep_to_words
from streams.pool import cores, done_in_pool

T = TypeVar("T")
Work = Callable[[int, Tick], T]
"""What is to be done for a partition, by its number; goes to another process, and so does what it gives."""
TICK_OFFSETS = 2_000
"""Offsets that a process tells of at once."""


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
    futures = asyncio.run(done_in_pool(partial(_work, work), list(numbers), processes, tick, keep_to_words))
    for number, future in zip(numbers, futures, strict=True):
        outcome.take(number, future.result)
    return outcome


def _work(work: Work[T], number: int, told: Tick) -> T:
    held = [0]

    def tick(offsets: int) -> None:
        held[0] += offsets
        if held[0] >= TICK_OFFSETS:
            tell()

    def tell() -> None:
        if held[0]:
            told(held[0])
            held[0] = 0

    try:
        return work(number, tick)
    except FAILURES as error:
        raise PartitionFailed(_words(error)) from None
    finally:
        tell()


def processes_for(partitions: int, asked: int | None) -> int:
    """Give how many processes to use: one a core, and no more than there are partitions."""
    return max(1, min(partitions, asked or cores()))
