"""Fault by fault on a real cluster: what is wrong, what to do, and that nothing is changed by looking."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.catalogue import Catalogue
from schemas.contract.channels import Component
from schemas.policy import Policy
from schemas.times import to_epoch_ms
from streams.clock import WallClock
from streams.doctor.findings import Status
from streams.doctor.plan import OTHERS
from streams.fold.inforce import InForce
from streams.kafka.acls.rights import ALL_TOPICS
from streams.kafka.applied import _configs
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import AGENT, DEAD_LETTER, EVENTS, HEALTH, SUBSCRIPTIONS
from streams.operate import acts
from streams.operate.writing import write as decide
from streams.subscriptions.held import Held
from streams.subscriptions.sealing import Sealing
from streams.vendor.gate import KafkaGate, Outcome, pair_of
from tests.integration.doctor.looking import PARTITIONS, everything, first, looked, settings, words, write

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

KEY, OTHER_KEY = "sealing-key-of-these-tests-0000000", "another-sealing-key-00000000000000"
ACCOUNT = {"app_key": "key", "partner_id": "1", "partner_secrets": "secret", "vendor_url": "http://127.0.0.1:1"}
HOUR_MS = 3_600_000


def now_ms() -> int:
    return to_epoch_ms(WallClock().now())


async def test_a_cluster_that_is_well_is_left_as_it_was(broker: EmbeddedKafka) -> None:
    """Every check can be made, and topics, ends, groups and offsets are the same before and after."""
    await looked(settings(broker.bootstrap))  # brokers make their own topics at the first question about a group
    before = await everything(broker.bootstrap)
    found = await looked(settings(broker.bootstrap, **ACCOUNT))
    assert await everything(broker.bootstrap) == before
    for name in ("brokers", "cluster", "topics", "rights", "clock", "signing keys", "disk", "paused", "dead letters"):
        assert found[name].status is Status.OK, (name, words(found[name]))
    assert (broker.cluster_id in words(found["cluster"]), "features of Kafka 4.3" in words(found["cluster"])) == (
        True,
        True,
    )
    assert "everything is allowed" in words(found["rights"])
    assert first(found["credentials"]).what.startswith("never tried yet")
    assert (found["policy"].status, "none yet on aggregation.events 0-2" in words(found["policy"])) == (
        Status.WARNING,
        True,
    )
    assert {one.status for one in found["lag"].findings} == {Status.WARNING}  # nobody is there, and nothing to be read


@pytest.mark.slow
async def test_topics_that_differ_are_told(broker: EmbeddedKafka) -> None:
    """Other settings than the contract's, with the command that mends them; so are a number of partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await altered(admin, HEALTH, {"cleanup.policy": "delete", "min.insync.replicas": "1"})
        found = await looked(settings(broker.bootstrap), Component.BRIDGE)
        assert (found["topics"].status, first(found["topics"]).what) == (
            Status.WRONG,
            f"topic {HEALTH} has cleanup.policy=delete, not compact",
        )
        assert "kafka-configs --alter" in first(found["topics"]).remedy
        await altered(admin, HEALTH, {"cleanup.policy": "compact", "min.insync.replicas": "1"})
    finally:
        await admin.close()
    other = settings(broker.bootstrap).model_copy(update={"partitions": PARTITIONS + 1})
    found = await looked(other, Component.BRIDGE)
    assert "TXPUSH_PARTITIONS=3" in first(found["topics"]).remedy
    asks = [check.name for check in OTHERS if check.needs_partitions and check.name in found]
    assert len(asks) == 3
    assert {found[name].status for name in asks} == {Status.LEFT_OUT}


async def altered(admin: AIOKafkaAdminClient, topic: str, config: dict[str, str]) -> None:
    """Set the settings of a topic; the broker answers before it goes by them."""
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])
    async with asyncio.timeout(30):
        while not config.items() <= (await _configs(admin, [topic]))[topic].items():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


@asynccontextmanager
async def member(broker: EmbeddedKafka) -> AsyncIterator[None]:
    """Be in the agent's group, and commit nothing: as a worker whose partitions are paused."""
    consumer = AIOKafkaConsumer(
        EVENTS,
        bootstrap_servers=broker.bootstrap,
        group_id=AGENT,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


@pytest.mark.slow
async def test_lag_and_a_partition_that_stands_still(broker: EmbeddedKafka) -> None:
    """Unread and nobody there; unread, somebody there, and the same at both looks: it may be paused."""
    await write(broker.bootstrap, EVENTS, b"unread", b"1", at_ms=now_ms() - HOUR_MS, partition=1)
    found = await looked(settings(broker.bootstrap), Component.AGENT)
    assert first(found["lag"]).status is Status.WRONG
    assert first(found["lag"]).what.startswith(f"{AGENT}: 1 messages of {EVENTS} unread, the oldest for 3,6")
    assert first(found["lag"]).what.endswith("and nobody is in the group")
    assert first(found["lag"]).remedy == "start `txpush agent`"
    async with member(broker):
        found = await looked(settings(broker.bootstrap), Component.AGENT)
    assert first(found["lag"]).what.endswith("partitions 1 stand still")
    assert (first(found["paused"]).status, f"{EVENTS} 1 may be paused" in first(found["paused"]).what) == (
        Status.WARNING,
        True,
    )


async def test_what_is_read_is_no_lag(broker: EmbeddedKafka) -> None:
    """The group's offset at the end, whatever was said before."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=AGENT, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(EVENTS, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
    finally:
        await consumer.stop()
    found = await looked(settings(broker.bootstrap), Component.AGENT)
    assert first(found["lag"]).what == f"{AGENT}: all of {EVENTS} is read, and nobody is in the group"


async def test_a_record_of_the_future_tells_of_our_clock(broker: EmbeddedKafka) -> None:
    """Whoever wrote it is ahead of us; brokers would not take it from far ahead of themselves."""
    await write(broker.bootstrap, EVENTS, b"of the future", b"1", at_ms=now_ms() + 250_000)
    (finding,) = (await looked(settings(broker.bootstrap), Component.BRIDGE))["clock"].findings
    assert (finding.status, "s behind the latest record" in finding.what) == (Status.WRONG, True), finding


async def test_dead_letters_are_counted_by_reason(broker: EmbeddedKafka) -> None:
    """Those of the last hour, and where to see them."""
    letter = DeadLetter(
        reason=DeadLetterReason.BAD_DATA,
        origin=f"{EVENTS}/0/1",
        detail="a test",
        received_at=WallClock().now(),
        reduced=None,
        body_sha256="0" * 64,
    )
    value = letter.model_dump_json().encode()
    await write(broker.bootstrap, DEAD_LETTER, value, b"1", at_ms=now_ms())
    await write(broker.bootstrap, DEAD_LETTER, value, b"1", at_ms=now_ms() - 2 * HOUR_MS)
    (finding,) = (await looked(settings(broker.bootstrap), Component.BRIDGE))["dead letters"].findings
    assert (finding.status, finding.what) == (Status.WARNING, "1 in the last hour: 1 bad_data")
    assert "txpush dead-letter list" in finding.remedy


async def test_sealing_keys_that_open_nothing_are_told(broker: EmbeddedKafka) -> None:
    """Of another secret than `txpush subscribe` had; without any; and the right one."""
    key, held = (
        b"7/5",
        Held("https://hooks.example.com", {"account": "1"}, {"account": ("one",)}, "2026-11-01T03:00:00Z"),
    )
    await write(broker.bootstrap, SUBSCRIPTIONS, Sealing([KEY]).seal(key, held), key, at_ms=now_ms())
    for secrets, status in ((OTHER_KEY, Status.WRONG), ("", Status.WRONG), (KEY, Status.OK)):
        found = await looked(settings(broker.bootstrap, sealing_keys=secrets), Component.BRIDGE)
        assert found["signing keys"].status is status, words(found["signing keys"])


async def test_the_policy_in_force_and_the_file(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Activated: it waits to be read, as no agent runs; a file that differs is told."""
    rules = InForce.of(Policy.load(), Catalogue.load())
    await decide(acts.activation(rules, "ann", "a test", WallClock().now()), broker.bootstrap, PARTITIONS)
    (file := tmp_path / "policy.toml").write_text('version = "mine"\n[contact]\nreminder_days = [2]\n')
    told = words((await looked(settings(broker.bootstrap, policy_file=file), Component.AGENT))["policy"])
    assert "one waits to be read on aggregation.events 0-2" in told
    assert "TXPUSH_POLICY_FILE has version mine" in told
    assert "institution.signals" not in told


@pytest.mark.slow
async def test_refused_credentials_are_told_and_never_tried(broker: EmbeddedKafka) -> None:
    """Another process was refused: it is said, with what to do, and the gate has the same records as before."""
    made = settings(broker.bootstrap, **ACCOUNT)
    assert made.app_key is not None
    pair = pair_of(made.vendor_url, made.app_key, str(made.partner_id), made.partner_secrets[0])
    async with KafkaGate(broker.bootstrap, "executor-0") as gate:
        await gate.settle(await gate.claim(pair), Outcome.REFUSED, 10001)
    before = await everything(broker.bootstrap)
    found = await looked(made, Component.SWEEP)
    assert await everything(broker.bootstrap) == before
    (finding,) = found["credentials"].findings
    assert (finding.status, "refused the credentials" in finding.what) == (Status.WRONG, True), finding
    assert "TXPUSH_PARTNER_SECRETS" in finding.remedy
    assert (found["vendor"].status, "http://127.0.0.1:1" in words(found["vendor"])) == (Status.WRONG, True)


async def test_a_clock_of_its_own_is_for_this_cluster(broker: EmbeddedKafka) -> None:
    """An embedded cluster takes it, and lag is told by it."""
    day = timedelta(days=1)
    started = WallClock().now()
    text = f"{(started - day).isoformat().replace('+00:00', 'Z')},{started.isoformat().replace('+00:00', 'Z')},1"
    found = await looked(settings(broker.bootstrap, clock=text), Component.BRIDGE)
    assert found["cluster"].status is Status.OK, words(found["cluster"])


async def test_a_missing_topic_is_told(broker: EmbeddedKafka) -> None:
    """With the command that makes it; the last test of this module, as nobody makes it again."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.delete_topics([ALL_TOPICS[-1]])
    await admin.close()
    deadline = time.monotonic() + 60
    while first(checked := (await looked(settings(broker.bootstrap), Component.BRIDGE))["topics"]).status is Status.OK:
        assert time.monotonic() < deadline
    finding = first(checked)
    assert (finding.status, finding.what, finding.remedy) == (
        Status.WRONG,
        f"topic {ALL_TOPICS[-1]} is missing",
        "run `txpush topics apply`",
    )
