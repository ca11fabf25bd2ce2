"""The files in the folder of an export: nothing is read or written through a link, whoever has laid it there."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BufferedWriter
from pathlib import Path

from streams.history.history import HistoryError

OWNERS = 0o600
"""What a file may be used for, and by whom: there are ids of people in it."""


@contextmanager
def opened_file(folder: Path, path: Path) -> Iterator[BufferedReader]:
    """Open a file below a folder to read it; the folder itself may be a link.

    Raises:
        HistoryError: it is none, or lies behind a link.
        OSError: it is not there, or may not be read.
    """
    require_no_link(folder, path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise HistoryError(f"{path} is no file but something else that has its name: remove it")
        yield file


def read_bounded(folder: Path, path: Path, most: int) -> bytes:
    """Read a file below a folder; see `opened_file`, and it may not have more bytes than `most`."""
    with opened_file(folder, path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= most else b""
    if size > most:
        raise HistoryError(f"{path} has more than {most} bytes, which no export writes: take it from another copy")
    return content


def require_no_link(folder: Path, path: Path) -> None:
    """Refuse a path below a folder that is a link, or leads through one.

    Raises:
        HistoryError: names it.
    """
    names = path.relative_to(folder).parts
    for count in range(1, len(names) + 1):
        one = folder.joinpath(*names[:count])
        if one.is_symlink():
            raise HistoryError(f"{one} is a link, and an export has files of its own only: put there what it leads to")


def created(path: Path) -> BufferedWriter:
    """Open a new file for its owner alone; what has its name is taken away, and is nothing that is written through."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNERS), "wb")


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place at once, on disk when this returns."""
    part = path.with_name(f"{path.name}.part")
    with created(part) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
