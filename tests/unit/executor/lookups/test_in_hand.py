"""What a reader of look-ups has in hand: its limits, what it gives up, and Kafka that is away."""

import asyncio
import logging
from dataclasses import replace

import pytest

from streams.kafka.refusals import LOOK_AT_BROKERS
from streams.subscribe.core import RawRecord
from streams.subscribe.errors import KafkaUnavailableError, TopicMissingError
from streams.subscribe.sources.base import SourceUnavailableError
from streams.vendor import TryAgainError
from tests.unit.executor.double import snapshot
from tests.unit.executor.lookups.build import (
    ASKED_MS,
    PLACE,
    QUICK,
    A,
    B,
    EndlessSource,
    World,
    asked,
    ended,
    lookup,
    until,
)


async def test_one_that_waits_holds_up_no_other() -> None:
    """Those behind it are answered; the offset stays before it until it is."""
    source = EndlessSource([*asked(1), RawRecord(PLACE, 1, lookup(B), ASKED_MS)])
    world = World(source=source)
    world.vendor.accounts = {A: TryAgainError("busy", after_seconds=0), B: snapshot(B)}
    assert world.last_done() == 0
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered") == 1)
    assert world.last_done()
    assert (source.committed, world.reader.in_hand) == ({}, 1)
    world.vendor.accounts[A] = snapshot(A)
    await until(lambda: source.committed == {PLACE: 2})
    await ended(running)
    assert source.is_stopped


async def test_the_hand_has_a_limit() -> None:
    """Past it reading pauses, and goes on when there is room."""
    source = EndlessSource(asked(12))
    world = World(replace(QUICK, max_in_hand=5), source)
    world.vendor.hold = asyncio.Event()
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 3)
    assert world.reader.in_hand == 5
    world.vendor.hold.set()
    await until(lambda: source.committed == {PLACE: 12})
    await ended(running)


async def test_only_a_few_at_once() -> None:
    """The vendor is asked for so many at a time."""
    source = EndlessSource(asked(10))
    world = World(replace(QUICK, at_once=2), source)
    world.vendor.hold = asyncio.Event()
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.in_hand == 10)
    assert len(world.vendor.asked) == 2
    await ended(running)


async def test_a_partition_that_goes_to_another() -> None:
    """What is in hand there is let go at once, and nothing of it is committed by us."""
    source = EndlessSource(asked(3))
    world = World(source=source)
    world.vendor.hold = asyncio.Event()
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.in_hand == 3)
    await source.revoke([PLACE])
    world.vendor.hold.set()
    await until(lambda: not world.reader._tasks)
    assert (world.reader.in_hand, source.committed, world.log.records) == (0, {}, [])
    await ended(running)


@pytest.mark.parametrize(("step", "times_said"), [("poll", 1), ("commit", 3)])
async def test_kafka_away(
    step: str, times_said: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, waited for, and read again from where the group is; nothing is passed by.

    A failed commit lets reading go on in between, so it is said anew.
    """
    monkeypatch.setattr("streams.executor.lookups.reader.OUTAGE_PAUSE_SECONDS", 0.001)
    source = EndlessSource(asked(3))
    source.failures = {step: [SourceUnavailableError("away")] * 3}
    world = World(source=source)
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(world.run())
        await until(lambda: world.reader.problems() == [f"look-ups cannot be read: away; {LOOK_AT_BROKERS}"])
        await until(lambda: source.committed == {PLACE: 3} and not world.reader.problems())
    assert caplog.text.count("look-ups cannot be read") == times_said
    assert source.sought[:2] == [{PLACE: 0}, {PLACE: 0}]
    await ended(running)


@pytest.mark.parametrize("error", [KafkaUnavailableError("no answer"), TopicMissingError("not there")])
async def test_a_start_without_kafka(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for."""
    monkeypatch.setattr("streams.executor.lookups.reader.OUTAGE_PAUSE_SECONDS", 0.001)
    source = EndlessSource(asked(1))
    source.failures = {"start": [error] * 3}
    world = World(source=source)
    (waits,) = world.reader.problems()
    assert waits.startswith("look-ups are not read yet; wait")
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.problems() == [f"{error}; {LOOK_AT_BROKERS}"])
    await until(lambda: source.committed == {PLACE: 1})
    await ended(running)


async def test_a_source_that_stays_broken_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that another of its name has fenced never works again: it is stopped, and a new one joins."""
    monkeypatch.setattr("streams.executor.lookups.reader.OUTAGE_PAUSE_SECONDS", 0.001)
    source = EndlessSource(asked(1))
    source.failures = {"poll": [SourceUnavailableError("fenced")] * 3}
    world = World(replace(QUICK, source_failures=3), source)
    running = asyncio.create_task(world.run())
    await until(lambda: source.is_stopped)
    await until(lambda: source.committed == {PLACE: 1})
    assert source.starts == 2
    await ended(running)
