"""The audit on a real broker, beside agents that run: whole, forged, signed; and nothing of it is left in Kafka."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import from_epoch_ms, to_epoch_ms
from streams.fold.intake import partition_of
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EMBEDDED, EVENTS, contract
from tests.integration.committed import committed
from tests.integration.unreadable import delete_to
from tests.processes import CLI, Program, run, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

FIX = CUSTOMER_COMMANDS[0]
CUSTOMERS = [str(7_300_000_000 + number) for number in range(60)]
SECONDS = 60.0
LINKS = {"LINK_URL": "https://fix.example.com", "LINK_KEYS": "11" * 32}
AUDIT_SECONDS = 120.0


def failing(customer: str, at: datetime, code: int = 185) -> Event:
    """Give an event of a customer whose login fails."""
    snapshot = AccountSnapshot(
        customer_id=customer,
        account_id=f"5{customer}",
        institution_id="102105",
        institution_login_id=f"L{customer}",
        aggregation_status_code=code,
        aggregation_attempt_date=at - timedelta(minutes=1),
    )
    name = f"{customer}/{to_epoch_ms(at)}"
    return Event(name, EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot, None, customer)


def write(bootstrap: str, *events: Event) -> None:
    """Put events into the inbound log."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for one in events:
        producer.produce(
            EVENTS,
            to_value(one.data),
            str(one.partition_key),
            partition_of(str(one.partition_key), EMBEDDED.partitions),
            timestamp=to_epoch_ms(one.time),
            headers=list(to_headers(one)),
        )
    assert producer.flush(SECONDS) == 0


def audited(bootstrap: str, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run `txpush audit` as an auditor does."""
    return run((*CLI, "audit", *words), settings_for(bootstrap, **more), AUDIT_SECONDS)


@pytest.fixture(scope="module")
def flow(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both agents, and customers whose logins fail: enough for an incident of their institution."""
    logs = tmp_path_factory.mktemp("flow")
    programs = [
        Program((*CLI, name), settings_for(broker.bootstrap, INSTANCE=f"{name}-0", **LINKS), logs / f"{name}.log")
        for name in ("agent", "institutions")
    ]
    with running(*programs):
        at = from_epoch_ms(time.time_ns() // 1_000_000)
        write(broker.bootstrap, *(failing(customer, at) for customer in CUSTOMERS))
        numbers = range(EMBEDDED.partitions)
        wait_until(lambda: len(committed(broker.bootstrap, FIX, numbers, SECONDS)) >= 20, seconds=SECONDS)
        yield broker.bootstrap


async def seen(bootstrap: str) -> tuple[list[str], list[object]]:
    """Give what a cluster has of topics and groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return sorted(await admin.list_topics()), sorted(await admin.list_consumer_groups())
    finally:
        await admin.close()


def test_whole_while_agents_run(flow: str, tmp_path: Path) -> None:
    """Verified, signed, verified from there on; topics and groups are those of before."""
    before = asyncio.run(seen(flow))
    key, folder = str(tmp_path / "audit.key"), str(tmp_path / "checkpoints")
    assert audited(flow, "keygen", key).returncode == 0
    done = audited(flow, "verify", "--link-key", "--json", **LINKS)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["faults"]) == ("whole", [])
    assert told["links"] >= 20
    assert sum(chain["messages"] for chain in told["chains"]) >= 20
    for number in (1, 2):
        signed = audited(flow, "checkpoint", "--key", key, "--to", folder)
        assert signed.returncode == 0, signed.stdout + signed.stderr
        assert f"checkpoint-0000000{number}.json" in signed.stdout
    public = ("--public-key", f"{key}.pub")
    checked = run((*CLI, "audit", "checkpoint", "--check", folder, *public), {}, SECONDS)
    assert checked.returncode == 0
    assert "2 checkpoints are signed and in order" in checked.stdout
    for words in ((), ("--since-checkpoint",)):
        again = audited(flow, "verify", "--checkpoints", folder, *public, *words)
        assert again.returncode == 0, again.stdout + again.stderr
        assert re.search(r"^whole: ", again.stdout, re.MULTILINE)
    assert asyncio.run(seen(flow)) == before
    assert {topic.name for topic in contract()} <= set(before[0])


def test_a_link_of_another_key_is_named_and_not_shown(flow: str) -> None:
    """By its command."""
    other = LINKS | {"LINK_KEYS": "22" * 32}
    done = audited(flow, "verify", "--link-key", **other)
    assert done.returncode == 1
    assert "its link is none that our keys give" in done.stdout
    assert "https://" not in done.stdout


def test_a_forged_command_is_named(flow: str) -> None:
    """Who may write to the topic cannot write into the chain; the last word on the flow of this module."""
    genuine = committed(flow, FIX, range(EMBEDDED.partitions), SECONDS)[0]
    producer = Producer({"bootstrap.servers": flow})
    headers = [(name, b"forged:0" if name == "ce_id" else value) for name, value in genuine.headers()]
    producer.produce(FIX, genuine.value(), genuine.key(), genuine.partition(), headers=headers)
    assert producer.flush(SECONDS) == 0
    done = audited(flow, "verify")
    assert done.returncode == 1
    assert f"forged: {FIX}/{genuine.partition()} at " in done.stdout
    assert "no decision names message 'forged:0'" in done.stdout


def test_removed_decisions_are_said(flow: str) -> None:
    """Records that are deleted from the beginning on look like retention: what cannot be proven any more is told."""
    delete_to(flow, AUDIT, 0, last=5)
    done = audited(flow, "verify")
    assert "were not read, or are not there" in done.stdout


def test_nobody_there_ends_with_words() -> None:
    """And with 2."""
    done = audited("127.0.0.1:9", "verify")
    assert done.returncode == 2
    assert "127.0.0.1:9 cannot be read" in done.stderr
