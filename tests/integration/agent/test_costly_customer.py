"""A customer whose decisions take longer than a session, on a real Kafka: nobody waits for him but he himself."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.events import AccountSnapshot, Event
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EVENTS
from tests.integration.agent.test_worker import FIX, SECONDS, SESSION_SECONDS, WORKER, Log, looked, new_customer, now
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
    agent = Program(WORKER, settings, tmp_path / "agent-0")
    with running(agent):
        agent.until(lambda: unread(broker.bootstrap) < LOGINS * (len(CODES) - 1), seconds=DECIDED_SECONDS)
        beside = new_customer(1)
        log.write(looked(beside, 185, now()))
        wait_until(lambda: log.actions(beside) == ["issue"], seconds=SECONDS, said=agent.said)
        assert unread(broker.bootstrap) > 0, "the costly customer was done before the other one came"
        agent.until(lambda: unread(broker.bootstrap) == 0, seconds=DECIDED_SECONDS)
        assert agent.metric("txpush_agent_rebalances_total") == 1
    issued = Counter(
        value["institution_login_id"]
        for value in (orjson.loads(one.value()) for one in log.read(FIX) if one.key() == costly.encode())
        if value["action"] == "issue"
    )
    assert (len(issued), set(issued.values())) == (LOGINS, {1})


def unread(bootstrap: str) -> int:
    """Count the records of the costly customer's partition that are not committed yet."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": AGENT, "enable.auto.commit": False})
    try:
        (place,) = consumer.committed([TopicPartition(EVENTS, 0)], timeout=SECONDS)
        end: int = consumer.get_watermark_offsets(place, timeout=SECONDS)[1]
        return end - max(0, int(place.offset))
    finally:
        consumer.close()
