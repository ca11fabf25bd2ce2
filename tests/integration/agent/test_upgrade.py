"""Upgrade and roll-back of one version on a live log: earlier state is read, later state is refused in words."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.state.partitions import STATE_VERSION
from schemas.times import from_epoch_ms, rfc3339
from streams.fold.intake import partition_of
from streams.kafka import applied, topics
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.log import LogRecord
from streams.kafka.producer import LogProducer, ProducerSettings
from streams.kafka.topics import AGENT, EMBEDDED, EVENTS, SIGNALS
from tests.integration.committed import committed
from tests.processes import Program, settings_for, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

COMMANDS = "remediation.connect-fix"
T = TypeVar("T")
SECONDS = 90.0
START_MS = time.time_ns() // 1_000_000 - 7_200_000
"""Two hours ago: no reminder is due yet."""
EARLIER, PRESENT, LATER = 0, STATE_VERSION, STATE_VERSION + 1
NUMBERS = range(EMBEDDED.partitions)
CUSTOMERS = [key for n in range(7000, 7100) if partition_of(key := str(n), EMBEDDED.partitions) == 1]
"""Customers of one partition."""
STRANGER = next(key for n in range(7000, 7100) if partition_of(key := str(n), EMBEDDED.partitions) == 0)
"""A customer of a partition where no later release has worked."""
VARIANT = """
import schemas.state.partitions as state
state.STATE_VERSION = {version}
from streams.agent.app import main
main()
"""
"""A release whose state is of another version, and that is otherwise this one; set before anybody has taken it."""


def wait_for(what: Callable[[], T], found: Callable[[T], object], log: Path) -> T:
    """Ask until the answer fits, or fail with the last one and the end of the worker's log."""
    return wait_until(what, found, seconds=SECONDS, said=lambda: log.read_text()[-4000:])


@dataclass
class Cluster:
    """A broker and what is done to it from outside."""

    bootstrap: str
    folder: Path
    sent: int = 0

    @property
    def log(self) -> Path:
        """What the workers said."""
        return self.folder / "agents.log"

    @contextmanager
    def agent(self, version: int) -> Iterator[Program]:
        """Run a release of a state version in a process of its own, which ends in good order."""
        module = self.folder / f"release_{version}.py"
        module.write_text(VARIANT.format(version=version))
        release = Program((str(module),), settings_for(self.bootstrap, INSTANCE="upgrade"), self.log)
        with started(release):
            yield release
            assert release.stop(20.0) == 0, release.said()

    def hear(self, customer: str, code: int) -> None:
        """Write an account's code into the log, each later than the one before."""
        self.sent += 1
        at = START_MS + self.sent * 60_000
        snapshot = {
            "customerId": customer,
            "accountId": f"59{customer}",
            "institutionId": "102105",
            "institutionLoginId": f"71{customer}",
            "aggregationStatusCode": code,
            "aggregationAttemptDate": at // 1000,
        }
        attributes = {
            "ce_id": f"upgrade:{self.sent}",
            "ce_type": "txpush.account.modified",
            "ce_source": "/remediation/bridge",
            "ce_time": rfc3339(from_epoch_ms(at)),
        }
        headers = [(name, text.encode()) for name, text in attributes.items()]
        record = LogRecord(EVENTS, customer.encode(), json.dumps(snapshot).encode(), headers, at)
        asyncio.run(self._write(record))

    async def _write(self, record: LogRecord) -> None:
        producer = LogProducer(ProducerSettings(self.bootstrap, (EVENTS,)))
        await producer.start()
        try:
            async with asyncio.timeout(SECONDS):
                while producer.problems():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
            await producer.send_all([record], SECONDS)
        finally:
            await producer.stop(5.0)

    def values(self, topic: str) -> list[bytes]:
        """Give the values of a topic as a committed reader sees them, in order within each partition."""
        return [one.value() or b"" for one in committed(self.bootstrap, topic, NUMBERS, SECONDS)]

    def commands(self) -> list[tuple[str, str]]:
        """Give customer and action of every command message, as a reader by the contract takes them."""
        seen: dict[str, int] = {}
        taken = []
        for command in map(json.loads, self.values(COMMANDS)):
            if command["sequence"] > seen.get(command["command_id"], -1):
                seen[command["command_id"]] = command["sequence"]
                taken.append((command["customer_id"], command["action"]))
        return taken

    def until(self, *wanted: tuple[str, str]) -> None:
        """Wait for the commands that should be there by now, in any order of customers, and no others."""
        wait_for(lambda: sorted(self.commands()), lambda now: now == sorted(wanted), self.log)

    def rebuild(self) -> None:
        """Do what schemas/README.md says under Upgrade and roll-back: drop the state, keep the log and the commands."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        derived = [topic.name for topic in topics.contract() if topic.name.endswith("-changelog")] + [SIGNALS]
        for deleted in admin.delete_topics(derived, operation_timeout=SECONDS).values():
            deleted.result(SECONDS)
        wait_for(lambda: self._forget_group(admin), bool, self.log)
        wait_for(lambda: set(admin.list_topics(timeout=SECONDS).topics) & set(derived), lambda left: not left, self.log)
        assert sorted(asyncio.run(applied.apply(self.bootstrap, EMBEDDED))) == sorted(derived)

    def _forget_group(self, admin: AdminClient) -> bool:
        """Delete the agent's place in the log; a stopped worker with a name of its own counts until its session ends.

        Raises:
            KafkaException: the group is not to be deleted for another reason than that.
        """
        answer = admin.delete_consumer_groups([AGENT])[AGENT].exception(SECONDS)
        if isinstance(answer, KafkaException) and answer.args[0].code() == KafkaError.NON_EMPTY_GROUP:
            return False
        if answer is not None:
            raise answer
        return True


@pytest.fixture
def cluster(broker: EmbeddedKafka, tmp_path: Path) -> Cluster:
    return Cluster(broker.bootstrap, tmp_path)


@pytest.mark.slow
def test_upgrade_and_roll_back_on_a_live_log(cluster: Cluster) -> None:
    """State without a version is read; that of a later release is refused in words; the log gives all of it again."""
    one, two, three, four, *_ = CUSTOMERS
    cluster.hear(one, 103)
    with cluster.agent(EARLIER):
        cluster.until((one, "issue"))
    cluster.hear(two, 103)
    with cluster.agent(PRESENT):
        cluster.until((one, "issue"), (two, "issue"))
        cluster.hear(one, 0)
        cluster.until((one, "issue"), (two, "issue"), (one, "withdraw"))
    told = [(one, "issue"), (two, "issue"), (one, "withdraw")]
    cluster.hear(three, 103)
    with cluster.agent(LATER):
        cluster.until(*told, (three, "issue"))
    told += [(three, "issue")]

    cluster.hear(two, 0)
    cluster.hear(STRANGER, 103)
    with cluster.agent(PRESENT) as present:
        words = present.until(lambda: present.page("readyz"), lambda text: "is paused" in text, seconds=SECONDS)
        assert f"the state is of version {LATER}, and this release knows up to {PRESENT}" in words
        assert "start that one again, or go back as schemas/README.md says" in words
        cluster.until(*told, (STRANGER, "issue"))
    told += [(STRANGER, "issue")]

    with cluster.agent(LATER):
        cluster.until(*told, (two, "withdraw"))
    told += [(two, "withdraw")]

    before = cluster.values(COMMANDS)
    cluster.rebuild()
    cluster.hear(four, 103)
    with cluster.agent(PRESENT):
        cluster.until(*told, (four, "issue"))
    after = cluster.values(COMMANDS)
    assert len(after) == 2 * len(before) + 1
    assert set(before) < set(after)
    assert len(set(after)) == len(set(before)) + 1
