"""A worker killed under load and started again at once: how long until the next event is committed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streams.clock import WallClock
from tests.bench.contest import AGENT_WORKER, Contest
from tests.bench.drain import seeded
from tests.bench.measure import Contestant
from tests.bench.outside import send
from tests.bench.traffic import Portfolio, written

KILLS = 5
PER_SECOND = 200
SETTLE_EVENTS = 2 * PER_SECOND
"""Events that are committed between two kills."""


def restarts(contest: Contest, portfolio: Portfolio) -> list[float]:
    """Kill the agent several times while events come in; give seconds from each SIGKILL to the first offset after it.

    Its state is that of the whole log, and has to be read back each time.
    """
    contest.kafka.reset()
    size = seeded(contest)
    with contest.running(AGENT_WORKER) as worker:
        contest.wait_committed(worker, lambda committed: committed >= size)
        with traffic(contest, portfolio):
            return [restart(contest, worker) for _ in range(KILLS)]


def restart(contest: Contest, worker: Contestant) -> float:
    """Kill the worker in the middle of its work, start it again as a supervisor would, and wait for the next offset."""
    before = contest.kafka.committed() + SETTLE_EVENTS
    contest.wait_committed(worker, lambda committed: committed >= before)
    killed_at = time.perf_counter()
    worker.kill()
    before = contest.kafka.committed()
    worker.start()
    contest.wait_committed(worker, lambda committed: committed > before)
    return time.perf_counter() - killed_at


@contextmanager
def traffic(contest: Contest, portfolio: Portfolio) -> Iterator[None]:
    """Send events of known accounts for as long as the block lasts."""
    ended = threading.Event()
    thread = threading.Thread(target=_send, args=(contest, portfolio, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _send(contest: Contest, portfolio: Portfolio, ended: threading.Event) -> None:
    producer, clock = contest.kafka.producer(), WallClock()
    while True:
        for login, account_id, code in portfolio.night():
            if ended.wait(1 / PER_SECOND):
                producer.flush(10)
                return
            send(producer, written(login, account_id, code, clock.now()))
