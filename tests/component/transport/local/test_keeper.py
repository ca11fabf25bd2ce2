"""The keeper of a partition's state: what is committed gets to the disk, and trouble costs the file only."""

import asyncio
import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from streams.observe.labels import StateRefusal
from streams.transport.local import files, keeper, pending
from streams.transport.local.keeper import StateKeeper
from streams.transport.local.state import LocalState
from tests.component.transport.local.build import ACCOUNTS, LOGINS, OFFSETS, STATE, locked, on_disk, written
from tests.component.transport.local.keeping import (
    CHANGE,
    NOW_MS,
    SECONDS,
    STARTS,
    Heard,
    Later,
    found,
    fresh,
    identity,
    local,
)
from tests.waiting import until


async def test_what_is_left_is_written_at_the_end(tmp_path: Path, heard: Heard, kept: StateKeeper) -> None:
    """An orderly end leaves everything that was committed, and the offsets that it has come to."""
    assert kept._local.unkept == {}, "a first start is no trouble"
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


@pytest.mark.parametrize(("first", "last"), [(11, 20), (0, 9)])
async def test_offsets_outside_of_the_log_are_refused(tmp_path: Path, heard: Heard, first: int, last: int) -> None:
    """State from beyond the end of a changelog, or from before its beginning, is of another history."""
    written(tmp_path, STATE, proven_ms=NOW_MS)
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS | {ACCOUNTS: first}, {ACCOUNTS: last, LOGINS: 7}) is None
    assert heard.refused == [StateRefusal.OUTSIDE_LOG]
    await made.close()
    assert b"1/a" not in on_disk(tmp_path)


async def test_what_is_kept_again_is_told_of_no_more(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State that could not be used is written anew, and then there is nothing to look at."""
    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    written(tmp_path, STATE, proven_ms=NOW_MS)
    place = local(tmp_path, heard)
    made = StateKeeper(place, 3)
    assert await made.find(STARTS | {ACCOUNTS: 11}, {ACCOUNTS: 20, LOGINS: 7}) is None
    assert place.unkept.keys() == {3}
    made.begin(fresh(STATE), OFFSETS, NOW_MS, is_all=True)
    await until(lambda: not place.unkept)
    await made.close()


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
    assert (heard.refused, kept._local.unkept) == ([StateRefusal.MISSING, StateRefusal.NOT_WRITTEN], {})
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
    assert kept._local.unkept == {3: keeper.TOO_SLOW}  # at once: a disk that hangs never says so itself
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
    assert await StateKeeper(made._local, 3).find(STARTS, OFFSETS) is None
    may_end.set()
    await heard.next()
    await heard.next()
    assert made._local.unkept == {3: "another process has it"}  # whose owner by now is not kept, whatever is written
    assert heard.writes == 1
