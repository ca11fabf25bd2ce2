"""The folder of the state: real files and real locks; only what a disk has room for is told by the test."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.doctor.checks import disk
from streams.doctor.findings import Finding, Status
from streams.doctor.plan import Check
from streams.doctor.run import _made
from streams.doctor.scope import Scope
from streams.kafka.topics import AGENT
from streams.settings import Settings
from streams.transport.local.files import PartitionFiles
from streams.transport.local.head import Identity

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


async def found(folder: Path | None) -> list[Finding]:
    """Look at a folder."""
    return list(await disk.look(Scope(Settings(partitions=3, state_dir=folder))))


def within(folder: Path) -> list[Path]:
    """Give what a folder has in it."""
    return list(folder.iterdir())


def files(folder: Path, partition: int) -> PartitionFiles:
    """Give the files of a partition as an agent has them."""
    return PartitionFiles(folder / AGENT, Identity("cluster", AGENT, partition, {}))


async def test_no_folder_is_no_fault() -> None:
    """State is then read from its changelogs."""
    (finding,) = await found(None)
    assert (finding.status, "TXPUSH_STATE_DIR is not set" in finding.what) == (Status.OK, True)


async def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    """A worker makes it; looking does not."""
    (finding,) = await found(tmp_path / "state" / "agent-0")
    assert (finding.status, within(tmp_path)) == (Status.OK, [])


async def test_a_place_that_takes_none_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its way, or a folder of another user, which root alone could write."""
    (tmp_path / "state").write_text("")
    (finding,) = await found(tmp_path / "state")
    assert (finding.status, finding.what) == (Status.WRONG, f"{tmp_path}/state is no folder")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    (finding,) = await found(tmp_path)
    assert (finding.status, finding.what) == (Status.WRONG, f"{tmp_path} cannot be written by this user")


async def test_a_file_system_that_hangs_holds_up_no_other_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at beside the others, and given up in the time of a check."""
    asked, answered = threading.Event(), threading.Event()

    def hang(_path: object) -> None:
        asked.set()
        answered.wait(120)

    monkeypatch.setattr(os, "statvfs", hang)
    checked = await _made(Check("disk", disk.look, seconds=0.1), Scope(Settings(partitions=3, state_dir=tmp_path)))
    assert (asked.is_set(), answered.is_set(), checked.status) == (True, False, Status.WARNING)
    answered.set()


async def test_a_place_that_nobody_may_look_at_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a folder of another user even whether it is there is not told; no broker has to do with it."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        (finding,) = await found(tmp_path / "state")
    assert finding.status is Status.WRONG
    assert finding.what == f"{tmp_path}/state cannot be looked at by this user (Permission denied)"
    assert "TXPUSH_STATE_DIR" in finding.remedy


@pytest.mark.parametrize(
    ("free", "status", "words"),
    [
        (1 << 40, Status.OK, "200 MiB of state in it"),
        (200 << 20, Status.OK, "200 MiB of state in it"),
        (199 << 20, Status.WARNING, "not enough for as much again"),
        (116 << 20, Status.WARNING, "not enough for as much again"),
        (115 << 20, Status.WARNING, "116 MiB may be needed at once"),
        (0, Status.WARNING, "116 MiB may be needed at once"),
    ],
)
async def test_room_is_compared_with_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: Status, words: str
) -> None:
    """A rewrite needs the largest partition once more, and 16 MiB; a full disk costs a restart time, no more."""
    (tmp_path / AGENT).mkdir()
    for partition in range(2):
        with (tmp_path / AGENT / f"{partition}.1.data").open("wb") as data:
            data.truncate(100 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=free, f_frsize=1))
    (finding,) = await found(tmp_path)
    assert (finding.status, finding.what.endswith(words)) == (status, True), finding


@contextmanager
def another(lock: Path) -> Iterator[int]:
    """Have another process hold a lock, and give its number."""
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "locked\n"
        yield process.pid
        process.stdin.close()


async def test_whose_it_is_is_told_and_the_lock_left_alone(tmp_path: Path) -> None:
    """The process that has the files is named; one that starts meanwhile gets its lock."""
    mine = files(tmp_path, 0)
    mine.lock()
    try:
        finding = (await found(tmp_path))[-1]
        assert (finding.status, finding.what) == (Status.OK, f"process {os.getpid()} has {AGENT}/0")
        other = files(tmp_path, 1)
        other.lock()
        other.unlock()
    finally:
        mine.unlock()
    (finding,) = await found(tmp_path)
    assert "process" not in finding.what


async def test_two_workers_in_one_folder_are_told(tmp_path: Path) -> None:
    """Each would find what the other has locked."""
    mine, theirs = files(tmp_path, 0), files(tmp_path, 1)
    theirs.lock()
    theirs.unlock()
    mine.lock()
    try:
        with another(tmp_path / AGENT / "1.lock") as pid:
            finding = (await found(tmp_path))[-1]
    finally:
        mine.unlock()
    assert (finding.status, "is shared" in finding.what) == (Status.WARNING, True), finding
    assert f"process {pid} has {AGENT}/1" in finding.what
