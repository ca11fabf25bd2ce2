"""A store in one file: a log of lines, each with its checksum, rewritten when most of it is history."""

import fcntl
import json
import os
import threading
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

from schemas.problems import UNREADABLE
from streams.subscribe.errors import StoreCorruptError, StoreInUseError

FORMAT = "txpush-subscribe-store"
VERSION = 1
COMPACT_ABOVE_LINES = 1000
HISTORY_FACTOR = 4
"""The file is rewritten when it has more than so many lines for each that still counts."""
MODE = 0o600


class FileStore:
    """A `Store` for one process, in `path`, whose links are followed; its lock is a file beside it, `.lock`.

    A line counts once it is written whole and flushed to the disk; the half line of a crash is cut off at the next
    start. Everything is held in memory too, about 0.3 kB a command.

    Raises:
        StoreInUseError: another process has it open.
        StoreCorruptError: a line in it is damaged, or it is no store of ours.
        OSError: the folder cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()
        self._one_at_a_time = threading.Lock()
        self._name_is_durable = True
        self._owner: str | None = None
        self._numbers: dict[str, int] = {}
        self._lines = 0
        self._size = 0
        self._lock = _locked(self.path.with_name(self.path.name + ".lock"))
        try:
            self._load()
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
            os.ftruncate(self._file, self._size)
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        """Use the store within a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let another process have it, once a call that is still running has ended; a second time does nothing."""
        with self._one_at_a_time:
            if self._lock >= 0:
                os.close(self._file)
                os.close(self._lock)
                self._lock = -1

    def claim(self, owner: str) -> str:
        """As in `Store`."""
        with self._one_at_a_time:
            self._hold_open()
            if self._owner is None:
                self._rewrite(owner)
                self._owner = owner
            return self._owner

    def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As in `Store`."""
        return {name: self._numbers[name] for name in names if name in self._numbers}

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As in `Store`."""
        with self._one_at_a_time:
            self._hold_open()
            if self._owner is None:
                raise ValueError("claim the store before the first number: it has no owner yet")
            self._raise_to(numbers, self._owner)

    def _hold_open(self) -> None:
        if self._lock < 0:
            raise ValueError(f"{self.path} is closed: open the store again")

    def _raise_to(self, numbers: Mapping[str, int], owner: str) -> None:
        higher = {name: number for name, number in numbers.items() if number > self._numbers.get(name, -1)}
        if not higher:
            return
        self._append(_line(higher))
        self._numbers |= higher
        self._lines += 1
        if self._lines > COMPACT_ABOVE_LINES + HISTORY_FACTOR * len(self._numbers):
            self._rewrite(owner)

    def _append(self, line: bytes) -> None:
        """Write a line whole, or leave the file as it was."""
        self._make_name_durable()
        try:
            _write(self._file, line)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def _rewrite(self, owner: str) -> None:
        """Replace the file by one without history: whole beside it first, then in its place."""
        header = {"format": FORMAT, "version": VERSION, "owner": owner}
        lines = [_line(header), *(_line({name: number}) for name, number in self._numbers.items())]
        beside = self.path.with_name(self.path.name + ".new")
        file = os.open(beside, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, MODE)
        try:
            _write(file, b"".join(lines))
            beside.replace(self.path)
        except BaseException:
            os.close(file)
            raise
        # The old file has no name from here on: whatever fails next, what is written has to go into the new one.
        os.close(self._file)
        self._file, self._size, self._lines = file, sum(map(len, lines)), len(lines)
        self._name_is_durable = False
        self._make_name_durable()

    def _make_name_durable(self) -> None:
        """Flush the folder after a rename; if that fails, again before anything more counts as kept."""
        if not self._name_is_durable:
            _flush_folder(self.path.parent)
            self._name_is_durable = True

    def _load(self) -> None:
        content = self.path.read_bytes() if self.path.exists() else b""
        whole, newline, _ = content.rpartition(b"\n")
        if not newline:
            if content:
                raise StoreCorruptError(f"{self.path} is no store of this package: its first line is not whole")
            return
        lines = whole.split(b"\n")
        self._owner = self._owner_in(lines[0])
        for number, line in enumerate(lines[1:], 2):
            self._numbers |= self._parsed(line, number)
        self._size, self._lines = len(whole) + 1, len(lines)

    def _owner_in(self, line: bytes) -> str:
        header = self._parsed(line, 1)
        if header.get("format") != FORMAT:
            raise StoreCorruptError(f"{self.path} is no store of this package")
        if header.get("version") != VERSION:
            raise StoreCorruptError(f"{self.path} has version {header.get('version')}; this release reads {VERSION}")
        owner = header.get("owner")
        if not isinstance(owner, str):
            raise StoreCorruptError(f"{self.path} line 1 is whole, and names no owner")
        return owner

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        checksum, _, body = line.partition(b" ")
        if checksum != _checksum(body):
            raise StoreCorruptError(
                f"{self.path} line {number} is damaged: put back a copy, or start with a new group and a new file"
            )
        try:
            content = json.loads(body)
        except UNREADABLE:
            content = None
        is_ours = isinstance(content, dict) and (number == 1 or all(type(one) is int for one in content.values()))
        if not is_ours:
            raise StoreCorruptError(f"{self.path} line {number} is whole, and no line of this package")
        return dict(content)


def _line(content: Mapping[str, Any]) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return _checksum(body) + b" " + body + b"\n"


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _locked(path: Path) -> int:
    """Hold the lock until the descriptor is closed or the process is gone."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreInUseError(f"another process has {path} locked: give each process a store of its own") from None
    return lock


def _write(file: int, content: bytes) -> None:
    """Write it all and have it on the disk."""
    written = 0
    while written < len(content):
        written += os.write(file, content[written:])
    os.fdatasync(file)


def _flush_folder(path: Path) -> None:
    """Make a rename durable."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
