"""`txpush replay` of what agents have decided on a real cluster: nothing differs, and nothing is left behind."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import AdminClient

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EMBEDDED, EVENTS, TICKETS
from tests.integration.committed import committed, unread
from tests.processes import CLI, Program, run, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

NUMBERS = range(EMBEDDED.partitions)
CUSTOMERS = [str(7_200_000_000 + number) for number in range(60)]
CODES = (103, 185, 0, 103, 148)
SECONDS = 120.0


@pytest.fixture(scope="module")
def decided(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedKafka:
    """A cluster on which both agents have decided on some events, and are gone."""
    folder = tmp_path_factory.mktemp("agents")
    settings = settings_for(broker.bootstrap, INSTANCE="agent-0")
    others = settings_for(broker.bootstrap, INSTANCE="institutions-0")
    agent = Program((*CLI, "agent"), settings, folder / "agent.log")
    institutions = Program((*CLI, "institutions"), others, folder / "institutions.log")
    with running(agent, institutions):
        for number, code in enumerate(CODES):
            hear(broker.bootstrap, code, number)
            wait_until(lambda: unread(broker.bootstrap, AGENT, EVENTS, NUMBERS) == 0, seconds=SECONDS)
        wait_until(lambda: list(committed(broker.bootstrap, TICKETS, NUMBERS, 30.0)), seconds=SECONDS)
    return broker


def hear(bootstrap: str, code: int, number: int) -> None:
    """Have the bridge write an observation of every customer."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for customer in CUSTOMERS:
        at = from_epoch_ms(time.time_ns() // 1_000_000)
        data = AccountSnapshot(
            customer_id=customer,
            account_id=f"a{customer}",
            institution_id="102105",
            institution_login_id=f"l{customer}",
            aggregation_status_code=code,
            aggregation_attempt_date=at - timedelta(seconds=1),
        )
        event = Event(f"{customer}/{number}", EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, data)
        headers: Any = to_headers(event)
        place = partition_of(customer, EMBEDDED.partitions)
        producer.produce(EVENTS, to_value(data), customer, place, timestamp=to_epoch_ms(at), headers=headers)
    assert producer.flush(30) == 0


def seen(bootstrap: str) -> tuple[object, ...]:
    """Give the topics with their ends, the groups, and what these have committed."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()}
    groups = sorted(one.group_id for one in admin.list_consumer_groups().result().valid)
    committed = []
    for group in groups:
        (future,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        places = future.result().topic_partitions
        committed.append((group, sorted((one.topic, one.partition, one.offset) for one in places)))
    return topics, groups, committed


def test_nothing_differs_and_nothing_is_left(decided: EmbeddedKafka, tmp_path: Path) -> None:
    """By two processes and by one; groups, offsets and topics are those of before."""
    settings = settings_for(decided.bootstrap)
    before = seen(decided.bootstrap)
    for jobs in ("2", "1"):
        done = run((*CLI, "replay", "--jobs", jobs, "--html", str(tmp_path / "page.html")), settings, SECONDS)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("same: verified ")
        assert "not recorded yet" not in done.stdout
        assert "remediation.connect-fix" in done.stdout
    assert seen(decided.bootstrap) == before
    assert "same: verified" in (tmp_path / "page.html").read_text()


def test_a_forged_command_is_named(decided: EmbeddedKafka) -> None:
    """Written by somebody else into a command topic: dropped, as no decision leads to it."""
    producer = Producer({"bootstrap.servers": decided.bootstrap})
    headers: Any = [("ce_id", b"forged:0")]
    producer.produce("remediation.connect-fix", b"{}", CUSTOMERS[0], 1, headers=headers)
    assert producer.flush(30) == 0
    done = run((*CLI, "replay"), settings_for(decided.bootstrap), SECONDS)
    assert done.returncode == 1
    assert done.stdout.startswith("different: 1 dropped; ")
    assert "forged:0" in "".join(done.stdout.split())
