"""Several bridge processes on one port, one per core, that start and end together."""

import asyncio
import multiprocessing
import multiprocessing.process
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import wait

from streams.bridge.process import run_process
from streams.bridge.settings import BridgeSettings
from streams.clock import Clock
from streams.exits import EXIT_OK, EXIT_OTHERWISE, STOP_SIGNALS, in_order, stop_soon
from streams.observe.logs import log_to_stderr
from streams.ports import ADMIN, BRIDGE, PortError, free_endpoint, refuse_port

KILLED_SECONDS = 2.0
"""What the system has to end a process that is killed."""
GRACE_SECONDS = 2.0
"""What the parent grants its workers beyond their own time for shutting down."""


def run_workers(settings: BridgeSettings, clock: Clock) -> int:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT; when one ends by itself all end.

    Gives 0 for an orderly end, 1 if a worker failed: the supervisor of the service starts anew; 2 if a port is taken.
    Ports are looked at once, before there are workers: they share that of the world.
    """
    try:
        settings = asyncio.run(_placed(settings))
    except PortError as error:
        return refuse_port("the bridge", error)
    stopping, asked = threading.Event(), list[str]()

    def ask(number: int, _frame: object) -> None:
        asked.append(signal.Signals(number).name)
        stopping.set()

    for number in STOP_SIGNALS:
        signal.signal(number, ask)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_worker, args=(settings.of_worker(index), clock), name=f"bridge-{index}")
        for index in range(settings.workers)
    ]
    for worker in workers:
        worker.start()
    while not stopping.is_set() and all(worker.is_alive() for worker in workers):
        stopping.wait(0.2)
    seconds = settings.shutdown_seconds + GRACE_SECONDS
    if asked:
        stop_soon(asked[0], seconds + KILLED_SECONDS * len(workers))
    return _end(workers, seconds, orderly=stopping.is_set())


async def _placed(settings: BridgeSettings) -> BridgeSettings:
    """Give the settings with the endpoint that all share. Raises PortError where one of theirs is taken."""
    shared = await free_endpoint(settings.host, settings.port, BRIDGE)
    for index in range(settings.workers):
        await free_endpoint(settings.admin_host, settings.of_worker(index).admin_port, ADMIN)
    return settings.at(shared)


def _worker(settings: BridgeSettings, clock: Clock) -> None:
    log_to_stderr(settings.log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(run_process(settings, clock))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _end(workers: Sequence[multiprocessing.process.BaseProcess], seconds: float, *, orderly: bool) -> int:
    """Have all workers end, those that do not by force."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + seconds
    waiting = {worker.sentinel for worker in workers}
    while waiting and (left := deadline - time.monotonic()) > 0:
        waiting -= set(wait(list(waiting), left))
    for worker in workers:
        worker.kill()
        worker.join(KILLED_SECONDS)
    is_well = orderly and all(worker.exitcode == EXIT_OK for worker in workers)
    return in_order() if is_well else EXIT_OTHERWISE
