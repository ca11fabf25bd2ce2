"""The folder of TXPUSH_STATE_DIR: whether it can be written, has room, and whose it is. Nothing is tried in it.

A lock is looked up in the kernel's list, and not taken: a worker that starts at that moment would read its changelogs
whole.
"""

import asyncio
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import Scope
from streams.kafka.topics import AGENT, INSTITUTIONS
from streams.transport.local.files import SPARE_BYTES

LOCKS = Path("/proc/locks")
LOCK = re.compile(r"\d+: FLOCK +\S+ +\S+ +(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")
"""A line of the kernel's list: process, and the file by major and minor number of its device and its inode."""
MEBIBYTE = 1 << 20
ROOM = "make room there, or give the worker a larger volume; without it a restart reads its changelogs whole"
WRITABLE = "give the folder to the user of the worker (it has to be writable), or unset TXPUSH_STATE_DIR"


async def look(scope: Scope) -> Sequence[Finding]:
    """Look at the folder that the settings name."""
    folder = scope.settings.state_dir
    if folder is None:
        return [ok("TXPUSH_STATE_DIR is not set: state is restored from its changelogs at every start")]
    try:
        return await _beside(partial(_found, folder, scope.settings.partitions))
    except OSError as error:  # one of the folders above lets nobody through, or the path is none
        return [wrong(f"{folder} cannot be looked at by this user ({error.strerror})", WRITABLE)]


async def _beside(search: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Search in a thread that keeps nobody from ending: a file system that hangs, as over a network, never answers."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Finding]] = loop.create_future()

    def tell(give: Callable[..., None], result: object) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(lambda: None if found.done() else give(result))

    def run() -> None:
        try:
            tell(found.set_result, list(search()))
        except Exception as error:  # noqa: BLE001 - whoever waits decides what it means
            tell(found.set_exception, error)

    threading.Thread(target=run, daemon=True).start()
    return await found


def _found(folder: Path, partitions: int) -> Iterator[Finding]:
    if (refused := _unwritable(folder)) is not None:
        yield refused
        return
    files = [path for name in (AGENT, INSTITUTIONS) for path in (folder / name).glob("*")]
    yield from _room(folder, files, partitions)
    yield from _owners(folder, _holders(files))


def _unwritable(folder: Path) -> Finding | None:
    """Tell why a worker could keep nothing in a folder, which it makes where it is missing."""
    there = _nearest(folder)
    if not there.is_dir():
        return wrong(f"{there} is no folder", WRITABLE)
    if not os.access(there, os.W_OK | os.X_OK):
        return wrong(f"{there} cannot be written by this user", WRITABLE)
    return None


def _nearest(folder: Path) -> Path:
    """Give the folder, or the first of those above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _room(folder: Path, files: Sequence[Path], partitions: int) -> Iterator[Finding]:
    """Compare what is free with what is there: a rewrite needs as much once more, and each partition some beside."""
    there = _nearest(folder)
    data = [size for path in files if path.suffix == ".data" and (size := _size(path))]
    state, room = sum(data), os.statvfs(there)
    free = room.f_bavail * room.f_frsize
    wanted = max(data, default=0) + SPARE_BYTES * (partitions if not data else 1)
    told = f"{free // MEBIBYTE:,} MiB free at {there}, {state // MEBIBYTE:,} MiB of state in it"
    if free < wanted:
        yield warning(f"{told}: {wanted // MEBIBYTE:,} MiB may be needed at once", ROOM)
    elif free < state:
        yield warning(f"{told}: not enough for as much again", ROOM)
    else:
        yield ok(told)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # replaced meanwhile
        return 0


def _owners(folder: Path, holders: Mapping[int, Sequence[str]]) -> Iterator[Finding]:
    """Say who has the files; two workers of one sort need two folders."""
    named = "; ".join(f"process {pid} has {', '.join(names)}" for pid, names in sorted(holders.items()))
    workers = Counter(sort for names in holders.values() for sort in {name.partition("/")[0] for name in names})
    if any(count > 1 for count in workers.values()):
        yield warning(
            f"{folder} is shared: {named}", "give each worker a folder of its own: what another one has is not used"
        )
    elif named:
        yield ok(named)


def _holders(files: Sequence[Path]) -> dict[int, list[str]]:
    """Give the partitions whose files are locked, `application/number`, by the process that has them."""
    locked = dict(_locked())
    found: dict[int, list[str]] = {}
    for path in sorted(files):
        if path.suffix == ".lock" and (pid := locked.get(_identity(path))) is not None:
            found.setdefault(pid, []).append(f"{path.parent.name}/{path.stem}")
    return found


def _identity(path: Path) -> tuple[int, int, int]:
    at = path.stat()
    return os.major(at.st_dev), os.minor(at.st_dev), at.st_ino


def _locked() -> Iterator[tuple[tuple[int, int, int], int]]:
    """Give every file that a process of this machine has locked whole; nothing where the kernel tells nobody."""
    try:
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        if found := LOCK.match(line):
            yield (int(found[2], 16), int(found[3], 16), int(found[4])), int(found[1])
