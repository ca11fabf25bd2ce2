"""Jobs done side by side by a pool of processes, which end with the one that began them."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

from streams.exits import EXIT_CRASH

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[int], None]
"""Told of how much more is done."""
Work = Callable[[Job, Tell], Result]
"""Does a job; goes to another process, and so do the job and what it gives."""
LOOK_SECONDS = 0.1

_told: "SimpleQueue[int]"
"""The queue by which a process of a pool tells how far it is: it has one from its start on."""


def cores() -> int:
    """Give how many processes can run at once here."""
    return len(os.sched_getaffinity(0))


async def done_in_pool(
    work: Work[Job, Result], jobs: Sequence[Job], processes: int, heard: Tell, begin: Callable[[], None] | None = None
) -> list[Future[Result]]:
    """Do all jobs in so many processes, the first of them first; each process calls `begin` before.

    Every future is done: what one has raised is in it, `BrokenProcessPool` where a process was ended from outside.
    `heard` hears here what the processes tell. Whoever is cancelled, as by Ctrl-C, waits for no job.
    """
    told: SimpleQueue[int] = multiprocessing.get_context("spawn").SimpleQueue()
    with _pool_of(min(processes, len(jobs) or 1), (told, begin)) as pool:
        futures = [_submitted(pool, work, job) for job in jobs]
        is_over = False
        while not is_over:
            if not (is_over := all(future.done() for future in futures)):
                await asyncio.sleep(LOOK_SECONDS)
            while not told.empty():
                heard(told.get())
    return futures


@contextmanager
def _pool_of(
    processes: int, given: "tuple[SimpleQueue[int], Callable[[], None] | None]"
) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of processes that `_begin` with what is given.

    They end with this one, however it ends, and where the pool is left by an exception: a job is not waited for then.
    """
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with reader, writer:  # the kernel closes the writer where this process is killed
        pool = ProcessPoolExecutor(processes, context, _begin, (reader, *given))
        try:
            yield pool
        except BaseException:
            writer.close()
            _let_go_of(pool)
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _let_go_of(pool: ProcessPoolExecutor) -> None:
    """Have a result that a process was writing as it ended be over: the pool holds the other end as well, and waits."""
    results = getattr(pool, "_result_queue", None)
    if results is not None:
        results._writer.close()  # noqa: SLF001 - nothing public lets go of it


def _submitted(pool: ProcessPoolExecutor, work: Work[Job, Result], job: Job) -> Future[Result]:
    """Submit a job, which may begin a process: a terminal sends Ctrl-C to all of them, and only this one takes it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process has what its parent has
    try:
        return pool.submit(_do, work, job)
    except BrokenProcessPool as error:  # by the end of another job's process
        future = Future[Result]()
        future.set_exception(error)
        return future
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(ended: Connection, told: "SimpleQueue[int]", begin: Callable[[], None] | None) -> None:
    global _told  # noqa: PLW0603 - a process is given it once
    _told = told
    threading.Thread(target=_end_with, args=(ended,), daemon=True).start()
    if begin is not None:
        begin()


def _end_with(ended: Connection) -> None:
    with suppress(EOFError, OSError):
        ended.recv_bytes()
    os._exit(EXIT_CRASH)  # nobody takes what is done here


def _do(work: Work[Job, Result], job: Job) -> Result:
    return work(job, _told.put)
