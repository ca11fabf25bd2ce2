"""A replay from end to end: planned here, done by as many processes as there are cores, and put together."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streams.history import Origin
from streams.pool import done_in_pool
from streams.replay.names import Naming
from streams.replay.plan import Asked, fitted, plan
from streams.replay.task import Outcome, Task
from streams.replay.work import Job, work, work_alone

Folded = Callable[[int, int], None]
"""Hears how many records more were folded, of how many in all."""


@dataclass(frozen=True, slots=True)
class How:
    """How a replay is done.

    Attributes:
        jobs: processes; 1 does it in this one.
        naming: how customers are named.
        lines: a file for the differences, a JSON object a line; None for none.
    """

    jobs: int
    naming: Naming
    lines: Path | None = None


async def run(origin: Origin, asked: Asked, how: How, folded: Folded) -> list[Outcome]:
    """Replay what is asked for, and give what came of each partition, in order.

    Raises:
        HistoryError: it cannot be planned; what fails at one partition is in its outcome.
        OSError: the file of differences cannot be written.
    """
    async with origin.open() as history:
        asked = fitted(history, asked)
        tasks = await plan(history, asked)
        with tempfile.TemporaryDirectory(prefix="txpush-replay-") as folder:
            jobs = [
                Job(task, how.naming, None if how.lines is None else Path(folder) / f"{number}.jsonl")
                for number, task in enumerate(tasks)
            ]
            total = sum(task.span.offsets for task in tasks)
            if how.jobs == 1:
                outcomes = [await work(history, job, lambda more: folded(more, total)) for job in jobs]
            else:
                outcomes = await _in_processes(origin, jobs, how.jobs, lambda more: folded(more, total))
            if how.lines is not None:
                _put_together(jobs, how.lines)
    return outcomes


def _put_together(jobs: Sequence[Job], lines: Path) -> None:
    with lines.open("wb") as out:
        for job in jobs:
            if job.lines is not None and job.lines.exists():
                with job.lines.open("rb") as part:
                    while block := part.read(1 << 20):
                        out.write(block)


async def _in_processes(
    origin: Origin, jobs: Sequence[Job], processes: int, folded: Callable[[int], None]
) -> list[Outcome]:
    """Do the longest first; a process that dies is named with the partitions that it leaves undone."""
    order = sorted(range(len(jobs)), key=lambda number: -jobs[number].task.span.offsets)
    ordered = [jobs[number] for number in order]
    futures = await done_in_pool(partial(work_alone, origin), ordered, processes, folded)
    outcomes = {number: _outcome(future, jobs[number].task) for number, future in zip(order, futures, strict=True)}
    return [outcomes[number] for number in range(len(jobs))]


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        why = "a process of the replay was ended from outside, for its memory perhaps; try fewer --jobs"
    except Exception as error:  # noqa: BLE001 - one partition's failure is named, the others go on
        why = f"{type(error).__name__}: {error}"
    return Outcome(task.place, error=why)
