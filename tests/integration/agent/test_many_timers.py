"""A partition whose timers take longer to look at than a session, and whose backlog begins with a tick."""

from pathlib import Path

import pytest

from schemas.events import ClockTick, Event, EventType, Source
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EVENTS
from tests.integration.agent.test_worker import SECONDS, SESSION_SECONDS, WORKER, Log, looked, new_customer, now
from tests.integration.committed import unread
from tests.processes import Program, running, settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]

CUSTOMERS = 5_000
SLOW = """
import time
from streams.agent import decider
due = decider.AgentDecider.due
def slow(*arguments):
    time.sleep(0.002)
    return due(*arguments)
decider.AgentDecider.due = slow
from streams.agent.app import main
main()
"""
"""The agent, with as much work for five thousand customers as for many more: three sessions long."""
DECIDED_SECONDS = 60.0


def test_a_tick_before_all_timers_were_looked_at(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """The worker stays in its group: one that looks at all of them at once is fenced, and so at every start."""
    log, customers = Log(broker.bootstrap), [new_customer(0) for _ in range(CUSTOMERS)]
    log.write(*(looked(customer, 0, now()) for customer in customers))
    settings = settings_for(broker.bootstrap, INSTANCE="agent-0", SESSION_SECONDS=str(SESSION_SECONDS))

    agent, slow = Program(WORKER, settings, tmp_path / "agent-0"), Program(("-c", SLOW), settings, tmp_path / "slow")
    with running(agent):
        agent.until(lambda: unread(broker.bootstrap, AGENT, EVENTS, [0]) == 0, seconds=SECONDS)
    at = now()
    log.write(Event(f"tick:{at}", EventType.CLOCK_TICK, Source.AGENT, at, ClockTick()), partition=0)
    log.write(looked(customers[0], 185, now()))
    with running(slow):
        slow.until(lambda: log.actions(customers[0]) == ["issue"], seconds=DECIDED_SECONDS)
        assert slow.metric("txpush_agent_rebalances_total") == 1
