"""Agents with their state on local disk: killed, fenced, swapped, and with files that do not fit."""

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, CustomerForgotten, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, EMBEDDED, EVENTS
from tests.integration.committed import committed, unread
from tests.processes import Program, running, settings_for, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(240)]

NUMBERS = range(EMBEDDED.partitions)
FIX = "remediation.connect-fix"
SESSION_SECONDS = 3.0
CUSTOMERS = 150
"""In the state before anything happens."""
TAIL_RECORDS = 30
"""More than a few events leave in the changelogs, and far fewer than the state has."""
HASTY = """
from streams.transport.local import files, keeper
keeper.WRITE_SECONDS = 0.2
files.ERASED_AFTER_MS = 1000
from streams.agent.app import main
main()
"""
"""The agent as it ships, but that it writes its state, and erases what was dropped, sooner."""

_numbers = count(7_100_000_000)


def new_customer(partition: int) -> str:
    """Give a customer of a partition that nobody has heard of."""
    every = (str(number) for number in _numbers)
    return next(one for one in every if partition_of(one, EMBEDDED.partitions) == partition)


def looked(customer: str, code: int) -> Event:
    """Give a snapshot of the customer's only account, of this moment."""
    at = from_epoch_ms(time.time_ns() // 1_000_000)
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id=f"a{customer}",
        institution_id="102105",
        institution_login_id=f"l{customer}",
        aggregation_status_code=code,
        aggregation_attempt_date=at - timedelta(seconds=1),
    )
    kind = EventType.ACCOUNT_MODIFIED
    return Event(f"{customer}/{to_epoch_ms(at)}/{code}", kind, Source.BRIDGE, at, snapshot, None, customer)


def forgotten(customer: str) -> Event:
    """Give an operator's word that the customer is to be forgotten."""
    at = from_epoch_ms(time.time_ns() // 1_000_000)
    data = CustomerForgotten(customer_id=customer, who="ann", why="asked for it")
    kind = EventType.CUSTOMER_FORGOTTEN
    return Event(f"forget/{customer}", kind, Source.OPERATOR, at, data, None, customer)


@dataclass
class Cluster:
    """The broker from outside, and what the group has made of the log."""

    bootstrap: str

    def hear(self, *events: Event) -> None:
        """Put events on the inbound log and wait until they are committed."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5})
        for one in events:
            key = one.partition_key or ""
            headers: Any = to_headers(one)
            place = partition_of(key, EMBEDDED.partitions)
            producer.produce(EVENTS, to_value(one.data), key, place, timestamp=to_epoch_ms(one.time), headers=headers)
        assert producer.flush(30) == 0
        wait_until(lambda: unread(self.bootstrap, AGENT, EVENTS, NUMBERS) == 0)

    def actions(self, customer: str) -> list[str]:
        """Give the actions of the connect-fix messages of a customer, committed ones only."""
        place = partition_of(customer, EMBEDDED.partitions)
        found = committed(self.bootstrap, FIX, [place], 30.0)
        return [orjson.loads(one.value() or b"")["action"] for one in found if (one.key() or b"").decode() == customer]


class Worker(Program):
    """An agent that keeps its state in a folder of its own."""

    @property
    def state(self) -> Path:
        """Where it keeps its state."""
        return Path(self.settings["TXPUSH_STATE_DIR"]) / AGENT

    def begin(self) -> None:
        """Start it, and wait until every partition that it has is open, at least one."""
        self.start()
        self.until_ready()

    def end(self) -> None:
        """End it in order."""
        assert self.stop() == 0, self.said()

    def restored(self, place: str) -> int:
        """Count the records that its present process has read from a place to bring state back."""
        return int(self.metric(f'txpush_agent_restored_records_total{{place="{place}"}}'))

    def restores(self, source: str) -> int:
        """Count the partitions that it has brought back from a source."""
        return int(self.metric(f'txpush_agent_restore_seconds_count{{source="{source}"}}'))

    def refused(self, reason: str) -> int:
        """Count the files that it has refused for a reason."""
        return int(self.metric(f'txpush_agent_state_files_refused_total{{reason="{reason}"}}'))

    def on_disk(self) -> bytes:
        """Give every byte of its state on disk; a file may go while others are read."""
        while True:
            try:
                return b"".join(path.read_bytes() for path in sorted(self.state.iterdir()))
            except FileNotFoundError:
                continue


def worker(bootstrap: str, name: str, folder: Path) -> Worker:
    """Give a worker that does not run yet."""
    told = {"INSTANCE": name, "SESSION_SECONDS": str(SESSION_SECONDS), "STATE_DIR": str(folder / name)}
    return Worker(("-c", HASTY), settings_for(bootstrap, **told), folder / f"{name}.log")


@pytest.fixture(scope="module")
def filled(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster with some state in its changelogs."""
    cluster = Cluster(broker.bootstrap)
    with running(worker(cluster.bootstrap, "filler", tmp_path_factory.mktemp("filler"))):
        cluster.hear(*(looked(new_customer(n % EMBEDDED.partitions), 0) for n in range(CUSTOMERS)))
    return cluster


@pytest.fixture
def workers(filled: Cluster, tmp_path: Path) -> Iterator[tuple[Worker, Worker]]:
    """Two workers that do not run yet; none does afterwards."""
    both = worker(filled.bootstrap, "agent-0", tmp_path), worker(filled.bootstrap, "agent-1", tmp_path)
    yield both
    for one in both:
        one.kill()


@pytest.fixture
def agent(workers: tuple[Worker, Worker]) -> Worker:
    """A worker whose state is on disk."""
    first, _ = workers
    first.begin()
    assert first.restores("full") == EMBEDDED.partitions
    assert first.refused("missing") == EMBEDDED.partitions
    wait_until(lambda: len(list(first.state.glob("*.head"))) == EMBEDDED.partitions)
    return first


def test_a_killed_worker_reads_only_the_tail(filled: Cluster, agent: Worker) -> None:
    """After SIGKILL the state comes from the file, what was committed since from the changelogs, and no more."""
    failing = [new_customer(n) for n in NUMBERS]
    filled.hear(*(looked(one, 185) for one in failing))
    agent.kill()
    agent.begin()
    assert agent.restores("file") == EMBEDDED.partitions
    assert agent.restores("full") == agent.restored("full") == 0
    assert agent.restored("tail") <= TAIL_RECORDS
    assert agent.restored("file") >= 2 * CUSTOMERS
    filled.hear(*(looked(one, 0) for one in failing))
    assert [filled.actions(one) for one in failing] == [["issue", "withdraw"]] * len(failing)


def test_a_file_that_does_not_fit_costs_a_full_read(filled: Cluster, agent: Worker) -> None:
    """A byte of another value: that partition is read whole, one line says so, and the state is the same."""
    failing = [new_customer(n) for n in NUMBERS]
    filled.hear(*(looked(one, 185) for one in failing))
    agent.end()
    (data,) = agent.state.glob("1.*.data")
    changed = bytearray(data.read_bytes())
    changed[len(changed) // 2] ^= 0x40
    data.write_bytes(changed)
    agent.begin()
    assert (agent.restores("file"), agent.restores("full")) == (EMBEDDED.partitions - 1, 1)
    assert agent.refused("broken") == agent.metric("txpush_agent_state_files_refused_total") == 1
    assert len(re.findall(r"partition 1: the state on disk is not used: .* has another checksum", agent.said())) == 1
    filled.hear(*(looked(one, 0) for one in failing))
    assert [filled.actions(one) for one in failing] == [["issue", "withdraw"]] * len(failing)
    wait_until(lambda: len(list(agent.state.glob("1.head"))) == 1)


def test_files_of_another_cluster_are_refused(agent: Worker, tmp_path: Path) -> None:
    """The same folder on a cluster made anew is somebody else's state."""
    agent.end()
    with EmbeddedKafka() as other:
        asyncio.run(applied.apply(other.bootstrap, EMBEDDED))
        stranger = worker(other.bootstrap, "agent-0", tmp_path)
        with started(stranger):
            stranger.until_ready()
            assert stranger.refused("foreign") == stranger.restores("full") == EMBEDDED.partitions


def test_a_forgotten_customer_leaves_the_disk(filled: Cluster, workers: tuple[Worker, Worker], agent: Worker) -> None:
    """Soon after it was forgotten, or once the tail was read where that happened elsewhere, there is no trace."""
    here, elsewhere = new_customer(0), new_customer(1)
    filled.hear(looked(here, 185), looked(elsewhere, 185))
    wait_until(lambda: here.encode() in agent.on_disk() and elsewhere.encode() in agent.on_disk())
    filled.hear(forgotten(here))
    wait_until(lambda: here.encode() not in agent.on_disk())
    agent.end()
    other = workers[1]
    other.begin()
    filled.hear(forgotten(elsewhere))
    other.end()
    assert elsewhere.encode() in agent.on_disk()
    agent.begin()
    assert agent.restores("file") == EMBEDDED.partitions
    wait_until(lambda: elsewhere.encode() not in agent.on_disk())


def test_partitions_that_move_and_that_stay(filled: Cluster, workers: tuple[Worker, Worker], agent: Worker) -> None:
    """A partition that stays is not read again; one that comes back has a file, and only its tail is read."""
    fulls = agent.restores("full")
    other = workers[1]
    other.begin()
    agent.until_ready()
    kept = agent.restores("memory")
    assert 0 < kept < EMBEDDED.partitions
    assert (agent.restores("full"), agent.restored("tail")) == (fulls, 0)
    failing = [new_customer(n) for n in NUMBERS]
    filled.hear(*(looked(one, 185) for one in failing))
    other.end()
    wait_until(lambda: agent.metric("txpush_agent_partitions_owned") == EMBEDDED.partitions)
    agent.until_ready()
    assert agent.restores("memory") == 2 * kept
    assert agent.restores("file") == EMBEDDED.partitions - kept
    assert (agent.restores("full"), agent.restored("tail") <= TAIL_RECORDS) == (fulls, True)
    filled.hear(*(looked(one, 0) for one in failing))
    assert [filled.actions(one) for one in failing] == [["issue", "withdraw"]] * len(failing)


def test_a_fenced_worker_reads_again(filled: Cluster, workers: tuple[Worker, Worker], agent: Worker) -> None:
    """A worker that slept while another had its partitions does not trust its memory, and knows what was done."""
    sleeper = agent
    failing = [new_customer(n) for n in NUMBERS]
    sleeper.signal(signal.SIGSTOP)
    other = workers[1]
    other.begin()
    wait_until(lambda: other.metric("txpush_agent_partitions_owned") == EMBEDDED.partitions)
    filled.hear(*(looked(one, 185) for one in failing))
    sleeper.signal(signal.SIGCONT)
    other.end()
    wait_until(lambda: not sleeper.alive or sleeper.restores("file") >= EMBEDDED.partitions)
    if not sleeper.alive:
        sleeper.begin()
    assert (sleeper.restores("memory"), sleeper.restored("tail") > 0) == (0, True)
    filled.hear(*(looked(one, 0) for one in failing))
    assert [filled.actions(one) for one in failing] == [["issue", "withdraw"]] * len(failing)
