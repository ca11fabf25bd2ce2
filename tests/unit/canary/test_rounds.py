"""Rounds of canaries: one through each partition, whatever the bridge says, and only what was sent counts when seen."""

import asyncio
import logging

import orjson
import pytest
from prometheus_client import CollectorRegistry

from schemas.canary import CANARY_TOPIC, CanarySeen
from schemas.vendor import valid_identifier
from streams.canary import rounds
from streams.canary.meters import CanaryMeters
from streams.canary.rounds import LATE_SECONDS, REMEMBERED, Rounds, customers_of
from streams.fold.intake import partition_of
from streams.kafka.view import ViewRecord
from streams.observe.metrics import Instruments

PARTITIONS = 3
HOUR = 3600


class Bridge:
    """Answers every canary in the same way, never without a status, and keeps it."""

    def __init__(self, status: int | Exception | None) -> None:
        self.status = status
        self.got: list[dict[str, str]] = []

    async def post(self, event: bytes) -> int:
        self.got.append(orjson.loads(event)["data"])
        if isinstance(self.status, Exception):
            raise self.status
        if self.status is None:
            await asyncio.Event().wait()
        return self.status or 0


class World:
    """Rounds, a bridge, and what the metrics say."""

    def __init__(self, status: int | Exception | None = 200) -> None:
        self.bridge, self.registry = Bridge(status), CollectorRegistry()
        self.has_read = True
        meters = CanaryMeters(Instruments("canary", self.registry))
        self.rounds = Rounds(customers_of(PARTITIONS), self.bridge.post, meters, lambda: self.has_read)

    def send(self) -> None:
        asyncio.run(self.rounds.send())

    def see(self, canary_id: str, partition: int, at: float = 0) -> None:
        seen = CanarySeen(canary_id=canary_id, customer_id="canary-0", event_id="e").model_dump_json().encode()
        self.rounds.hear(ViewRecord(CANARY_TOPIC, partition, 0, None, seen, round(at * 1000)))

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"txpush_canary_{name}", labels)


class Passing:
    """The module `time`, as long as a test wants it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """Give a clock that goes when it is told to."""
    clock = Passing()
    monkeypatch.setattr(rounds, "time", clock)
    return clock


@pytest.mark.parametrize("partitions", [1, 3, 12])
def test_customers(partitions: int) -> None:
    """One a partition, in their order; none can be a customer of the vendor's."""
    customers = customers_of(partitions)
    assert [partition_of(customer, partitions) for customer in customers] == list(range(partitions))
    assert all(valid_identifier(customer) and not customer.isdecimal() for customer in customers)


def test_what_comes_through() -> None:
    """It is timed, once; its partition is alive."""
    world = World()
    world.send()
    before = world.value("last_success_timestamp_seconds", partition="1")
    canary_id = world.bridge.got[1]["canary_id"]
    world.see(canary_id, 1)
    world.see(canary_id, 1)
    after = world.value("last_success_timestamp_seconds", partition="1")
    assert before is not None
    assert after is not None
    assert after > before
    assert world.value("round_trip_seconds_count") == 1
    assert world.value("sent_total", outcome="accepted") == PARTITIONS


def test_what_was_not_sent_is_not_timed() -> None:
    """Canaries of another process, of another partition, and those of too long ago."""
    world = World()
    for _ in range(REMEMBERED + 1):
        world.send()
    first = world.bridge.got[0]["canary_id"]
    for canary_id, partition in ((first, 0), (world.bridge.got[-1]["canary_id"], 0), ("stranger", 1)):
        world.see(canary_id, partition)
    assert world.value("round_trip_seconds_count") == 0


def test_what_was_sent_some_rounds_ago_counts() -> None:
    """A backlog is worked off in minutes: as many as are remembered have their times."""
    world = World()
    for _ in range(REMEMBERED):
        world.send()
    world.see(world.bridge.got[0]["canary_id"], 0)
    assert world.value("round_trip_seconds_count") == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(503, "refused"), (401, "refused"), (OSError("gone"), "unanswered"), (TimeoutError(), "unanswered")],
)
def test_a_bridge_that_does_not_take_it(
    status: int | Exception, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and told, and the others of the round are sent all the same."""
    world = World(status)
    with caplog.at_level(logging.WARNING):
        world.send()
    assert world.value("sent_total", outcome=outcome) == PARTITIONS
    assert len(caplog.records) == PARTITIONS


@pytest.mark.parametrize(
    ("status", "told"),
    [(404, "set TXPUSH_CALLERS_FILE there"), (401, "TXPUSH_CANARY_TOKEN"), (403, 'types = ["canary.sent"]')],
)
def test_what_a_setting_would_mend_is_said(
    status: int, told: str, caplog: pytest.LogCaptureFixture, passing: Passing
) -> None:
    """Log and readiness name what to set at the bridge, until it takes a canary."""
    world = World(status)
    world.send()
    passing.now += LATE_SECONDS + 1
    assert all(f"answered {status}" in line and told in line for line in caplog.messages)
    assert all(f"answers {status}" in line and told in line for line in world.rounds.late())
    assert len(caplog.messages) == len(world.rounds.late()) == PARTITIONS
    world.bridge.status = 200
    world.send()
    assert not any(told in line for line in world.rounds.late())


def test_a_bridge_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round has an end, and what nobody answered is counted."""
    monkeypatch.setattr(rounds, "ANSWER_SECONDS", 0.01)
    world = World(None)
    asyncio.run(asyncio.wait_for(world.rounds.send(), 5))
    assert world.value("sent_total", outcome="unanswered") == PARTITIONS


def test_partitions_that_are_late(passing: Passing) -> None:
    """Each is named, with how long it has been silent; none is before its time, and none whose canary came through."""
    world = World()
    passing.now += LATE_SECONDS
    assert world.rounds.late() == []
    world.send()
    world.see(world.bridge.got[1]["canary_id"], 1)
    passing.now += 1
    assert [line.split(";")[0] for line in world.rounds.late()] == [
        f"no canary of partition {partition} has come through for 181 s" for partition in (0, 2)
    ]


def test_a_restart_makes_no_silence_younger(passing: Passing) -> None:
    """Once the topic is read, a partition's age is that of its last canary, of whichever process; else of the start."""
    world, began = World(), passing.now
    world.has_read = False
    for age in (7200, 3600):
        world.see("of the process before", 0, began - age)
    assert world.value("last_success_timestamp_seconds", partition="0") == began
    world.has_read = True
    assert world.value("last_success_timestamp_seconds", partition="0") == began - 3600
    assert world.value("last_success_timestamp_seconds", partition="1") == began
    assert [line.split(";")[0] for line in world.rounds.late()] == [
        "no canary of partition 0 has come through for 3600 s"
    ]
    passing.now += 5
    world.send()
    world.see(world.bridge.got[0]["canary_id"], 0)
    assert world.value("last_success_timestamp_seconds", partition="0") == passing.now
    assert world.rounds.late() == []


def test_a_canary_of_another_clock_is_not_younger_than_now(passing: Passing) -> None:
    """Nor older than one that has come through already."""
    world = World()
    world.see("of a clock that is ahead", 0, passing.now + HOUR)
    assert world.rounds.last(0) == passing.now
    world.see("of long ago", 0, passing.now - HOUR)
    assert world.rounds.last(0) == passing.now
