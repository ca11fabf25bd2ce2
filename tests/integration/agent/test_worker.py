"""The agent as a process on a real broker: starts, commands, ticks, restarts, takeovers and ends, within deadlines."""

import asyncio
import hashlib
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.identity import log_identity
from streams.kafka.topics import AGENT, AUDIT, DEAD_LETTER, EMBEDDED, EVENTS, HEALTH, changelog
from tests.chaos.check.export import unread
from tests.integration.committed import committed
from tests.processes import Program, run, settings_for, started
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

SECONDS = 30.0
SESSION_SECONDS = 3.0
STOP_SECONDS = 10.5
FIX = "remediation.connect-fix"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
IMPATIENT = """
from streams.worker import program
program.START_SECONDS = 1.0
from streams.agent.app import main
main()
"""
WORKER = ("-m", "streams.agent.app")
NOWHERE = "127.0.0.1:1"

_numbers = count(7_000_000_000)


def new_customer(partition: int | None = None) -> str:
    """Give a customer that no other test has, of that partition if one is named."""
    every = (str(number) for number in _numbers)
    return next(one for one in every if partition in {None, partition_of(one, EMBEDDED.partitions)})


def now() -> datetime:
    """Give the present in whole milliseconds."""
    return from_epoch_ms(time.time_ns() // 1_000_000)


def looked(customer: str, code: int | None, at: datetime, kind: str = EventType.ACCOUNT_MODIFIED) -> Event:
    """Give a snapshot of the customer's only account."""
    attempt = None if code is None else at - MINUTE
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id="a1",
        institution_id="102105",
        institution_login_id="L1",
        aggregation_status_code=code,
        aggregation_attempt_date=attempt,
    )
    return Event(f"{kind}/{customer}/{to_epoch_ms(at)}", kind, Source.BRIDGE, at, snapshot, None, customer)


def deleted(customer: str, at: datetime) -> Event:
    """Give the deletion of the customer's only account."""
    return looked(customer, None, at, EventType.ACCOUNT_DELETED)


@dataclass
class Log:
    """The broker as a writer and a committed reader see it."""

    bootstrap: str

    def write(self, *events: Event, codec: str = "none", partition: int | None = None) -> None:
        """Put events on the inbound log, as the bridge does; into a partition where one is named."""
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5, "compression.type": codec}
        )
        for one in events:
            key = one.partition_key or ""
            place = partition_of(key, EMBEDDED.partitions) if partition is None else partition
            headers: Any = to_headers(one)
            at = to_epoch_ms(one.time)
            producer.produce(EVENTS, to_value(one.data), key, place, timestamp=at, headers=headers)
            producer.poll(0)
        assert producer.flush(SECONDS) == 0

    def read(self, topic: str) -> list[Any]:
        """Give the records of a topic, partition by partition, without those of aborted transactions."""
        return committed(self.bootstrap, topic, range(EMBEDDED.partitions), SECONDS)

    def values(self, topic: str, customer: str) -> list[Any]:
        """Give what a topic says of a customer, in order; None for a tombstone."""
        return [
            None if one.value() is None else orjson.loads(one.value())
            for one in self.read(topic)
            if one.key() is not None and one.key().decode().split("/")[0] == customer
        ]

    def actions(self, customer: str) -> list[str]:
        """Give the actions of the connect-fix messages of a customer."""
        return [one["action"] for one in self.values(FIX, customer)]


def settings_of(bootstrap: str, instance: str = "agent-0", **more: str) -> dict[str, str]:
    """Give what a worker with a name of its own is told."""
    return settings_for(bootstrap, INSTANCE=instance, SESSION_SECONDS=str(SESSION_SECONDS), **more)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of these tests alone: one of them kills it."""
    with EmbeddedKafka() as cluster:
        yield cluster


def test_a_start_without_topics_is_refused(broker: EmbeddedKafka) -> None:
    """On a cluster without our topics the worker ends with 2 and says what to run; first, as they come next."""
    done = run(WORKER, settings_of(broker.bootstrap), SECONDS)
    assert done.returncode == 2
    assert "the topics do not fit:\n  none of the " in done.stderr
    assert " topics is there: run `txpush topics apply`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def log(broker: EmbeddedKafka) -> Log:
    asyncio.run(applied.apply(broker.bootstrap, EMBEDDED))
    return Log(broker.bootstrap)


@pytest.fixture(scope="module")
def worker(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A worker that runs during these tests; a test may end it."""
    made = Program(WORKER, settings_of(log.bootstrap), tmp_path_factory.mktemp("worker") / "agent-0.log")
    with started(made):
        yield made


@pytest.fixture
def agent(worker: Program) -> Program:
    if not worker.alive:
        worker.start()
    worker.until_ready()
    return worker


def test_it_is_ready_when_every_partition_is_open(worker: Program) -> None:
    """Until all state is restored readiness says what is missing; the process counts as healthy all along."""

    def answer(page: str) -> tuple[int, str]:
        return worker.until(partial(worker.ask, page), lambda found: found[0] != 0)

    answers: list[tuple[int, str]] = []
    assert answer("healthz") == (200, "ok\n")
    while not answers or answers[-1][0] != 200:
        answers.append(answer("readyz"))
    assert answers[0][0] == 503
    assert {text for _, text in answers[:-1]} <= set(not_ready())
    said = "txpush-agent agent-0 is ready: partitions 0, 1, 2 of aggregation.events; metrics"
    worker.until(lambda: said in worker.said())


def not_ready() -> Iterator[str]:
    """Give what a worker that starts may say."""
    yield "no partitions assigned yet; wait, for 120 s at most\n"
    for n in range(1, 8):
        numbers = [number for number in range(3) if n >> number & 1]
        yield "".join(f"partition {number} is being restored; wait, for 900 s at most\n" for number in numbers)


@pytest.mark.usefixtures("agent")
def test_a_185_becomes_a_command(log: Log) -> None:
    """A failing login leads to a command under the customer's key, and the repair to its withdrawal."""
    customer = new_customer()
    log.write(looked(customer, 185, now() - HOUR))
    wait_until(lambda: log.actions(customer) == ["issue"])
    log.write(looked(customer, 0, now()))
    wait_until(lambda: log.actions(customer) == ["issue", "withdraw"])
    (sent,) = [
        one for one in log.read(FIX) if one.key().decode() == customer and orjson.loads(one.value())["sequence"] == 0
    ]
    headers = dict(sent.headers())
    assert sent.partition() == partition_of(customer, EMBEDDED.partitions)
    assert headers["ce_id"].decode() == f"{orjson.loads(sent.value())['command_id']}:0"
    assert [one["phase"] for one in log.values(HEALTH, customer)][-1] == "healthy"


@pytest.mark.usefixtures("agent")
def test_an_aborted_record_is_never_seen(log: Log) -> None:
    """What a transaction took back did not happen: no command, no audit record, no place in the chain."""
    aborted = new_customer(0)
    after = new_customer(0)
    asyncio.run(abort(log.bootstrap, looked(aborted, 185, now())))
    log.write(looked(after, 185, now()))
    wait_until(lambda: log.actions(after) == ["issue"])
    assert log.values(FIX, aborted) == []
    assert log.values(AUDIT, aborted) == []


async def abort(bootstrap: str, one: Event) -> None:
    """Write an event in a transaction and abort it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="a-test")
    await producer.start()
    await producer.begin_transaction()
    key, at = (one.partition_key or "").encode(), to_epoch_ms(one.time)
    await producer.send_and_wait(EVENTS, to_value(one.data), key, 0, at, to_headers(one))
    await producer.abort_transaction()
    await producer.stop()


def test_a_poison_record_is_set_aside(log: Log, agent: Program) -> None:
    """A record without time, attributes or sense is a dead letter; the partition goes on."""
    after = new_customer(1)
    before = agent.metric("txpush_agent_dead_letters_total")
    asyncio.run(poison(log.bootstrap))
    log.write(looked(after, 185, now()))
    wait_until(lambda: log.actions(after) == ["issue"])
    (letter,) = [orjson.loads(one.value()) for one in log.read(DEAD_LETTER) if one.partition() == 1]
    assert (letter["reason"], letter["reduced"]) == ("not_a_cloud_event", None)
    assert agent.metric("txpush_agent_dead_letters_total") == before + 1


async def poison(bootstrap: str) -> None:
    """Write half a megabyte of key from before all time, with a header that has no value."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait(EVENTS, b"Jane Doe", b"k" * 500_000, 1, -(2**61), [("ce_id", None)])
    await producer.stop()


def test_metrics_tell_of_events_and_lag(log: Log, agent: Program) -> None:
    """The counters move with the events; without a backlog no partition has lag."""
    customer, before = new_customer(), agent.metric("txpush_agent_events_total")
    log.write(looked(customer, 103, now()))
    wait_until(lambda: agent.metric("txpush_agent_events_total") == before + 1)
    wait_until(lambda: agent.metric("txpush_agent_lag_messages") == 0)
    assert agent.metric('txpush_agent_commands_total{action="issue",kind="connect-fix"}') >= 1
    assert agent.metric("txpush_agent_partitions_owned") == EMBEDDED.partitions
    assert agent.metric("txpush_agent_command_delay_seconds_count") >= 1
    assert agent.metric('txpush_agent_table_records{table="accounts"}') >= 1


@pytest.mark.usefixtures("agent")
def test_time_passes_by_one_tick(log: Log) -> None:
    """Accounts deleted more than 30 days ago are forgotten on a quiet partition, by one tick of the worker's own."""
    gone = [new_customer(2), new_customer(2)]
    past = now() - 40 * DAY
    log.write(*(looked(one, 0, past) for one in gone), *(deleted(one, past + DAY) for one in gone))
    accounts = changelog(AGENT, "accounts")
    wait_until(lambda: all(log.values(accounts, one)[-1:] == [None] for one in gone))
    ticks = [one for one in log.read(EVENTS) if dict(one.headers()).get("ce_type") == b"clock.tick"]
    assert [one.key() for one in ticks if one.partition() == 2] == [None]
    assert [log.values(HEALTH, one)[-2]["phase"] for one in gone] == ["deleted", "deleted"]
    assert [log.values(HEALTH, one)[-1] for one in gone] == [None, None]


def test_an_end_in_the_middle_loses_and_doubles_nothing(log: Log, agent: Program) -> None:
    """SIGTERM with polls in flight ends with 0 within 10 s; after the next start each customer has one command."""
    customers = [new_customer() for _ in range(2000)]
    at = now()
    seen = agent.metric("txpush_agent_events_total")
    log.write(*(looked(one, 185, at) for one in customers[:500]))
    wait_until(lambda: agent.metric("txpush_agent_events_total") > seen)
    log.write(*(looked(one, 185, at) for one in customers[500:]))
    assert agent.stop(STOP_SECONDS) == 0
    agent.start()
    agent.until_ready()
    wait_until(lambda: len(issued(log, customers)) >= len(customers))
    assert sorted(issued(log, customers)) == sorted(customers)


def issued(log: Log, customers: list[str]) -> list[str]:
    """Give the customer of every first message among these customers."""
    wanted = {one.encode() for one in customers}
    return [one.key().decode() for one in log.read(FIX) if one.key() in wanted]


def test_a_quiet_worker_ends_in_order(agent: Program) -> None:
    """SIGTERM ends an idle worker with 0 within 10 s, and it starts again under its name."""
    assert agent.stop(STOP_SECONDS) == 0
    agent.start()
    agent.until_ready()


def is_forgotten(log: Log, group: str) -> bool:
    """Try to delete a group with its offsets; a static member is in it until its session is over."""
    admin = AdminClient({"bootstrap.servers": log.bootstrap})
    try:
        admin.delete_consumer_groups([group])[group].result(SECONDS)
    except KafkaException:
        return False
    return True


@pytest.mark.slow
def test_a_forgotten_group_decides_nothing_again(log: Log, agent: Program) -> None:
    """A broker drops the offsets of a group that nobody was in for a week: the state says where the log goes on."""
    customer = new_customer()
    log.write(looked(customer, 185, now() - MINUTE))
    wait_until(lambda: log.actions(customer) == ["issue"])
    assert agent.stop(STOP_SECONDS) == 0
    decided = len(log.read(AUDIT))
    wait_until(lambda: is_forgotten(log, AGENT))
    agent.start()
    agent.until_ready()
    agent.until(lambda: "the group is at offset 0, the state at" in agent.said())
    wait_until(lambda: sum(left for _, left in unread(log.bootstrap, AGENT, EVENTS, EMBEDDED.partitions)) == 0)
    log.write(looked(customer, 0, now()))
    wait_until(lambda: log.actions(customer) == ["issue", "withdraw"])
    assert len(log.read(AUDIT)) - decided < decided / 2


@pytest.mark.usefixtures("agent")
def test_the_chain_goes_on_over_restarts(log: Log) -> None:
    """From the name of the log to the last record, over every restart so far: each hash is that of the contract."""
    customer = new_customer()
    log.write(looked(customer, 185, now()))
    wait_until(lambda: log.actions(customer) == ["issue"])
    identity = asyncio.run(log_identity(log.bootstrap, EVENTS))
    inbound, audits = log.read(EVENTS), log.read(AUDIT)
    links = [
        verified(
            f"{identity}/{partition}",
            [one for one in inbound if one.partition() == partition],
            [one.value() for one in audits if one.partition() == partition],
        )
        for partition in range(EMBEDDED.partitions)
    ]
    assert sum(links) == len(audits) > 2000


def verified(name: str, inbound: list[Any], audits: list[bytes]) -> int:
    """Walk a chain by the words of the contract and give its length."""
    head, unread = hashlib.sha256(name.encode()).hexdigest(), inbound
    for value in audits:
        link, rolled = orjson.loads(value), bytes(32)
        covered = [one for one in unread if one.offset() <= link["offset"]]
        unread = unread[len(covered) :]
        for one in covered:
            told = [
                one.key(),
                one.value(),
                *(part for name, value in one.headers() or () for part in (name.encode(), value)),
            ]
            parts = b"".join(b"-" if part is None else b"%d:%b" % (len(part), part) for part in told)
            place = struct.pack(">Qq", one.offset(), one.timestamp()[1])
            rolled = hashlib.sha256(rolled + place + parts).digest()
        assert link["previous"] == head
        assert link["inputs_sha256"] == rolled.hex()
        head = hashlib.sha256(value).hexdigest()
    return len(audits)


def test_a_worker_takes_over_from_a_killed_one(log: Log, agent: Program, tmp_path: Path) -> None:
    """Two workers share the partitions; when one is killed the other has them all, and misses nothing."""
    other = Program(WORKER, settings_of(log.bootstrap, "agent-1"), tmp_path / "agent-1.log")
    with started(other):
        other.until(lambda: other.page("metrics"))
        other.until(lambda: 0 < other.metric("txpush_agent_partitions_owned") < EMBEDDED.partitions)
        other.until_ready()
        agent.until_ready()
        assert sum(one.metric("txpush_agent_partitions_owned") for one in (agent, other)) == EMBEDDED.partitions
        agent.kill()
        customers = [new_customer(partition) for partition in range(EMBEDDED.partitions)]
        log.write(*(looked(one, 185, now()) for one in customers))
        wait_until(lambda: sorted(issued(log, customers)) == sorted(customers), seconds=SESSION_SECONDS + 12)
        assert other.stop(STOP_SECONDS) == 0


def test_without_a_broker_it_waits_and_says_so() -> None:
    """Where nothing listens the worker waits, and in the end says where it looked, to be started again."""
    done = run(("-c", IMPATIENT), settings_of(NOWHERE), SECONDS)
    assert done.returncode == 70
    assert f"waiting for a broker at {NOWHERE}" in done.stderr
    assert f"no broker at {NOWHERE}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_policy_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """A worker with a policy that does not hold ends with 2, before it looks for a broker, and says what is wrong."""
    file = tmp_path / "policy.toml"
    file.write_text("[contact]\ncooldown_hours = 0\n")
    done = run(WORKER, settings_of(NOWHERE, POLICY_FILE=str(file)), SECONDS)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"{file}: contact.cooldown_hours: must be a whole number of hours")
    assert "Traceback" not in done.stderr


def test_a_start_that_waits_can_be_ended(tmp_path: Path) -> None:
    """SIGTERM ends a worker that still waits for a broker."""
    waiting = Program(WORKER, settings_of(NOWHERE), tmp_path / "log")
    with started(waiting):
        waiting.until(lambda: "waiting for a broker" in waiting.said())
        assert waiting.stop(5.0) == 0


def test_an_end_is_bounded_without_a_broker(broker: EmbeddedKafka, agent: Program) -> None:
    """With the broker gone SIGTERM ends the worker in little more than the 10 s that it has; last, as it kills it."""
    broker.kill(1)
    began = time.monotonic()
    assert agent.stop(14.0) in {0, 70}
    assert time.monotonic() - began < 11.5
