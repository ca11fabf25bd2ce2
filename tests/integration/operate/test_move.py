"""A move to another number of partitions: both agents go on as if nothing had been, no command is lost or doubled."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.cli import txpush
from streams.fold.chain import first_link
from streams.fold.intake import partition_of
from streams.kafka import applied
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.identity import log_identity
from streams.kafka.topics import AUDIT, EVENTS, HEALTH, TICKETS, Layout
from streams.operate.moving.places import copied
from tests.integration.committed import committed
from tests.processes import CLI, Program, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

OLD, NEW = 3, 5
FIX = "remediation.connect-fix"
SECONDS = 30.0
MINUTE = timedelta(minutes=1)
SIGNED = ["--by", "ann", "--reason", "more customers"]
FAILING = [str(number) for number in range(7_000_000_000, 7_000_000_012)]
AT_BANK = [str(number) for number in range(7_000_000_100, 7_000_000_109)]
"""Customers whose login fails at the bank; a tenth makes the ticket say more."""


def now() -> datetime:
    """Give the present in whole milliseconds."""
    return from_epoch_ms(time.time_ns() // 1_000_000)


def looked(customer: str, code: int, at: datetime, bank: str = "102105") -> Event:
    """Give a snapshot of the customer's only account."""
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id="a1",
        institution_id=bank,
        institution_login_id=f"L{customer}",
        aggregation_status_code=code,
        aggregation_attempt_date=at - MINUTE,
    )
    name = f"{customer}/{code}/{to_epoch_ms(at)}"
    return Event(name, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot, None, customer)


@dataclass
class Cluster:
    """A broker whose topics have so many partitions."""

    bootstrap: str
    partitions: int

    def settings(self, **more: str) -> dict[str, str]:
        """Give the settings that lead here."""
        return settings_for(self.bootstrap, Layout(self.partitions, 1), SESSION_SECONDS="3", **more)

    def write(self, *events: Event) -> None:
        """Put events into the log."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True})
        for one in events:
            key = one.partition_key or ""
            headers: Any = to_headers(one)
            place, at = partition_of(key, self.partitions), to_epoch_ms(one.time)
            producer.produce(EVENTS, to_value(one.data), key, place, timestamp=at, headers=headers)
        assert producer.flush(SECONDS) == 0

    def read(self, topic: str) -> list[Any]:
        """Give the committed records of a topic, partition by partition."""
        return committed(self.bootstrap, topic, range(self.partitions), SECONDS)

    def last(self, topic: str) -> dict[bytes, bytes]:
        """Give the last value of every key that has one."""
        found = {one.key(): one.value() for one in self.read(topic)}
        return {key: value for key, value in found.items() if value is not None}

    def said(self, topic: str, key: str | None = None) -> list[tuple[str, int, str]]:
        """Give command, sequence and action of every message, in order."""
        data = [json.loads(one.value()) for one in self.read(topic) if key is None or one.key() == key.encode()]
        return [(one["command_id"], one["sequence"], one["action"]) for one in data]

    @contextmanager
    def agents(self, logs: Path) -> Iterator[None]:
        """Run both agents, ready, until the end of the block, and end them in order once they have read all."""
        logs.mkdir()
        both = [
            Program((*CLI, name), self.settings(INSTANCE=f"{name}-0"), logs / name)
            for name in ("agent", "institutions")
        ]
        with running(*both):
            yield
            wait_until(lambda: sum(one.metric("txpush_agent_lag_messages") for one in both) == 0)


@pytest.fixture
def old() -> Iterator[Cluster]:
    with EmbeddedKafka() as kafka:
        asyncio.run(applied.apply(kafka.bootstrap, Layout(OLD, 1)))
        yield Cluster(kafka.bootstrap, OLD)


@pytest.fixture
def new() -> Iterator[Cluster]:
    with EmbeddedKafka() as kafka:
        asyncio.run(applied.apply(kafka.bootstrap, Layout(NEW, 1)))
        yield Cluster(kafka.bootstrap, NEW)


def typed(cluster: Cluster, *words: str) -> Result:
    """Run a command line on a cluster."""
    return CliRunner().invoke(txpush, list(words), env=cluster.settings())


def test_a_move(old: Cluster, new: Cluster, tmp_path: Path) -> None:
    """Refused until all is at rest; then state and commands are there, and what comes next follows from them."""
    first = [looked(one, 103, now()) for one in FAILING]
    move = ["move", "--to", new.bootstrap, "--partitions", str(NEW), "--yes"]
    with old.agents(tmp_path / "one"):
        old.write(*first, *(looked(one, 148, now(), "900") for one in AT_BANK))
        wait_until(lambda: len(old.said(FIX)) == len(FAILING))
        wait_until(lambda: len(old.said(TICKETS)) == 1)
        assert typed(old, "override", "silence", "--all", "--yes", *SIGNED).exit_code == 0
        refused = typed(old, *move)
        assert (refused.exit_code, "has members: stop them all" in refused.output) == (2, True)
    old.write(looked(FAILING[0], 109, now()))
    refused = typed(old, *move)
    assert (refused.exit_code, f"has not read {EVENTS}/" in refused.output) == (2, True), refused.output
    with old.agents(tmp_path / "two"):
        wait_until(lambda: [action for *_, action in old.said(FIX, FAILING[0])] == ["issue", "update"])
    done = typed(old, *move)
    assert done.exit_code == 0, done.output
    for topic in copied():
        assert new.last(topic) == old.last(topic), topic
    assert sorted(new.said(FIX)) == sorted(old.said(FIX))
    again = typed(old, *move)
    assert (again.exit_code, "is not empty" in again.output) == (2, True)
    _goes_on(old, new, first, tmp_path)


def _goes_on(old: Cluster, new: Cluster, first: list[Event], tmp_path: Path) -> None:
    before = {customer: new.said(FIX, customer) for customer in FAILING}
    ((ticket, *_),) = old.said(TICKETS)
    newcomer = "7000000999"
    with new.agents(tmp_path / "three"):
        new.write(*first)  # sent again by the vendor
        new.write(*(looked(one, 0, now()) for one in FAILING[:6]), looked(newcomer, 103, now()))
        new.write(looked("7000000110", 148, now(), "900"))
        wait_until(lambda: len(new.said(FIX)) == sum(map(len, before.values())) + 6)
        wait_until(lambda: [one[:2] for one in new.said(TICKETS)] == [(ticket, 0), (ticket, 1)])
        wait_until(lambda: f"{newcomer}/a1".encode() in new.last(HEALTH))
        assert new.said(FIX, newcomer) == []  # the silence has come along
        assert typed(new, "override", "silence", "--all", "--until", "now", "--yes", *SIGNED).exit_code == 0
        wait_until(lambda: [action for *_, action in new.said(FIX, newcomer)] == ["issue"])
    for customer in FAILING:
        (command, sequence, _), *_ = before[customer][::-1]
        more = [(command, sequence + 1, "withdraw")] if customer in FAILING[:6] else []
        assert new.said(FIX, customer) == before[customer] + more
    identity = asyncio.run(log_identity(new.bootstrap, EVENTS))
    heads = {number: first_link(identity, number) for number in range(NEW)}
    links = [one for one in new.read(AUDIT) if json.loads(one.value())["topic"] == EVENTS]
    firsts = {one.partition(): json.loads(one.value())["previous"] for one in links[::-1]}
    assert firsts == {number: heads[number] for number in firsts}
    assert len(firsts) > OLD
