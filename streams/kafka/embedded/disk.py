"""Folders and file locks: made, measured and held with errors that name the place."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.kafka.embedded.errors import DiskFull, DiskUnusable, EmbeddedKafkaError

MB = 1024 * 1024
POLL_SECONDS = 0.05
DISK_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EIO}
)


def is_disk_error(error: OSError) -> bool:
    """Tell a disk that cannot be written from a network that cannot be reached."""
    return error.errno in DISK_ERRNOS


def disk_error(path: Path, error: OSError, needed_mb: int) -> EmbeddedKafkaError:
    """Put an operating system's refusal to write below `path` in words."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(path, free_mb(path), needed_mb)
    return DiskUnusable(path, error.strerror or str(error))


def free_mb(path: Path) -> int:
    """Give the free room on the disk of `path` or, where it does not exist, of its nearest parent."""
    existing = next((place for place in (path, *path.parents) if place.exists()), Path("/"))
    return shutil.disk_usage(existing).free // MB


def writable_folder(path: Path, needed_mb: int) -> Path:
    """Make the folder, see that it can be written and has `needed_mb` free. Raises DiskUnusable or DiskFull."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise disk_error(path, error, needed_mb) from error
    if (free := free_mb(path)) < needed_mb:
        raise DiskFull(path, free, needed_mb)
    return path


def try_lock(path: Path) -> int | None:
    """Take the file lock and give its descriptor, to be closed by the caller; None when another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held_lock(path: Path, deadline_seconds: float) -> Iterator[None]:
    """Wait for the file lock and hold it. Raises TimeoutError when the deadline passes."""
    end = time.monotonic() + deadline_seconds
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"{path} is held by another process for more than {deadline_seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        os.close(descriptor)
