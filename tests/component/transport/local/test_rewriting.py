"""Files that are rid of what is out of date: ten minutes after a drop, beside everything else, and in nobody's way."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from msgspec.structs import replace

from streams.observe.labels import StateRefusal
from streams.transport.local import files, frames, keeper, pending
from streams.transport.local.frames import Changes
from streams.transport.local.keeper import StateKeeper
from streams.transport.local.state import LocalState
from tests.component.transport.local.build import ACCOUNTS, IDENTITY, OFFSETS, STATE, locked, on_disk, written
from tests.component.transport.local.keeping import (
    CHANGE,
    DROP,
    NOW_MS,
    SECONDS,
    STARTS,
    Heard,
    Later,
    found,
    fresh,
    local,
)
from tests.waiting import until


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


async def test_rewrites_take_a_part_of_the_time(tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is out of date, the next one waits many times as long as the last took; writing does not."""
    written(tmp_path, STATE, proven_ms=NOW_MS)
    write, rewrite = StateKeeper._write, files.PartitionFiles.rewrite
    steps: list[str] = []

    async def noted_write(made: StateKeeper, state: pending.Pending) -> float:
        steps.append("write")
        return await write(made, state)

    def noted_rewrite(state: files.PartitionFiles) -> int:
        steps.append("rewrite")
        monkeypatch.setattr(keeper, "IDLE_FACTOR", 1e9)
        return rewrite(state)

    monkeypatch.setattr(keeper, "WRITE_SECONDS", 0.001)
    monkeypatch.setattr(StateKeeper, "_write", noted_write)
    monkeypatch.setattr(files.PartitionFiles, "rewrite", noted_rewrite)
    monkeypatch.setattr(files.PartitionFiles, "is_worth_rewriting", lambda *_: True)
    made = StateKeeper(local(tmp_path, heard), 3)
    assert await made.find(STARTS, OFFSETS)
    made.begin({}, OFFSETS, NOW_MS, is_all=False)
    await until(lambda: steps.count("write") > 10)
    await made.close()
    assert steps.count("rewrite") == 1


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
