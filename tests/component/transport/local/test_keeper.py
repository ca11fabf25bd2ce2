"""The keeper of a partition's state: what is committed gets to the disk, and trouble costs the file only."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from msgspec.structs import replace

from streams.clock import Clock
from streams.observe.labels import StateRefusal
from streams.transport.local import files, frames, keeper, pending
from streams.transport.local.frames import Changes, Contents
from streams.transport.local.head import Identity
from streams.transport.local.keeper import StateKeeper
from streams.transport.local.state import LocalState
from tests.component.transport.local.build import ACCOUNTS, IDENTITY, LOGINS, OFFSETS, STATE, locked, on_disk, written
from tests.unit.fold.build import START, Fixed
from tests.waiting import until

NOW_MS = int(START.timestamp() * 1000)
STARTS = dict.fromkeys(OFFSETS, 0)
SECONDS = 10.0


class Heard:
    """Metrics that are waited for."""

    def __init__(self) -> None:
        self.refused: list[StateRefusal] = []
        self.writes = 0
        self.changed = asyncio.Event()

    def state_refused(self, reason: StateRefusal) -> None:
        self.refused.append(reason)
        self.changed.set()

    def state_written(self, written_bytes: int, seconds: float) -> None:
        assert written_bytes >= 0 <= seconds
        self.writes += 1
        self.changed.set()

    async def next(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.changed.wait()
        self.changed.clear()


def identity(_partition: int) -> Identity:
    return IDENTITY


@pytest.fixture
def heard() -> Heard:
    return Heard()


def local(folder: Path, heard: Heard, clock: Clock | None = None) -> LocalState:
    """Give the folder of an application with one partition."""
    return LocalState(folder, identity, 1, heard, clock or Fixed())


def fresh(changes: Changes) -> Changes:
    """Copy changes: a keeper goes on to change those that it is given."""
    return {topic: dict(entries) for topic, entries in changes.items()}


@pytest.fixture
async def kept(tmp_path: Path, heard: Heard) -> AsyncIterator[StateKeeper]:
    """A keeper that has found nothing and begun with the state."""
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS, OFFSETS) is None
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    yield made
    await made.close()


async def found(
    folder: Path, heard: Heard, ends: dict[str, int] | None = None
) -> tuple[Contents, dict[str, int]] | None:
    """Look as the next start does."""
    made = StateKeeper(local(folder, heard), 3)
    try:
        return await made.find(STARTS, ends or dict.fromkeys(OFFSETS, 1000))
    finally:
        await made.close()


CHANGE: Changes = {ACCOUNTS: {"3/c": b"three"}}
DROP: Changes = {ACCOUNTS: {"2/b": None}, LOGINS: {}}


async def test_what_is_left_is_written_at_the_end(tmp_path: Path, heard: Heard, kept: StateKeeper) -> None:
    """An orderly end leaves everything that was committed, and the offsets that it has come to."""
    kept.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS + 5)
    head = await kept.close()
    assert head is not None
    assert (head.offsets, head.proven_ms) == (OFFSETS | {ACCOUNTS: 12}, NOW_MS + 5)
    state, offsets = await found(tmp_path, heard) or ({}, {})
    assert state[ACCOUNTS] == {**STATE[ACCOUNTS], "3/c": b"three"}
    assert offsets == OFFSETS | {ACCOUNTS: 12}
    assert heard.refused == [StateRefusal.MISSING]


async def test_it_is_written_beside_the_work(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch, kept: StateKeeper
) -> None:
    """Nobody has to ask: the state is on disk soon after it was committed, whoever is killed then."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    await kept.close()
    again = StateKeeper(local(tmp_path, heard), 3)
    assert await again.find(STARTS, OFFSETS)
    again.begin({}, OFFSETS, NOW_MS, is_all=False)
    await heard.next()
    again.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS)
    heard.changed.clear()
    await heard.next()
    assert b"3/c" in on_disk(tmp_path)
    await again.close()


async def test_what_was_dropped_leaves_the_disk_after_ten_minutes(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer that was forgotten, here or while somebody else had the partition, whatever restarts come between."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    clock = Later()
    written(tmp_path, STATE, proven_ms=NOW_MS)
    made = StateKeeper(local(tmp_path, heard, clock), 3)
    assert await made.find(STARTS, OFFSETS)
    assert b"2/b" in on_disk(tmp_path)
    made.begin(fresh(DROP), OFFSETS, NOW_MS, is_all=False)
    await heard.next()
    await made.close()
    assert b"two" in on_disk(tmp_path)
    clock.passed = timedelta(minutes=10)
    made = StateKeeper(local(tmp_path, heard, clock), 3)
    assert await made.find(STARTS, OFFSETS)
    made.begin({}, OFFSETS, NOW_MS, is_all=False)
    heard.changed.clear()
    await heard.next()
    await heard.next()
    assert b"2/b" not in on_disk(tmp_path)
    await made.close()


@pytest.mark.parametrize(("first", "last"), [(11, 20), (0, 9)])
async def test_offsets_outside_of_the_log_are_refused(tmp_path: Path, heard: Heard, first: int, last: int) -> None:
    """State from beyond the end of a changelog, or from before its beginning, is of another history."""
    written(tmp_path, STATE, proven_ms=NOW_MS)
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS | {ACCOUNTS: first}, {ACCOUNTS: last, LOGINS: 7}) is None
    assert heard.refused == [StateRefusal.OUTSIDE_LOG]
    await made.close()
    assert b"1/a" not in on_disk(tmp_path)


async def test_files_of_another_process_are_left_alone(tmp_path: Path, heard: Heard) -> None:
    """Where somebody else has the files the partition works without, and neither reads nor writes them."""
    written(tmp_path, STATE, proven_ms=NOW_MS)
    other, before = locked(tmp_path), on_disk(tmp_path)
    place = local(tmp_path, heard)
    made = StateKeeper(place, 3)
    assert await made.find(STARTS, OFFSETS) is None
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    made.committed({ACCOUNTS: {"1/a": None}}, {ACCOUNTS: 12}, NOW_MS)
    assert place.unkept == {3: "another process has it"}
    assert await made.close() is None
    assert place.unkept == {}
    other.unlock()
    assert on_disk(tmp_path) == before
    assert heard.refused == [StateRefusal.LOCKED]


async def test_a_disk_that_fails_costs_the_file(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch, kept: StateKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    """The work goes on, one line says so, and nothing is left that would grow old."""

    def full(_file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_to_disk", full)
    with caplog.at_level(logging.WARNING):
        assert await kept.close() is None
    assert heard.refused == [StateRefusal.MISSING, StateRefusal.NOT_WRITTEN]
    assert [record.message for record in caplog.records if "No space left on device" in record.message]
    assert await found(tmp_path, heard) is None


async def test_a_disk_that_is_too_slow_costs_the_file(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, kept: StateKeeper
) -> None:
    """What waits for the disk has a limit, in which a key counts once."""
    monkeypatch.setattr(pending, "LIMIT_BYTES", 500)
    heard.changed.clear()
    for number in range(30):
        kept.committed({ACCOUNTS: {"1/a": b"x" * 100}}, {ACCOUNTS: 20 + number}, NOW_MS)
    assert not kept.needs_proof()
    assert heard.refused == [StateRefusal.MISSING]
    kept.committed({ACCOUNTS: {"1/b": b"x" * 600}}, {ACCOUNTS: 60}, NOW_MS)
    await heard.next()
    assert heard.refused == [StateRefusal.MISSING, StateRefusal.NOT_WRITTEN]
    await until(lambda: "the disk takes less than is written" in kept._local.unkept.get(3, ""))
    await kept.close()
    assert kept._local.unkept == {}


async def test_it_goes_on_where_it_was_left(tmp_path: Path, heard: Heard, kept: StateKeeper) -> None:
    """A partition that comes back with its memory appends to its own files; without them it has to write all."""
    head = await kept.close()
    again = StateKeeper(local(tmp_path, heard), 3)
    assert await again.resume(head)
    again.begin({}, OFFSETS, NOW_MS, is_all=False)
    again.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS)
    assert await again.close()
    state, _ = await found(tmp_path, heard) or ({}, {})
    assert "3/c" in state[ACCOUNTS]
    assert not await StateKeeper(local(tmp_path, heard), 3).resume(head)


async def test_changes_alone_are_never_written_as_a_state(tmp_path: Path, heard: Heard) -> None:
    """Where the files are gone, what has changed since is not enough."""
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS, OFFSETS) is None
    made.begin(CHANGE, OFFSETS, NOW_MS, is_all=False)
    assert await made.close() is None
    assert await found(tmp_path, heard) is None


class Later:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return START + self.passed


async def test_a_quiet_partition_is_asked_for_proof(tmp_path: Path, heard: Heard) -> None:
    """Once in an hour without a transaction it has to show that it is still ours; that keeps the files young."""
    clock = Later()
    made = StateKeeper(local(tmp_path, heard, clock), 3)
    await made.find(STARTS, OFFSETS)
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    clock.passed = timedelta(hours=1)
    assert not made.needs_proof()
    clock.passed += timedelta(seconds=1)
    assert made.needs_proof()
    made.committed({}, {}, NOW_MS + 3_601_000)
    assert not made.needs_proof()
    head = await made.close()
    assert head is not None
    assert head.proven_ms == NOW_MS + 3_601_000


async def test_files_that_nobody_can_use_any_more_are_removed(tmp_path: Path, heard: Heard) -> None:
    """State of a partition that went elsewhere goes when it is too old: what was forgotten since is in it."""
    clock = Later()
    folder = local(tmp_path, heard, clock)
    made = StateKeeper(folder, 0)
    await made.find(STARTS, OFFSETS)
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    clock.passed = timedelta(hours=13)
    await folder.run(folder.remove_stale)
    await made.close()
    assert b"1/a" in on_disk(tmp_path)
    for_one = LocalState(tmp_path, identity, 4, heard, clock)
    await for_one.run(for_one.remove_stale)
    assert b"1/a" not in on_disk(tmp_path)


async def test_what_is_committed_while_a_write_is_under_way_is_not_lost(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that is given up during a write leaves with the rest written as well."""
    began, may_end, to_disk = threading.Event(), threading.Event(), files._to_disk

    def slow(file: BinaryIO) -> None:
        began.set()
        assert may_end.wait(SECONDS)
        to_disk(file)

    monkeypatch.setattr(files, "_to_disk", slow)
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.0)
    made = StateKeeper(local(tmp_path, heard), 3)
    await made.find(STARTS, OFFSETS)
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    assert await asyncio.to_thread(began.wait, SECONDS)
    made.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS)
    closing = asyncio.create_task(made.close())
    await asyncio.sleep(0)
    may_end.set()
    head = await closing
    assert head is not None
    assert head.offsets[ACCOUNTS] == 12
    assert b"3/c" in on_disk(tmp_path)


async def test_a_partition_does_not_wait_for_a_slow_disk(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its limit a last write goes on alone, and what is on disk does not count as what is in memory."""
    may_end, to_disk = threading.Event(), files._to_disk

    def slow(file: BinaryIO) -> None:
        assert may_end.wait(SECONDS)
        to_disk(file)

    monkeypatch.setattr(files, "_to_disk", slow)
    monkeypatch.setattr(keeper, "CLOSE_SECONDS", 0.01)
    made = StateKeeper(local(tmp_path, heard), 3)
    await made.find(STARTS, OFFSETS)
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    assert await made.close() is None
    may_end.set()
    await heard.next()
    await heard.next()
    assert heard.writes == 1


class Slow:
    """Has the next look through all values wait until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()
        self._read = frames.read_frames
        monkeypatch.setattr(files, "read_frames", self._slowly)

    def _slowly(self, file: BinaryIO, length: int, digest: bytes) -> Iterator[Changes]:
        for frame in self._read(file, length, digest):
            self.has_begun.set()
            assert self.may_go_on.wait(SECONDS)
            yield frame


async def rewriting(made: StateKeeper, clock: Later, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Have a keeper begin ten minutes after a drop, and give its rewrite, which is under way and waits."""
    slow = Slow(monkeypatch)
    clock.passed = timedelta(minutes=10)
    made.begin(fresh(DROP), OFFSETS, NOW_MS, is_all=False)
    assert await asyncio.to_thread(slow.has_begun.wait, SECONDS)
    return slow


async def test_who_gives_a_partition_up_waits_for_no_rewrite(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves off, and what was committed meanwhile is written to the files as they were."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    clock = Later()
    written(tmp_path, STATE, proven_ms=NOW_MS)
    made = StateKeeper(local(tmp_path, heard, clock), 3)
    assert await made.find(STARTS, OFFSETS)
    slow = await rewriting(made, clock, monkeypatch)
    made.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS)
    closing = asyncio.create_task(made.close())
    await asyncio.sleep(0)
    slow.may_go_on.set()
    head = await closing
    assert head is not None
    assert (head.offsets[ACCOUNTS], head.dropped_ms) == (12, NOW_MS)
    state, _ = await found(tmp_path, heard) or ({}, {})
    assert state[ACCOUNTS].keys() == {"1/a", "3/c"}


async def test_a_rewrite_holds_up_no_other_partition(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing what has changed goes on beside it."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    clock = Later()
    written(tmp_path, STATE, proven_ms=NOW_MS)
    folder = LocalState(tmp_path, lambda number: replace(IDENTITY, partition=number), 4, heard, clock)
    made, other = StateKeeper(folder, 3), StateKeeper(folder, 2)
    assert (await made.find(STARTS, OFFSETS) is None, await other.find(STARTS, OFFSETS)) == (False, None)
    other.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    await heard.next()
    slow = await rewriting(made, clock, monkeypatch)
    other.committed(CHANGE, {ACCOUNTS: 12}, NOW_MS)
    head = await other.close()
    assert head is not None
    assert head.offsets[ACCOUNTS] == 12
    slow.may_go_on.set()
    await made.close()


async def test_a_first_write_that_takes_too_long_is_left(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past its limit it leaves off at its next frame, and nothing is on disk: the next start reads the changelogs."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    monkeypatch.setattr(keeper, "CLOSE_SECONDS", 0.2)
    has_begun, payloads = threading.Event(), frames.payloads

    def slowly(changes: Changes) -> Iterator[bytes]:
        has_begun.set()
        while True:
            time.sleep(0.01)
            yield next(payloads(changes))

    monkeypatch.setattr(files, "payloads", slowly)
    made = StateKeeper(local(tmp_path, heard), 3)
    await made.find(STARTS, OFFSETS)
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    assert await asyncio.to_thread(has_begun.wait, SECONDS)
    assert await made.close() is None
    assert on_disk(tmp_path) == b""
    assert heard.refused == [StateRefusal.MISSING]
    assert locked(tmp_path)
