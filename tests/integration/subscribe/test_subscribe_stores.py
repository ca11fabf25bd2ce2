"""Stores on a disk: the contract, crashes in the middle of a write, and damage said in words."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from streams.subscribe import FileStore, MemoryStore, StoreCorruptError, StoreInUseError
from streams.subscribe.stores import file as file_module
from streams.subscribe.testing import StoreContractError, check_store

RAISE = """INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = max(number, excluded.number)"""


class SqliteStore:
    """What a service with a database of its own would write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._connected() as database:
            database.execute("CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, number INTEGER)")
            database.execute("CREATE TABLE IF NOT EXISTS owner (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT)")

    def claim(self, owner: str) -> str:
        """Let the first one stand."""
        with self._connected() as database, database:
            database.execute("INSERT OR IGNORE INTO owner VALUES (1, ?)", (owner,))
            return str(database.execute("SELECT name FROM owner").fetchone()[0])

    def read(self, names: Collection[str]) -> Mapping[str, int]:
        """Look the names up."""
        marks = ", ".join("?" * len(names))
        with self._connected() as database:
            return dict(database.execute(f"SELECT * FROM marks WHERE name IN ({marks})", list(names)).fetchall())  # noqa: S608 - question marks

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Raise them in one transaction."""
        with self._connected() as database, database:
            database.executemany(RAISE, numbers.items())

    def _connected(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self._path))


class AwaitedStore:
    """The same, awaited."""

    def __init__(self, path: Path) -> None:
        self._store = SqliteStore(path)

    async def claim(self, owner: str) -> str:
        """As above."""
        return self._store.claim(owner)

    async def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As above."""
        return self._store.read(names)

    async def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As above."""
        self._store.raise_to(numbers)


class Reopened:
    """A FileStore that is opened again as a restart would: its former self is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store: FileStore | None = None

    def __call__(self) -> FileStore:
        """Open it."""
        if self.store is not None:
            self.store.close()
        self.store = FileStore(self.path)
        return self.store


class ForgetfulStore(MemoryStore):
    """A store that lets a late writer win."""

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Set instead of raise."""
        self._numbers |= numbers


async def test_every_store_keeps_the_contract(tmp_path: Path) -> None:
    """One suite for the file, a user's database, the same awaited, and the one in memory."""
    opened = Reopened(tmp_path / "marks")
    await check_store(opened)
    opened().close()
    await check_store(lambda: SqliteStore(tmp_path / "plain.db"))
    await check_store(lambda: AwaitedStore(tmp_path / "awaited.db"))
    await check_store(MemoryStore, durable=False)


async def test_the_suite_finds_a_store_that_forgets() -> None:
    """A store that sets numbers lower, or forgets at a restart, does not pass."""
    with pytest.raises(StoreContractError, match="the highest that was given"):
        await check_store(ForgetfulStore, durable=False)
    with pytest.raises(StoreContractError, match="a restart finds the owner"):
        await check_store(MemoryStore)


def filled(path: Path) -> None:
    """Make a store with three lines after its header."""
    with FileStore(path) as store:
        store.claim("group mailer")
        for number in range(3):
            store.raise_to({f"acknowledged/{number}": number})


def test_a_file_cut_off_anywhere_keeps_its_whole_lines(tmp_path: Path) -> None:
    """A crash in the middle of a write costs that line alone, wherever it was cut."""
    path = tmp_path / "marks"
    filled(path)
    content = path.read_bytes()
    header = content.index(b"\n") + 1
    for length in range(header, len(content) + 1):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n") - 1
        with FileStore(path) as store:
            assert len(store.read([f"acknowledged/{number}" for number in range(3)])) == whole
            store.raise_to({"acknowledged/9": 9})
        with FileStore(path) as store:
            assert store.read(["acknowledged/9"]) == {"acknowledged/9": 9}


def sealed(body: bytes) -> bytes:
    """Give a line with the checksum that belongs to it."""
    return file_module._checksum(body) + b" " + body + b"\n"


def test_damage_is_said(tmp_path: Path) -> None:
    """A changed byte in a line, another program's file, or another version is refused with the place."""
    path = tmp_path / "marks"
    filled(path)
    content = path.read_bytes()
    for damaged, words in (
        (content.replace(b'/1":1', b'/1":7'), "line 3 is damaged"),
        (b"no store at all", "its first line is not whole"),
        (b"no store at all\n", "line 1 is damaged"),
        (file_module._line({"format": "other"}), "no store of this package"),
        (file_module._line({"format": file_module.FORMAT, "version": 2, "owner": "x"}), "has version 2"),
        (file_module._line({"format": file_module.FORMAT}), "has version None"),
        (file_module._line({"format": file_module.FORMAT, "version": 1}), "names no owner"),
        *((sealed(line), "line 1 is whole, and no line of this") for line in (b"7", b"{", b"[" * 3000, b"9" * 5000)),
        *((content + sealed(line), "line 5 is whole") for line in (b"[]", b'{"a":"b"}', b'{"a":1.5}', b'{"a":null}')),
    ):
        path.write_bytes(damaged)
        with pytest.raises(StoreCorruptError, match=words):
            FileStore(path)
    path.write_bytes(content)
    FileStore(path).close()


def test_one_file_serves_one_process(tmp_path: Path) -> None:
    """A second process is refused in words, and may have it once the first is gone."""
    path = tmp_path / "marks"
    code = f"from streams.subscribe import FileStore; FileStore({str(path)!r})"
    with FileStore(path):
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
        assert "StoreInUseError: another process has" in second.stderr
        with pytest.raises(StoreInUseError):
            FileStore(path)
    FileStore(path).close()


def test_history_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is rewritten when most of it no longer counts; nothing that counts is lost."""
    monkeypatch.setattr(file_module, "COMPACT_ABOVE_LINES", 10)
    path = tmp_path / "marks"
    with FileStore(path) as store:
        store.claim("group mailer")
        for number in range(200):
            store.raise_to({"read/topic/0": number})
        assert len(path.read_bytes().splitlines()) < 20
    with FileStore(path) as store:
        assert store.read(["read/topic/0"]) == {"read/topic/0": 199}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["marks", "marks.lock"]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is taken back, so that the next line stands by itself."""
    path = tmp_path / "marks"
    filled(path)
    with FileStore(path) as store:
        write, disk = os.write, iter([10])

        def filling(file: int, content: bytes) -> int:
            room = next(disk, None)
            if room is None:
                raise OSError(28, "No space left on device")
            return write(file, content[:room])

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", filling)
            with pytest.raises(OSError, match="No space"):
                store.raise_to({"acknowledged/7": 7})
        assert store.read(["acknowledged/7"]) == {}
        store.raise_to({"acknowledged/8": 8})
    with FileStore(path) as store:
        assert store.read(["acknowledged/2", "acknowledged/7", "acknowledged/8"]) == {
            "acknowledged/2": 2,
            "acknowledged/8": 8,
        }


def test_a_store_without_an_owner_takes_nothing(tmp_path: Path) -> None:
    """Numbers of nobody would be refused to everybody later."""
    with FileStore(tmp_path / "marks") as store, pytest.raises(ValueError, match="claim"):
        store.raise_to({"a": 1})
    assert (tmp_path / "marks").stat().st_mode & 0o777 == file_module.MODE


ALWAYS = -1000
"""A limit of history below which every number has the file rewritten."""


def failing(times: int) -> Callable[[Path], None]:
    """Flush a folder, after so many failures."""
    flush, failures = file_module._flush_folder, iter(range(times))

    def flushed(path: Path) -> None:
        if next(failures, None) is not None:
            raise OSError(24, "Too many open files")
        flush(path)

    return flushed


def test_a_folder_that_is_not_flushed_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that has taken the name is the one written to, and no number counts before the folder has it."""
    monkeypatch.setattr(file_module, "COMPACT_ABOVE_LINES", ALWAYS)
    path = tmp_path / "marks"
    with FileStore(path) as store:
        store.claim("group mailer")
        monkeypatch.setattr(file_module, "_flush_folder", failing(2))
        with pytest.raises(OSError, match="Too many"):
            store.raise_to({"read/topic/0": 4})
        with pytest.raises(OSError, match="Too many"):
            store.raise_to({"acknowledged/1": 1})
        assert store.read(["acknowledged/1"]) == {}
        store.raise_to({"acknowledged/1": 1})
    with FileStore(path) as store:
        assert store.read(["acknowledged/1", "read/topic/0"]) == {"acknowledged/1": 1, "read/topic/0": 4}


def test_a_claim_whose_folder_is_not_flushed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner counts once the name of the file is durable."""
    with FileStore(tmp_path / "marks") as store:
        monkeypatch.setattr(file_module, "_flush_folder", failing(1))
        with pytest.raises(OSError, match="Too many"):
            store.claim("group mailer")
        with pytest.raises(ValueError, match="claim"):
            store.raise_to({"a": 1})
        assert store.claim("group other") == "group other"
        store.raise_to({"a": 1})
    with FileStore(tmp_path / "marks") as store:
        assert store.claim("group mailer") == "group other"
        assert store.read(["a"]) == {"a": 1}


@pytest.mark.parametrize(
    ("beside", "wanted"),
    [(lambda store: store.raise_to({"b": 5}), {"a": 4, "b": 5}), (FileStore.close, {"a": 4})],
    ids=["raise_to", "close"],
)
def test_a_call_beside_a_slow_one_waits_for_it(
    beside: Callable[[FileStore], None], wanted: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads never rewrite the file at once, and a close waits for what is being written."""
    monkeypatch.setattr(file_module, "COMPACT_ABOVE_LINES", ALWAYS)
    path, begun, go_on, flush = tmp_path / "marks", threading.Event(), threading.Event(), file_module._flush_folder

    def slow(folder: Path) -> None:
        begun.set()
        assert go_on.wait(30)
        flush(folder)

    store = FileStore(path)
    store.claim("group mailer")
    monkeypatch.setattr(file_module, "_flush_folder", slow)
    threads = [threading.Thread(target=call) for call in (partial(store.raise_to, {"a": 4}), partial(beside, store))]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    threads[1].join(0.05)
    assert threads[1].is_alive()
    assert store.read(["a", "b"]) == {"a": 4}
    go_on.set()
    for thread in threads:
        thread.join(30)
    store.close()
    with FileStore(path) as again:
        assert again.read(["a", "b"]) == wanted


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    """A call that comes after the close writes into no file that has got its descriptor since."""
    path = tmp_path / "marks"
    filled(path)
    store = FileStore(path)
    store.close()
    store.close()
    with (tmp_path / "other").open("wb"):
        for call in (partial(store.raise_to, {"a": 1}), partial(store.claim, "group mailer")):
            with pytest.raises(ValueError, match="closed"):
                call()
    assert (tmp_path / "other").read_bytes() == b""


def test_a_store_is_one_file_by_whatever_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to it finds the same lock, and a relative path names it for good."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/marks")
    monkeypatch.chdir(tmp_path / "folder")
    with FileStore("marks") as store:
        with pytest.raises(StoreInUseError):
            FileStore(tmp_path / "link")
        monkeypatch.chdir(tmp_path)
        store.claim("group mailer")
        store.raise_to({"a": 1})
    assert not (tmp_path / "marks").exists()
    with FileStore("link") as store:
        assert store.read(["a"]) == {"a": 1}
