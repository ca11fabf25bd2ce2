"""What agent and executor hold while a broker sleeps for much longer than they wait for it; the bridge has its own."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from schemas.commands import LookupAction
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.agent import test_worker as agents
from tests.integration.asleep import asleep
from tests.integration.executor.executing import Executor, Log, executor, new_command
from tests.integration.executor.vendor import standing
from tests.processes import Program, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

MB = 1 << 20
ACK_SECONDS = 2.0
ASLEEP_SECONDS = 12 * ACK_SECONDS
FAILOVER_SECONDS = 17.0
BACKLOG = 20_000
"""Events that wait when the agent starts: five polls of one partition."""
CLICKERS = 16
ANSWERS = {303, 429, 503}


def most(what: Callable[[], int], seconds: float, until: Callable[[], bool] = lambda: False) -> int:
    """Give the most that something comes to in so many seconds, or until something is so."""
    end, found = time.monotonic() + seconds, what()
    while time.monotonic() < end and not until():
        found = max(found, what())
        time.sleep(0.05)
    return found


@contextmanager
def at_backlog(broker: EmbeddedKafka, file: Path) -> Iterator[tuple[Program, Callable[[], bool]]]:
    """Have an agent in the midst of a backlog; gives it, and what tells whether all of it was decided on."""
    log, customer = agents.Log(broker.bootstrap), agents.new_customer(0)
    log.write(*(agents.looked(agents.new_customer(0), 0, agents.now()) for _ in range(BACKLOG)))
    log.write(agents.looked(customer, 185, agents.now()))
    agent = Program(agents.WORKER, agents.settings_of(broker.bootstrap), file)
    with started(agent):
        agent.until(lambda: agent.ask("metrics")[0] and agent.metric("txpush_agent_events_total") > BACKLOG / 10)
        yield agent, lambda: log.actions(customer) == ["issue"]


def test_an_agent_with_a_backlog(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """It gives up within the limit of a step, no larger than at work; its next life decides the rest."""
    with at_backlog(broker, tmp_path / "agent-0") as (agent, is_decided):
        at_work = agent.resident()
        with asleep(broker):
            peak = most(lambda: agent.resident() if agent.alive else 0, 60.0, until=lambda: not agent.alive)
        assert agent.ended() == 70
        assert peak - at_work < 48 * MB
        agent.start()
        wait_until(is_decided, said=agent.said)


def test_an_agent_outlasts_a_broker_that_hangs(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """In the midst of its work, for longer than a failover takes: it goes on, and no process begins anew."""
    with at_backlog(broker, tmp_path / "agent-0") as (agent, is_decided):
        with asleep(broker):
            time.sleep(FAILOVER_SECONDS)
        agent.until(is_decided)


@contextmanager
def clicking(running: Executor, command: str, answers: Counter[int]) -> Iterator[None]:
    """Have many press the button of a link until the end of the block."""
    stop = threading.Event()

    def click() -> None:
        while not stop.is_set():
            answers[running.press(command, 40.0).status_code] += 1

    threads = [threading.Thread(target=click) for _ in range(CLICKERS)]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        stop.set()
        for one in threads:
            one.join(60)


def test_an_executor_with_many_who_click(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Each gets an answer, it grows by no more than a little, and goes on by itself once the broker is back."""
    log, command, answers = Log(broker.bootstrap), new_command(), Counter[int]()
    log.command(command)
    with standing() as vendor, executor(broker.bootstrap, vendor, tmp_path / "log", ACK_SECONDS="2") as running:
        running.until_ready()
        assert running.press(command).status_code == httpx.codes.SEE_OTHER
        for _ in range(50):
            log.look_up(LookupAction.LOCATE)
        before = running.resident()
        with asleep(broker), clicking(running, command, answers):
            peak = most(running.resident, ASLEEP_SECONDS)
        assert (answers.keys() <= ANSWERS, answers.total() > CLICKERS) == (True, True), answers
        assert peak - before < 48 * MB
        running.until_ready(60.0)
        wait_until(log.observed, seconds=60.0, said=running.said)
