"""Partitions proven at once, each in a process that opens the history for itself; and a bar that says how far it is."""

import asyncio
import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import SynchronizedArray
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from streams.audit.partition import Proof, Prover
from streams.audit.plan import PartitionPlan, Ways
from streams.history import HistoryError, Origin
from streams.pool import cores, pool_of
from streams.progress import TimeLeft

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
LINE_SECONDS = 10.0

Show = Callable[[int], None]
"""Shows how many audit records are read."""


@dataclass(frozen=True, slots=True)
class Job:
    """One partition number: what to prove, how, and from which offset on of each partition of the inbound log."""

    plan: PartitionPlan
    ways: Ways
    since: Mapping[int, int]


async def proven(origin: Origin, job: Job, progress: Callable[[int], None]) -> Proof:
    """Prove one in this process; a history that cannot be read is said in the proof."""
    try:
        async with origin.open() as history:
            return await Prover(history, job.plan, job.ways, job.since).prove(progress)
    except HistoryError as error:
        return Proof(job.plan.number, failed=str(error))


async def proven_here(origin: Origin, jobs: Sequence[Job]) -> list[Proof]:
    """Prove all in this process, one after the other."""
    return [await proven(origin, job, lambda _: None) for job in jobs]


# -- in processes

_read: "SynchronizedArray[int] | None" = None
"""Of a worker process: how many audit records of each partition are read."""


def _begin(read: "SynchronizedArray[int]") -> None:
    global _read  # noqa: PLW0603 - a process has one way to say how far it is
    _read = read


def _work(origin: Origin, job: Job) -> Proof:
    begin, number, read = job.plan.audit.begin, job.plan.number, _read

    def progress(offset: int) -> None:
        if read is not None:
            read[number] = offset + 1 - begin

    return asyncio.run(proven(origin, job, progress))


def processes_for(jobs: int) -> int:
    """Give how many work at once: one a core."""
    return max(1, min(jobs, cores()))


async def proven_in_processes(origin: Origin, jobs: Sequence[Job]) -> list[Proof]:
    """Prove all in as many processes as there are cores; one that dies is said in its partition's proof."""
    read = multiprocessing.get_context("spawn").Array("q", max((job.plan.number for job in jobs), default=0) + 1)
    total = sum(job.plan.audit.offsets for job in jobs)
    with pool_of(processes_for(len(jobs)), _begin, (read,)) as pool, _shown(total) as show:
        futures = [pool.submit(_work, origin, job) for job in jobs]
        while not all(future.done() for future in futures):
            await asyncio.sleep(LOOK_SECONDS)
            show(sum(read[:]))
    return [_outcome(future, job) for future, job in zip(futures, jobs, strict=True)]


def _outcome(future: Future[Proof], job: Job) -> Proof:
    error = future.exception()
    if error is None:
        return future.result()
    return Proof(job.plan.number, failed=f"its process has failed: {type(error).__name__}: {error}")


@contextmanager
def _shown(total: int, console: Console | None = None) -> Iterator[Show]:
    """Show how far it is on standard error: a bar on a terminal, else a line now and then."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(total)
        return
    columns: Sequence[Any] = (
        TextColumn("Verifying"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} audit records"),
        TimeLeft(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(total: int) -> Show:
    began = last = time.monotonic()

    def show(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_SECONDS and done:
            last = now
            left = (now - began) / done * max(0, total - done)
            log.info("%d of %d audit records, about %d s left", done, total, left)

    return show
