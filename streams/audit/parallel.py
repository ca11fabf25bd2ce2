"""Partitions proven at once, each in a process that opens the history for itself; and a bar that says how far it is."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from streams.audit.partition import Proof, Prover
from streams.audit.plan import PartitionPlan, Ways
from streams.history import HistoryError, Origin
from streams.pool import cores, done_in_pool
from streams.progress import TimeLeft

log = logging.getLogger(__name__)

TELL_RECORDS = 1_000
"""Audit records that a process tells of at once."""
LINE_SECONDS = 10.0

Show = Callable[[int], None]
"""Shows how many audit records more are read."""


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


def _work(origin: Origin, job: Job, tell: Callable[[int], None]) -> Proof:
    read = told = job.plan.audit.begin

    def progress(offset: int) -> None:
        nonlocal read, told
        read = offset + 1
        if read - told >= TELL_RECORDS:
            tell(read - told)
            told = read

    proof = asyncio.run(proven(origin, job, progress))
    tell(read - told)
    return proof


async def proven_in_processes(origin: Origin, jobs: Sequence[Job]) -> list[Proof]:
    """Prove all in as many processes as there are cores; one that dies is said in its partition's proof."""
    with _shown(sum(job.plan.audit.offsets for job in jobs)) as show:
        futures = await done_in_pool(partial(_work, origin), jobs, cores(), show)
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
        yield lambda more: bar.update(task, advance=more)


def _lines(total: int) -> Show:
    began = last = time.monotonic()
    done = 0

    def show(more: int) -> None:
        nonlocal done, last
        done += more
        now = time.monotonic()
        if now - last >= LINE_SECONDS and done:
            last = now
            left = (now - began) / done * max(0, total - done)
            log.info("%d of %d audit records, about %d s left", done, total, left)

    return show
