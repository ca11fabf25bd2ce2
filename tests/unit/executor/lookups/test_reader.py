"""The reader of look-ups: acknowledged once answered, tried again in vain for a day at most, and held up by nothing."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.times import to_epoch_ms
from streams.kafka.log import LogUnavailable
from streams.subscribe.core import RawRecord
from streams.vendor import (
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    TryAgainError,
)
from tests.unit.executor.double import AT, CUSTOMER, snapshot
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


async def test_a_look_up_is_answered_and_acknowledged() -> None:
    """The accounts seen are on the log, and the group's offset is behind the look-up."""
    world = World()
    world.ask(lookup(A, B))
    await world.run()
    assert len(world.log.records) == 2
    assert world.topic.committed == {PLACE: 1}
    assert (world.count("answered"), world.value("observations")) == (1, 2)
    assert world.reader.problems() == world.reader.refusals() == []


async def test_what_is_gone_is_counted() -> None:
    """Nothing is answered, and it is not asked again."""
    world = World()
    world.vendor.accounts = {A: GoneError("gone")}
    world.ask(lookup(A))
    await world.run()
    assert (world.log.records, world.count("gone"), world.topic.committed) == ([], 1, {PLACE: 1})


@pytest.mark.parametrize(
    "failure",
    [TryAgainError("busy", after_seconds=0), TryAgainError("busy", after_seconds=9e9), LogUnavailable("away")],
)
async def test_what_may_pass_is_tried_again(failure: Exception) -> None:
    """Until it is answered; however long the vendor asks to wait, no pause is longer than the longest."""
    world = World()
    (world.log if isinstance(failure, LogUnavailable) else world.vendor).failures += [failure] * 5
    world.ask(lookup(A))
    await world.run()
    assert (world.count("answered"), world.value("lookup_retries")) == (1, 5)


async def test_a_try_that_takes_too_long_is_made_again() -> None:
    """Whatever it hangs on."""
    world = World(replace(QUICK, answer_seconds=0.001))
    world.vendor.hold = asyncio.Event()
    world.ask(lookup(A))
    running = asyncio.create_task(world.run())
    await until(lambda: world.value("lookup_retries") > 1)
    world.vendor.hold.set()
    await running
    assert world.count("answered") == 1


@pytest.mark.parametrize(
    "failure", [AggregationFailedError(185), InvalidRequestError("field", code=10005), KeyError("Jane Doe")]
)
async def test_what_is_hopeless_is_given_up(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted and its place is logged, without what an unexpected error says; the next one is answered."""
    world = World()
    world.vendor.failures = [failure]
    world.ask(lookup(A))
    world.ask(lookup(B))
    with caplog.at_level(logging.ERROR):
        await world.run()
    assert (world.count("failed"), world.count("answered"), world.topic.committed) == (1, 1, {PLACE: 2})
    assert "remediation.lookup/0/0" in caplog.text
    assert "Jane" not in caplog.text


async def test_what_cannot_be_read_is_passed_by(caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, its place is logged, its content is not."""
    world = World()
    world.ask(b'{"customer_id": "Jane Doe"}')
    world.ask(lookup(A))
    with caplog.at_level(logging.ERROR):
        await world.run()
    assert (world.value("unreadable_records"), world.count("answered"), world.topic.committed) == (1, 1, {PLACE: 2})
    assert "remediation.lookup/0/0 is no look-up" in caplog.text
    assert "Jane" not in caplog.text


async def test_nobody_waits_for_an_old_one() -> None:
    """After a day it is passed by, without asking the vendor; a day old to the second it is still answered."""
    world = World()
    world.ask(lookup(A), AT - timedelta(days=1, milliseconds=1))
    world.ask(lookup(B), AT - timedelta(days=1))
    await world.run()
    assert (world.count("too_old"), world.count("answered")) == (1, 1)
    assert world.vendor.asked == [("simple", CUSTOMER, B)]


async def test_trying_ends() -> None:
    """What fails again and again is given up when it is a day old."""
    world = World()
    world.vendor.accounts = {A: TryAgainError("busy", after_seconds=0)}
    world.ask(lookup(A))
    running = asyncio.create_task(world.run())
    await until(lambda: world.value("lookup_retries") > 2)
    world.clock.move(days=2)
    await running
    assert (world.count("too_old"), world.topic.committed) == (1, {PLACE: 1})


@pytest.mark.parametrize("refusal", [RefusedError("refused", code=10001), MisconfiguredError("no such key")])
async def test_a_refusal_stops_everything_but_a_try_now_and_then(refusal: Exception) -> None:
    """No more is read, readiness says why, and nothing is lost: after a reset all is answered."""
    source = EndlessSource([RawRecord(PLACE, n, lookup(A), ASKED_MS) for n in range(3)])
    world = World(source=source)
    world.vendor.accounts = {A: refusal}
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 2 and world.value("lookup_retries") > 5)
    (said,) = world.reader.refusals()
    assert "the vendor refuses us" in said
    assert source.committed == {}
    world.vendor.accounts = {A: snapshot(A)}
    await until(lambda: source.committed == {PLACE: 3})
    assert world.reader.refusals() == []
    await ended(running)


async def test_a_look_up_that_is_forbidden_stops_no_other() -> None:
    """HTTP 403 is of one account: it is tried now and then, all others are read and answered, and nobody is told."""
    source = EndlessSource([RawRecord(PLACE, n, lookup(B if n else A), ASKED_MS) for n in range(40)])
    world = World(replace(QUICK, refused_pause_seconds=3600.0), source)
    world.vendor.accounts[A] = MisconfiguredError("the vendor does not let us do this", status=403)
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered") == 39 and world.value("lookup_retries") > 2)
    assert (world.reader.refusals(), source.committed) == ([], {})
    world.vendor.accounts[A] = snapshot(A)
    await until(lambda: source.committed == {PLACE: 40})
    await ended(running)


async def test_many_that_are_forbidden_leave_room_for_the_others() -> None:
    """A number of them waits, each further one is a dead letter: else a few hundred would hold up all for a day."""
    source = EndlessSource([RawRecord(PLACE, n, lookup(B if n > 8 else A), ASKED_MS) for n in range(20)])
    world = World(replace(QUICK, max_in_hand=6, max_forbidden=4), source)
    world.vendor.accounts[A] = MisconfiguredError("the vendor does not let us do this", status=403)
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered") == 11)
    letters = [record for record in world.log.records if record.topic == "aggregation.dead-letter"]
    assert (world.count("failed"), len(letters), world.reader.in_hand) == (5, 5, 4)
    world.vendor.accounts[A] = snapshot(A)
    await until(lambda: source.committed == {PLACE: 20})
    assert world.count("answered") == 15
    await ended(running)


async def test_one_try_a_pause_while_refused() -> None:
    """However many look-ups wait, the vendor hears of one of them; the first has told, the others stay still."""
    source = EndlessSource([RawRecord(PLACE, n, lookup(A), ASKED_MS) for n in range(50)])
    world = World(replace(QUICK, refused_pause_seconds=3600.0, at_once=1), source)
    world.vendor.accounts = {A: RefusedError("refused")}
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 20)
    assert len(world.vendor.asked) == 1
    await ended(running)


async def test_a_refusal_longer_than_anybody_waits() -> None:
    """When all in hand have become too old, one that is new is read to try with: else nothing would ever end it."""
    source = EndlessSource(asked(2))
    world = World(source=source)
    world.vendor.accounts = {A: RefusedError("refused")}
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 2)
    world.clock.move(days=2)
    await until(lambda: source.committed == {PLACE: 2})
    world.vendor.accounts = {A: snapshot(A)}
    source.records.append(RawRecord(PLACE, 2, lookup(A), to_epoch_ms(world.clock.at)))
    await until(lambda: source.committed == {PLACE: 3})
    assert (world.count("too_old"), world.count("answered"), world.reader.refusals()) == (2, 1, [])
    await ended(running)
