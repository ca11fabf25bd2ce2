"""A customer whose decisions take longer than a session, on a real Kafka: nobody waits for him but he himself."""

from collections import Counter
from functools import partial
from pathlib import Path

import orjson
import pytest

from schemas.events import AccountSnapshot, Event
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EVENTS
from tests.integration.agent.test_worker import FIX, SECONDS, SESSION_SECONDS, WORKER, Log, looked, new_customer, now
from tests.integration.committed import unread
from tests.processes import Program, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

LOGINS = 1_000
CODES = (103, 185, 103, 185)
"""Of each login in turn: 4,000 events, which are a poll, and take 20 s on two cores once all logins fail."""
DECIDED_SECONDS = 180.0


def failing(customer: str, code: int) -> list[Event]:
    """Give a failure of every login of a customer."""
    return [of_login(looked(customer, code, now()), number) for number in range(LOGINS)]


def of_login(event: Event, number: int) -> Event:
    """Give the same of another account with a login of its own."""
    assert isinstance(event.data, AccountSnapshot)
    data = event.data.model_copy(update={"account_id": f"a{number}", "institution_login_id": f"L{number}"})
    return Event(f"{event.id}/{number}", event.type, event.source, event.time, data, None, event.partition_key)


def test_a_poll_that_takes_several_sessions(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """The worker stays in its group, a customer of another partition is served meanwhile, and nothing is done twice."""
    log, costly = Log(broker.bootstrap), new_customer(0)
    for code in CODES:
        log.write(*failing(costly, code))
    settings = settings_for(broker.bootstrap, INSTANCE="agent-0", SESSION_SECONDS=str(SESSION_SECONDS))
    left = partial(unread, broker.bootstrap, AGENT, EVENTS, [0])
    agent = Program(WORKER, settings, tmp_path / "agent-0")
    with running(agent):
        agent.until(lambda: left() < LOGINS * (len(CODES) - 1), seconds=DECIDED_SECONDS)
        beside = new_customer(1)
        log.write(looked(beside, 185, now()))
        wait_until(lambda: log.actions(beside) == ["issue"], seconds=SECONDS, said=agent.said)
        assert left() > 0, "the costly customer was done before the other one came"
        agent.until(lambda: left() == 0, seconds=DECIDED_SECONDS)
        assert agent.metric("txpush_agent_rebalances_total") == 1
    issued = Counter(
        value["institution_login_id"]
        for value in (orjson.loads(one.value()) for one in log.read(FIX) if one.key() == costly.encode())
        if value["action"] == "issue"
    )
    assert (len(issued), set(issued.values())) == (LOGINS, {1})
