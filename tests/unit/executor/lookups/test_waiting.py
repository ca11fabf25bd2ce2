"""Look-ups that wait for an institution in trouble: they have a part of what is in hand, and all others go on."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import orjson
import pytest

from schemas.commands import LookupAction
from streams.executor.settings import LookupSettings
from streams.kafka.log import LogError, LogRecord
from streams.subscribe.core import RawRecord
from streams.vendor import TryAgainError
from tests.unit.executor.double import snapshot
from tests.unit.executor.lookups.build import ASKED_MS, PLACE, QUICK, A, EndlessSource, World, ended, lookup, until

BAD, GOOD, UNKNOWN = "7100000185", "7100000007", "7100000103"
INSTITUTIONS: dict[str | None, str] = {BAD: "102105", GOOD: "102106"}
LATER = TryAgainError("the vendor has trouble", after_seconds=0, status=503)


def verify(login: str, count: int) -> list[bytes]:
    """Give look-ups of a login."""
    return [lookup(action=LookupAction.VERIFY, login=login)] * count


def records(values: Collection[bytes]) -> list[RawRecord]:
    """Give them as they lie on the topic."""
    return [RawRecord(PLACE, number, value, ASKED_MS) for number, value in enumerate(values)]


def world_of(
    values: Collection[bytes], settings: LookupSettings = QUICK, trouble: TryAgainError = LATER
) -> tuple[World, EndlessSource]:
    """Give a reader of look-ups, where one institution is in trouble and one is well."""
    source = EndlessSource(records(values))
    world = World(settings, source)
    world.institutions = INSTITUTIONS
    world.vendor.logins = {BAD: trouble, GOOD: [snapshot(A, GOOD)]}
    return world, source


def in_turns(count: int) -> list[bytes]:
    """Give look-ups of the two institutions in turns, so many of each."""
    return [one for pair in zip(verify(BAD, count), verify(GOOD, count), strict=True) for one in pair]


def hanging(world: World) -> list[int]:
    """Have calls about all other logins than the good one hang; gives how many were under way by each call."""
    hang, asking = asyncio.Event(), 0
    under_way: list[int] = []

    async def login_accounts(_customer: str, login: str) -> object:
        nonlocal asking
        if login == GOOD:
            return [snapshot(A, GOOD)]
        asking += 1
        under_way.append(asking)
        try:
            await hang.wait()
        finally:
            asking -= 1
        return []

    world.vendor.login_accounts = login_accounts  # type: ignore[method-assign, assignment]
    return under_way


def letters(world: World) -> list[dict[str, str]]:
    """Give the dead letters."""
    return [orjson.loads(one.value or b"") for one in world.log.records if one.topic == "aggregation.dead-letter"]


async def test_more_than_a_hand_of_one_institution_stop_no_other() -> None:
    """They wait beside the hand; all others are answered, and the offset stays before the first that waits."""
    world, source = world_of([*verify(BAD, 250), *verify(GOOD, 50)])
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 50)
    assert (world.reader.in_hand, world.reader.waiting, source.committed) == (250, 250, {})
    assert (world.reader.problems(), letters(world)) == ([], [])
    world.vendor.logins[BAD] = [snapshot(A, BAD)]
    await until(lambda: source.committed == {PLACE: 300})
    assert (world.count("answered", "verify"), letters(world)) == (300, [])
    await ended(running)


async def test_what_has_no_place_in_its_line_is_set_aside() -> None:
    """Half of what may wait is one institution's, once others are answered; each further one is a dead letter."""
    world, source = world_of(in_turns(30), replace(QUICK, max_in_hand=6, max_waiting=20))
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 30 and world.count("failed", "verify") > 0)
    await until(lambda: world.reader.in_hand == world.reader.waiting)
    assert 10 <= world.reader.waiting < 20
    assert world.count("failed", "verify") == len(letters(world)) == 30 - world.reader.waiting
    assert {one["detail"] for one in letters(world)} == {"too many look-ups wait for institution 102105 already"}
    world.vendor.logins[BAD] = [snapshot(A, BAD)]
    await until(lambda: source.committed == {PLACE: 60})
    await ended(running)


async def test_what_has_no_place_is_not_lost_where_kafka_refuses_its_letter() -> None:
    """It is tried again until the letter stands: until then it counts as nothing, and the offset stays before it."""
    world, source = world_of(in_turns(30), replace(QUICK, max_in_hand=6, max_waiting=20))
    send, refused = world.log.send_all, 0

    async def refusing(records: Sequence[LogRecord], deadline_seconds: float) -> None:
        nonlocal refused
        if records[0].topic == "aggregation.dead-letter" and refused < 10:
            refused += 1
            assert world.count("failed", "verify") == 0
            raise LogError("the broker refuses it")
        await send(records, deadline_seconds)

    world.log.send_all = refusing  # type: ignore[method-assign]
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 30 and world.count("failed", "verify") > 0)
    await until(lambda: world.reader.in_hand == world.reader.waiting)
    assert (refused, world.count("failed", "verify")) == (10, len(letters(world)))
    assert source.committed == {}
    await ended(running)


async def test_where_nobody_is_answered_nothing_is_set_aside() -> None:
    """Then it is the vendor: reading pauses when all places are taken, and says so until one is answered."""
    world, source = world_of([*verify(BAD, 30), *verify(GOOD, 30)], replace(QUICK, max_in_hand=6, max_waiting=20))
    world.vendor.logins[GOOD] = LATER
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 3)
    (said,) = world.reader.problems()
    assert "look-ups wait for the vendor, " in said
    assert "of them for institution 102105" in said
    assert "txpush sweep" in said
    assert (letters(world), source.committed, world.reader.in_hand <= 20 + 6) == ([], {}, True)
    world.vendor.logins = {BAD: [snapshot(A, BAD)], GOOD: [snapshot(A, GOOD)]}
    await until(lambda: source.committed == {PLACE: 60})
    assert (world.reader.problems(), world.count("answered", "verify"), letters(world)) == ([], 60, [])
    await ended(running)


async def test_a_wait_for_all_is_nobodys() -> None:
    """Where the vendor has all calls wait, as with HTTP 429, none takes a place: reading pauses at a full hand."""
    world, source = world_of(
        verify(BAD, 30), replace(QUICK, max_in_hand=6), TryAgainError("too many", after_seconds=0, is_of_all=True)
    )
    running = asyncio.create_task(world.run())
    await until(lambda: source.held > 3)
    assert (world.reader.waiting, world.reader.in_hand < 6 + 5) == (0, True)
    await ended(running)


async def test_a_slow_institution_has_one_try_at_a_time() -> None:
    """Its first look-ups take what they take; then one asks for all, and the others have the rest of the tries."""
    world, source = world_of([*verify(BAD, 40), *verify(GOOD, 40)], replace(QUICK, answer_seconds=0.02))
    under_way = hanging(world)
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 40)
    at = len(under_way)
    await until(lambda: len(under_way) > at + 5)
    assert (max(under_way[:at]), set(under_way[at + 1 :])) == (QUICK.at_once, {1})
    assert source.committed == {}
    await ended(running)


async def test_what_waits_for_its_turn_is_tried_for_a_day_at_most() -> None:
    """Those behind a call that hangs are passed by, once it has timed out, when they are too old."""
    world, _source = world_of(verify(BAD, 20), replace(QUICK, trouble_after=1, answer_seconds=0.05))
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.waiting == 20)
    world.vendor.hold = asyncio.Event()
    at = len(world.vendor.asked)
    await until(lambda: len(world.vendor.asked) > at)
    world.clock.move(days=2)
    await until(lambda: world.count("too_old", "verify") == 20)
    assert world.reader.in_hand == 0
    await ended(running)


async def test_those_read_before_the_trouble_was_known_join_the_line() -> None:
    """They stand before the slots already, where each would hold one for as long as a call may take."""
    settings = replace(QUICK, trouble_after=2, answer_seconds=0.02)
    world, _source = world_of([*verify(BAD, 60), *verify(GOOD, 10)], settings)
    under_way = hanging(world)
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 10)
    assert len(under_way) < 30
    await ended(running)


async def test_hanging_calls_of_no_known_institution_leave_slots() -> None:
    """They go on being new look-ups, as they may be of any institution; but all slots are not theirs."""
    values = [one for _ in range(12) for one in (*verify(UNKNOWN, 4), *verify(GOOD, 1))]
    world, _source = world_of(values, replace(QUICK, trouble_after=2, answer_seconds=0.02, longest_pause_seconds=0.01))
    under_way = hanging(world)
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.waiting >= QUICK.at_once * 2)
    at = len(under_way)
    await until(lambda: world.count("answered", "verify") == 12)
    assert max(under_way[at:], default=0) <= QUICK.at_once // 2 + 1
    await ended(running)


async def test_more_than_a_hand_of_no_known_institution_stop_no_other() -> None:
    """They wait beside the hand as well, and are tried one by one: reading goes on to what can be answered."""
    settings = replace(QUICK, answer_seconds=0.02, max_in_hand=20)
    world, _source = world_of([*verify(UNKNOWN, 100), *verify(GOOD, 20)], settings)
    under_way = hanging(world)
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 20)
    assert len(under_way) < 40
    assert (world.reader.problems(), letters(world)) == ([], [])
    await ended(running)


async def test_an_institution_that_answers_again_waits_for_none_that_is_not_known() -> None:
    """Its line has tries that those of no known institution cannot take."""
    world, _source = world_of([*verify(BAD, 10), *verify(UNKNOWN, 100)], replace(QUICK, answer_seconds=0.02))
    under_way, ask = hanging(world), world.vendor.login_accounts
    is_well = False

    async def login_accounts(customer: str, login: str) -> object:
        if login != BAD:
            return await ask(customer, login)
        if not is_well:
            raise LATER
        return [snapshot(A, BAD)]

    world.vendor.login_accounts = login_accounts  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.waiting >= 15)
    at, is_well = len(under_way), True
    await until(lambda: world.count("answered", "verify") == 10)
    assert len(under_way) < at + 30
    await ended(running)


async def test_one_of_no_known_institution_is_tried_before_those_that_failed() -> None:
    """It may be of any institution: behind many that hang it has its first try, and is answered."""
    settings = replace(QUICK, answer_seconds=0.02, longest_pause_seconds=0.01)
    world, _source = world_of([*verify(UNKNOWN, 20), *verify("7100000104", 1)], settings)
    asked: list[str] = []

    async def login_accounts(_customer: str, login: str) -> object:
        asked.append(login)
        if login == UNKNOWN:
            await asyncio.Event().wait()
        return [snapshot(A, login)]

    world.vendor.login_accounts = login_accounts  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(world.run())
    await until(lambda: world.count("answered", "verify") == 1)
    assert len(asked) < 60
    await ended(running)


async def test_a_line_goes_on_as_soon_as_its_institution_answers() -> None:
    """Each asks in its turn, one behind the other: none has to wait for its next pause because another was asking."""
    world, source = world_of(verify(BAD, 100), replace(QUICK, longest_pause_seconds=60.0))
    is_well = False

    async def login_accounts(_customer: str, _login: str) -> object:
        await asyncio.sleep(0.001)
        if not is_well:
            raise LATER
        return [snapshot(A, BAD)]

    world.vendor.login_accounts = login_accounts  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(world.run())
    await until(lambda: world.reader.waiting == 100)
    is_well = True
    await until(lambda: source.committed == {PLACE: 100})
    await ended(running)


@pytest.mark.parametrize("after", range(0, 60, 4))
async def test_a_kill_at_any_moment_loses_none(after: int) -> None:
    """Whoever reads on from the committed offset: each look-up is answered, or a dead letter, in one of the lives."""
    mixed, settings = [*verify(GOOD, 10), *in_turns(20)], replace(QUICK, max_in_hand=4, max_waiting=8)
    first, source = world_of(mixed, settings)
    running = asyncio.create_task(first.run())
    await until(lambda: source.committed)
    for _ in range(after):
        await asyncio.sleep(0)
    await ended(running)
    committed = source.committed[PLACE]
    assert first.count("answered", "verify") + first.count("failed", "verify") >= committed
    second, other = world_of(mixed, settings)
    other.committed = dict(source.committed)
    running = asyncio.create_task(second.run())
    await until(lambda: second.reader.in_hand == second.reader.waiting and other.at == 50)
    second.vendor.logins[BAD] = [snapshot(A, BAD)]
    await until(lambda: other.committed == {PLACE: 50})
    assert second.count("answered", "verify") + second.count("failed", "verify") == 50 - committed
    await ended(running)
