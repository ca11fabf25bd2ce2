"""`txpush replay` under agents at work on a real cluster: nothing differs, nothing stays behind, files say the same."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EMBEDDED, EVENTS, INSTITUTIONS, SIGNALS, TICKETS
from tests.integration.committed import committed, unread
from tests.processes import CLI, Program, run, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(600)]

NUMBERS = range(EMBEDDED.partitions)
CUSTOMERS = [str(7_200_000_000 + number) for number in range(60)]
CODES = (103, 185, 0, 103, 148)
SECONDS = 120.0


@pytest.fixture(scope="module")
def decided(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A cluster on which both agents have decided on some events, and wait for more."""
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
        wait_until(lambda: signals_are_read(broker.bootstrap), seconds=SECONDS)
        yield broker


@pytest.fixture(scope="module")
def forged(decided: EmbeddedKafka) -> EmbeddedKafka:
    """The same cluster when somebody else has written a command into a topic of commands."""
    producer = Producer({"bootstrap.servers": decided.bootstrap})
    headers: Any = [("ce_id", b"forged:0")]
    producer.produce("remediation.connect-fix", b"{}", CUSTOMERS[0], 1, headers=headers)
    assert producer.flush(30) == 0
    return decided


def signals_are_read(bootstrap: str) -> bool:
    """Tell whether the institution agent is behind the last signal; markers of transactions may follow that."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    read = reached(admin, INSTITUTIONS)
    signals = committed(bootstrap, SIGNALS, NUMBERS, 30.0)
    return all(read.get((SIGNALS, one.partition()), 0) > one.offset() for one in signals)


def reached(admin: AdminClient, group: str) -> dict[tuple[str, int], int]:
    """Give what a group has committed."""
    (answer,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return {(one.topic, one.partition): one.offset for one in answer.result().topic_partitions}


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
    """Give the topics with the ends of their partitions, the groups, and what these have committed."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = admin.list_topics(timeout=10).topics
    places = [
        TopicPartition(name, number)
        for name, topic in topics.items()
        if name[:2] != "__"
        for number in topic.partitions
    ]
    asked = admin.list_offsets({place: OffsetSpec.latest() for place in places})
    ends = sorted((place.topic, place.partition, future.result().offset) for place, future in asked.items())
    groups = sorted(one.group_id for one in admin.list_consumer_groups().result().valid)
    return sorted(topics), ends, groups, [reached(admin, group) for group in groups]


def test_nothing_differs_and_nothing_is_left(decided: EmbeddedKafka, tmp_path: Path) -> None:
    """By two processes and by one, under agents at work: topics, their ends, groups and offsets are those of before."""
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


def test_a_forged_command_is_named(forged: EmbeddedKafka) -> None:
    """As dropped: no decision leads to it."""
    done = run((*CLI, "replay"), settings_for(forged.bootstrap), SECONDS)
    assert done.returncode == 1
    assert done.stdout.startswith("different: 1 dropped; ")
    assert "forged:0" in "".join(done.stdout.split())


def test_an_export_gives_the_same_to_the_byte(forged: EmbeddedKafka, tmp_path: Path) -> None:
    """What is said on the terminal, and every difference in the file, under the recorded policy and under another."""
    settings, folder = settings_for(forged.bootstrap), tmp_path / "export"
    assert run((*CLI, "export", str(folder), "--whole"), settings, SECONDS).returncode == 0
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "three"\n[otp]\nrelapses = 3\n')
    codes = []
    for number, more in enumerate(((), ("--policy", str(policy)))):
        said = []
        for source in ((), ("--file", str(folder))):
            lines = tmp_path / f"{number}-{len(source)}.jsonl"
            done = run((*CLI, "replay", "--jsonl", str(lines), *source, *more), settings, SECONDS)
            said.append((done.returncode, done.stdout, lines.read_bytes()))
        assert said[0] == said[1]
        codes.append(said[0][0])
    assert codes == [1, 0]  # the forged command, which is none that a policy leads to
