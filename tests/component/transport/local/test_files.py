"""State on disk: what was written comes back whole, or it is refused; what was dropped is gone."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.local import files as module
from streams.transport.local import frames
from streams.transport.local.files import Interrupted
from streams.transport.local.frames import Changes, Contents
from streams.transport.local.head import decode_head
from tests.component.transport.local.build import (
    ACCOUNTS,
    LOGINS,
    NOW_MS,
    OFFSETS,
    STATE,
    contents,
    locked,
    on_disk,
    read,
    written,
)
from tests.waiting import wait_until

ROOT = Path(__file__).parents[4]


def folded(changes: list[Changes]) -> Contents:
    """Give what all changes come to."""
    state: Contents = {topic: {} for topic in OFFSETS}
    for one in changes:
        for topic, entries in one.items():
            for key, value in entries.items():
                if value is None:
                    state[topic].pop(key, None)
                else:
                    state[topic][key] = value
    return state


@given(st.lists(contents, min_size=1, max_size=6), st.sampled_from([40, 1 << 20]), st.sampled_from([0, 1 << 60]))
def test_what_was_written_comes_back(changes: list[Changes], frame_bytes: int, erased_after_ms: int) -> None:
    """However changes follow each other, are cut into frames and are rewritten, the last of each key comes back."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patched:
        patched.setattr(frames, "FRAME_BYTES", frame_bytes)
        patched.setattr(module, "SPARE_BYTES", 100)
        patched.setattr(module, "ERASED_AFTER_MS", erased_after_ms)
        folder = Path(place)
        written(folder, *changes)
        state, offsets = read(folder)
    assert state == folded(changes)
    assert offsets == {topic: offset + 10 * (len(changes) - 1) for topic, offset in OFFSETS.items()}


@given(st.lists(contents, min_size=1, max_size=5))
def test_writing_goes_on_after_reading(changes: list[Changes]) -> None:
    """A process that has read the state writes on as the one before it would have."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        written(folder, STATE)
        for number, one in enumerate(changes, 1):
            files = locked(folder)
            files.load(files.examine(NOW_MS))
            files.write(one, {topic: offset + number for topic, offset in OFFSETS.items()}, NOW_MS)
            files.unlock()
        assert read(folder)[0] == folded([STATE, *changes])


def test_what_was_dropped_is_soon_gone_from_the_disk(folder: Path) -> None:
    """Ten minutes after a key was dropped no byte of its name or its values is left in any file, whoever reads on."""
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    files.write({ACCOUNTS: {"2/b": b"SECRET"}, LOGINS: {}}, OFFSETS, NOW_MS)
    assert b"SECRET" in on_disk(folder)
    files.write({ACCOUNTS: {"2/b": None}, LOGINS: {}}, OFFSETS, NOW_MS)
    files.write({ACCOUNTS: {"3/c": None}, LOGINS: {}}, OFFSETS, NOW_MS + 500_000)
    files.write({ACCOUNTS: {"3/c": b"three"}, LOGINS: {}}, OFFSETS, NOW_MS + 550_000)
    files.unlock()
    files = locked(folder)
    files.load(files.examine(NOW_MS + 550_000))
    assert [files.is_worth_rewriting(NOW_MS + ms) for ms in (0, 599_999, 600_000, -1)] == [False, False, True, True]
    files.rewrite()
    files.unlock()
    assert not files.is_worth_rewriting(NOW_MS + 600_000)
    assert not [trace for trace in (b"2/b", b"two", b"SECRET") if trace in on_disk(folder)]
    state, _ = read(folder, NOW_MS + 600_000)
    assert state == {ACCOUNTS: {"1/a": b"one", "3/c": b"three"}, LOGINS: {"1/l": b"\x00\xff"}}


def test_leftovers_of_a_kill_are_removed(folder: Path) -> None:
    """Data that a kill has left without a head, before or after it was replaced, does not outlive the next start."""
    for name in ("3.7.data", "3.9.data"):
        (folder / name).write_bytes(b"of somebody who was forgotten")
    (folder / "33.1.data").write_bytes(b"of another partition")
    read(folder)
    assert sorted(path.name for path in folder.glob("*.data")) == ["3.0.data", "33.1.data"]


def test_out_of_date_values_are_written_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that changes again and again takes no more room than what is spared, and a second of the state."""
    monkeypatch.setattr(module, "SPARE_BYTES", 300)
    changes: list[Changes] = [{ACCOUNTS: {"1/a": b"%04d" % n}, LOGINS: {}} for n in range(100)]
    written(tmp_path, STATE, *changes)
    assert len(on_disk(tmp_path)) < 1800
    assert read(tmp_path)[0][ACCOUNTS]["1/a"] == b"0099"


def test_only_its_owner_can_read_it(folder: Path) -> None:
    """The state names customers: neither group nor others may open it."""
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


@dataclass
class Full:
    """A disk without room from the `at`-th look on."""

    at: int

    def __call__(self, _file: object) -> None:
        self.at -= 1
        if self.at < 0:
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("value", [b"x", None])
def test_a_full_disk_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at: int, value: bytes | None
) -> None:
    """A write that fails, of the data or of the head, appended or whole, changes nothing that is read."""
    before = read(folder)
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    monkeypatch.setattr(module, "_to_disk", Full(at))
    with pytest.raises(OSError, match="No space"):
        files.write({ACCOUNTS: {"1/a": value}, LOGINS: {}}, OFFSETS, NOW_MS)
    monkeypatch.setattr(module, "_to_disk", Full(at))
    with pytest.raises(OSError, match="No space"):
        files.rewrite()
    files.unlock()
    assert read(folder) == before


def test_a_rewrite_that_is_interrupted_leaves_what_was_there(folder: Path) -> None:
    """Whoever wants the files back does not wait for it; what has changed since is written all the same."""
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    files.interrupt()
    with pytest.raises(Interrupted):
        files.rewrite()
    files.write({ACCOUNTS: {"1/a": None}, LOGINS: {}}, OFFSETS, NOW_MS)
    files.unlock()
    assert [path.name for path in folder.glob("*.data")] == ["3.0.data"]
    assert read(folder)[0][ACCOUNTS] == {"2/b": b"two" * 50, "3/c": b"three"}


def test_a_first_write_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    """Half of a state is none."""
    files = locked(tmp_path)
    files.interrupt()
    with pytest.raises(Interrupted):
        files.write(STATE, OFFSETS, NOW_MS)
    assert [path.name for path in tmp_path.iterdir()] == ["3.lock"]


WRITER = """
import os, sys
from pathlib import Path
from tests.component.transport.local.build import ACCOUNTS, LOGINS, NOW_MS, locked

def write(folder):
    files, number = locked(folder), 0
    while True:
        number += 1
        value = None if number % 3 == 0 else b"%d" % number
        changes = {ACCOUNTS: {"last": b"%d" % number, "sometimes": value}, LOGINS: {str(number % 50): b"x" * 20_000}}
        files.write(changes, {ACCOUNTS: number, LOGINS: number}, NOW_MS)
        if files.is_worth_rewriting(NOW_MS + 600_000):
            files.rewrite()

for line in sys.stdin:
    if not (child := os.fork()):
        write(Path(line.strip()))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""
"""Starts a writer in each folder that it is told, and tells when it is dead."""


def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path: Path) -> None:
    """SIGKILL among appended and whole writes: what is read is one of the states that were written, none in between."""
    random, seen = Random(5), set[int]()  # noqa: S311 - moments
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WRITER], cwd=ROOT, **pipes) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for writes in (*range(1, 25, 3), 60, 120):  # the last two are later than what a busy disk makes of the others
            folder = tmp_path / str(writes)
            writers.stdin.write(f"{folder}\n")
            writers.stdin.flush()
            child = int(writers.stdout.readline())
            wait_until(partial(_has_written, folder, writes))
            time.sleep(random.random() / 50)  # the moment is what is tried, not what is waited for
            os.kill(child, signal.SIGKILL)
            assert writers.stdout.readline() == "gone\n"
            seen.add(_number_of_a_whole_state(folder))
        writers.stdin.close()
    assert len(seen) > 3


def _has_written(folder: Path, times: int) -> bool:
    head = folder / "3.head"
    return head.exists() and decode_head(head.read_bytes()).offsets[ACCOUNTS] >= times


def _number_of_a_whole_state(folder: Path) -> int:
    state, offsets = read(folder)
    number = offsets[ACCOUNTS]
    assert state[ACCOUNTS]["last"] == b"%d" % number
    assert state[ACCOUNTS].get("sometimes") == (None if number % 3 == 0 else b"%d" % number)
    assert len(state[LOGINS]) == min(number, 50)
    return number


def test_files_are_resumed_only_as_they_were_left(folder: Path) -> None:
    """A worker goes on with its own files; with others under the same name it does not."""
    files = locked(folder)
    files.load(files.examine(NOW_MS))
    left = files.head
    files.unlock()
    assert left is not None
    files = locked(folder)
    assert files.resume(left)
    files.load(files.examine(NOW_MS))
    files.write({ACCOUNTS: {"5/e": b"5"}, LOGINS: {}}, OFFSETS, NOW_MS)
    files.unlock()
    again = locked(folder)
    assert not again.resume(left)
    again.unlock()
