"""What a fold lets in: whose record it is, and whether it lies where its key belongs."""

from random import Random

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.audit import DeadLetterReason
from schemas.cloudevents import UnreadableRecord, to_headers
from schemas.events import Event, EventType, Source
from streams.fold.intake import EVENT_SOURCES, Intake, partition_of
from tests.unit.fold.build import (
    CUSTOMERS,
    PARTITION,
    PARTITIONS,
    POLICY,
    START,
    STRANGER,
    LogRecord,
    activated,
    connected,
    deleted,
    event,
    looked,
    record,
    tick,
)

INTAKE = Intake(EVENT_SOURCES, PARTITIONS)

DATA = {
    EventType.ACCOUNT_MODIFIED: looked(CUSTOMERS[0], 0, START).data,
    EventType.ACCOUNT_DELETED: deleted(CUSTOMERS[0], START).data,
    EventType.ACCOUNT_OBSERVED: looked(CUSTOMERS[0], 0, START).data,
    EventType.POLICY_ACTIVATED: activated(START, POLICY).data,
    EventType.CLOCK_TICK: tick(START).data,
    EventType.SNAPSHOT_MARKED: {},
    EventType.SNAPSHOT_TAKEN: {
        "offset": 4,
        "state_sha256": "0" * 64,
        "records": 1,
        "state_version": 1,
        "audit_head": "",
    },
    EventType.OPERATOR_OVERRIDE: {"action": "silence", "all": True, "who": "ops", "why": "a test"},
    EventType.CUSTOMER_FORGOTTEN: {"customerId": CUSTOMERS[0], "who": "ops", "why": "a test"},
    EventType.INCIDENT_OPENED: {
        "institution_id": "1",
        "code": 102,
        "sequence": 1,
        "opened_at": "2026-11-01T03:00:00Z",
        "logins_failing": 20,
        "logins_seen": 20,
    },
    "connect.done": connected(CUSTOMERS[0], "done", START).data,
}


def nobody(_key: str) -> bool:
    return False


def read(event_: Event, key: str | None = None) -> Event:
    return INTAKE.read(record(0, event_, key), PARTITION, nobody)


@pytest.mark.parametrize("partitions", [1, 3, 12, 7])
def test_keys_lie_where_kafka_puts_them(partitions: int) -> None:
    """The fold and the default partitioner of Kafka's clients agree on every key."""
    random, place = Random(1), DefaultPartitioner()  # noqa: S311 - the same keys every time
    keys = ["", "é", "customer/1", *(str(random.randrange(10**10)) for _ in range(500))]
    every = list(range(partitions))
    assert [partition_of(key, partitions) for key in keys] == [place(key.encode(), every, every) for key in keys]


def test_known_placements_hold() -> None:
    """Placement is for life: these keys were placed by Kafka's Java client (`Utils.murmur2`, its own test values)."""
    assert partition_of("21", 1 << 31) == -973932308 & 0x7FFFFFFF
    assert partition_of("foobar", 1 << 31) == -790332482 & 0x7FFFFFFF


def test_an_event_comes_back_as_it_was_written() -> None:
    """What the bridge wrote is what is decided on."""
    written = looked(CUSTOMERS[0], 185, START)
    assert read(written) == written


@pytest.mark.parametrize(
    ("event_type", "source"),
    [
        (EventType.ACCOUNT_MODIFIED, Source.EXECUTOR),
        (EventType.ACCOUNT_DELETED, Source.AGENT),
        (EventType.ACCOUNT_OBSERVED, Source.BRIDGE),
        (EventType.POLICY_ACTIVATED, Source.BRIDGE),
        (EventType.CLOCK_TICK, Source.BRIDGE),
        ("connect.done", Source.OPERATOR),
        ("operator.override", Source.BRIDGE),
        ("customer.forgotten", Source.AGENT),
        (EventType.SNAPSHOT_TAKEN, Source.AGENT),
        ("institution.incident.opened", Source.AGENT),
        ("of.a.later.version", "/somebody/else"),
    ],
)
def test_a_source_sends_only_what_is_its_own(event_type: str, source: str) -> None:
    """A record of a type that its source may not send is set aside, with the sources that may."""
    strange = event(event_type, START, DATA.get(event_type, {}), CUSTOMERS[0], source)
    with pytest.raises(UnreadableRecord, match="may not send") as refused:
        read(strange)
    assert refused.value.reason is DeadLetterReason.SOURCE_NOT_ALLOWED


@pytest.mark.parametrize("source", [Source.BRIDGE, Source.SWEEP])
def test_a_sweep_may_tell_of_a_deletion_too(source: Source) -> None:
    """A deletion that the vendor told once, and nobody heard, can only come from whoever compares (R12)."""
    told = event(EventType.ACCOUNT_DELETED, START, DATA[EventType.ACCOUNT_DELETED], CUSTOMERS[0], source)
    assert read(told) == told


def test_a_stranger_is_not_quoted() -> None:
    """The dead letter says which source may send a type, and repeats nothing of what a stranger wrote into the log."""
    strange = event("Carla Canary", START, {"n": 1}, CUSTOMERS[0], "/canary")
    with pytest.raises(
        UnreadableRecord, match="an unknown source may not send this type: /remediation/agent, "
    ) as refused:
        read(strange)
    assert "anary" not in str(refused.value)


@pytest.mark.parametrize("source", Source)
def test_types_of_later_versions_may_come_from_any_of_ours(source: Source) -> None:
    """A type that this version does not know passes when one of our components sent it."""
    assert read(event("of.a.later.version", START, {"n": 1}, CUSTOMERS[0], source)).data == {"n": 1}


def test_a_key_of_another_partition_is_refused() -> None:
    """A record under a key that Kafka would have put elsewhere is set aside, and it says where it belongs."""
    with pytest.raises(UnreadableRecord, match=f"key {STRANGER} belongs to partition") as refused:
        read(looked(STRANGER, 0, START))
    assert refused.value.reason is DeadLetterReason.WRONG_PARTITION


def test_a_known_key_is_not_placed_again() -> None:
    """The state vouches for a key that has been placed before."""
    read_anyway = INTAKE.read(record(0, looked(STRANGER, 0, START)), PARTITION, lambda key: key == STRANGER)
    assert read_anyway.partition_key == STRANGER


def test_a_tick_needs_no_key() -> None:
    """What is about a partition as a whole has no key."""
    assert read(tick(START)).partition_key is None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (LogRecord(0, 0, b"k", b"{}", ()), DeadLetterReason.NOT_A_CLOUD_EVENT),
        (LogRecord(0, 0, b"\xff", b"{}", to_headers(tick(START))), DeadLetterReason.BAD_TIME),
        (LogRecord(0, 2**62, b"k", b"{}", to_headers(tick(START))), DeadLetterReason.BAD_TIME),
    ],
)
def test_what_is_no_event_is_refused(broken: LogRecord, reason: DeadLetterReason) -> None:
    """A record without the attributes of an event, or with another time than its own, says why it is set aside."""
    with pytest.raises(UnreadableRecord) as refused:
        INTAKE.read(broken, PARTITION, nobody)
    assert refused.value.reason is reason
