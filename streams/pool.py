"""Jobs done side by side by a pool of processes, which end with the one that began them."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

from streams.exits import EXIT_CRASH

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[int], None]
"""Told of how much more is done."""
Work = Callable[[Job, Tell], Result]
"""Does a job; goes to another process, and so do the job and what it gives."""
LOOK_SECONDS = 0.2

_told: "SimpleQueue[int]"
"""The queue by which a process of a pool tells how far it is: it has one from its start on."""


def cores() -> int:
    """Give how many processes can run at once here."""
    return len(os.sched_getaffinity(0))


def done_in_pool(
    work: Work[Job, Result], jobs: Sequence[Job], processes: int, heard: Tell, begin: Callable[[], None] | None = None
) -> list[Future[Result]]:
    """Do all jobs in so many processes, the first of them first; each process calls `begin` before.

    Every future is done: what one has raised is in it, `BrokenProcessPool` where a process was ended from outside.
    `heard` hears here what the processes tell.

    Raises:
        BrokenProcessPool: a process was ended before all jobs were given to the pool.
    """
    told: SimpleQueue[int] = multiprocessing.get_context("spawn").SimpleQueue()
    with pool_of(min(processes, len(jobs) or 1), _begin, (told, begin)) as pool:
        futures = [pool.submit(_do, work, job) for job in jobs]
        left = set(futures)
        while left:
            _, left = wait(left, LOOK_SECONDS, FIRST_COMPLETED)
            while not told.empty():
                heard(told.get())
    return futures


def pool_of(processes: int, begin: Callable[..., None], given: Iterable[object]) -> ProcessPoolExecutor:
    """Give a pool of processes that call `begin` with what is given; none outlives this one, however it ends."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, _begin_watched, (begin, tuple(given)))


def _begin_watched(begin: Callable[..., None], given: tuple[object, ...]) -> None:
    when_parent_ends(partial(os._exit, EXIT_CRASH))  # nobody takes what is done here, and a pool waits for ever
    begin(*given)


def when_parent_ends(act: Callable[[], object]) -> None:
    """Have something done, in a thread, once the process is gone that began this one; never where none did."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_after, args=(parent, act), daemon=True).start()


def _after(parent: BaseProcess, act: Callable[[], object]) -> None:
    parent.join()
    act()


def _begin(told: "SimpleQueue[int]", begin: Callable[[], None] | None) -> None:
    global _told  # noqa: PLW0603 - a process is given it once
    _told = told
    if begin is not None:
        begin()


def _do(work: Work[Job, Result], job: Job) -> Result:
    return work(job, _told.put)
