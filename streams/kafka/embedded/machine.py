"""What the machine has to give: ports on 127.0.0.1, folders with room, locks between processes."""

import errno
import fcntl
import os
import random
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.kafka.embedded.errors import DiskFullError, DiskUnusableError, EmbeddedKafkaError, PortTakenError

HOST = "127.0.0.1"
# Below the range that Linux gives to outgoing connections, so that a free port stays free until the broker has it.
FREE_PORTS = range(15000, 32000)
CHOOSING_ATTEMPTS = 200
MB = 1024 * 1024
# Three empty brokers take about 40 MB; the rest is for the demo's records.
NEEDED_MB = 256
LOCK_POLL_SECONDS = 0.05
DISK_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EIO}
)


@dataclass(frozen=True)
class Ports:
    """Ports of the brokers 1..n in their order: for clients and for the controllers' own talk."""

    clients: tuple[int, ...]
    controllers: tuple[int, ...]

    @property
    def bootstrap(self) -> str:
        """Give the address list that clients take."""
        return ",".join(f"{HOST}:{port}" for port in self.clients)


def is_free(port: int) -> bool:
    """Tell whether a server can listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def check_free(ports: Ports) -> None:
    """Raise PortTakenError for the first port that is in use."""
    for port in (*ports.clients, *ports.controllers):
        if not is_free(port):
            raise PortTakenError(port)


def ports_from(base: int, brokers: int) -> Ports:
    """Give `base`, `base + 1`, ... to the clients and the ports after them to the controllers."""
    return Ports(tuple(range(base, base + brokers)), tuple(range(base + brokers, base + 2 * brokers)))


def free_ports(brokers: int) -> Ports:
    """Choose ports that nobody listens on. Raises EmbeddedKafkaError when there are too few."""
    chosen: list[int] = []
    for port in random.Random().sample(FREE_PORTS, CHOOSING_ATTEMPTS):  # noqa: S311 - no secret
        if is_free(port):
            chosen.append(port)
        if len(chosen) == 2 * brokers:
            return Ports(tuple(chosen[:brokers]), tuple(chosen[brokers:]))
    raise EmbeddedKafkaError(
        f"{CHOOSING_ATTEMPTS} ports between {FREE_PORTS.start} and {FREE_PORTS.stop} were tried and too few are free."
        " Stop what listens there, or choose a port with --port."
    )


def is_disk_error(error: OSError) -> bool:
    """Tell a disk that cannot be written from a network that cannot be reached."""
    return error.errno in DISK_ERRNOS


def disk_error(path: Path, error: OSError, needed_mb: int) -> EmbeddedKafkaError:
    """Put an operating system's refusal to write below `path` in words."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(path, free_mb(path), needed_mb)
    return DiskUnusableError(path, error.strerror or str(error))


def free_mb(path: Path) -> int:
    """Give the free room on the disk of `path` or, where it does not exist, of its nearest parent."""
    existing = next((place for place in (path, *path.parents) if place.exists()), Path("/"))
    return shutil.disk_usage(existing).free // MB


def writable_folder(path: Path, needed_mb: int) -> Path:
    """Make the folder and see that it is of use, or raise DiskUnusableError or DiskFullError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise disk_error(path, error, needed_mb) from error
    if (free := free_mb(path)) < needed_mb:
        raise DiskFullError(path, free, needed_mb)
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
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        os.close(descriptor)
