"""What a process does for a replay: one partition after the other, each from the origin that it opens itself."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

import msgspec

from streams.fold.effects import PartitionPaused
from streams.history import History, HistoryError, Origin
from streams.replay.compare.difference import Difference
from streams.replay.names import Names, Naming
from streams.replay.partition import Progress, replay
from streams.replay.task import Began, Outcome, Task

T = TypeVar("T")

COLLECT_OBJECTS = 200_000
"""New objects between two looks for cycles: the state has none, and walking all of it takes its time."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Difference).decode


@dataclass(frozen=True, slots=True)
class Job:
    """A task, and what is to be said of it.

    Attributes:
        task: what is replayed.
        naming: how customers are named.
        lines: where the differences go, a JSON object a line; None for nowhere.
    """

    task: Task
    naming: Naming
    lines: Path | None = None


async def work(history: History, job: Job, progress: Progress) -> Outcome:
    """Replay a partition; what keeps it from being replayed is in the outcome."""
    names = Names(job.naming)
    try:
        with TemporaryFile() as spool:  # without a name: until all was read nobody knows who was forgotten
            outcome = await replay(history, job.task, progress, _keeper(spool, names), names.hear)
            if outcome.differences:
                await names.read_around(history, job.task.place, job.task.span)
                outcome.first = [names.named(one) for one in outcome.first]
                if job.lines is not None:
                    _write(spool, job.lines, names, outcome.began)
    except (HistoryError, PartitionPaused, OSError) as error:
        return Outcome(job.task.place, error=str(error))
    return outcome


def _keeper(spool: IO[bytes], names: Names) -> Callable[[Difference], None]:
    def keep(difference: Difference) -> None:
        names.note(difference)
        try:
            line = _encode(difference)
        except RecursionError:  # of a message that anybody has written
            line = _encode(msgspec.structs.replace(difference, shown={}))
        spool.write(line + b"\n")

    return keep


def _write(spool: IO[bytes], lines: Path, names: Names, began: Began | None) -> None:
    snapshot = None if began is None else began.name
    spool.seek(0)
    with lines.open("wb") as out:
        for line in spool:
            told = msgspec.structs.replace(names.named(_decode(line)), snapshot=snapshot)
            out.write(_encode(told) + b"\n")


def work_alone(origin: Origin, job: Job, progress: Progress) -> Outcome:
    """Do it in a process of its own; what keeps it from being done is in the outcome."""
    try:
        return folded_alone(origin, lambda history: work(history, job, progress))
    except HistoryError as error:
        return Outcome(job.task.place, error=str(error))


def folded_alone(origin: Origin, fold: Callable[[History], Awaitable[T]]) -> T:
    """Fold in a process of its own: it decides, and tells nobody but its parent.

    Raises:
        HistoryError: the origin cannot be opened.
    """
    logging.disable()
    gc.set_threshold(COLLECT_OBJECTS)
    return asyncio.run(_opened(origin, fold))


async def _opened(origin: Origin, fold: Callable[[History], Awaitable[T]]) -> T:
    async with origin.open() as history:
        return await fold(history)
