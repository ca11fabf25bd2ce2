"""Brings the locked Kafka archives into the cache, once for all processes of the machine."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streams.kafka.embedded.errors import DamagedArchiveError, EmbeddedKafkaError, OfflineError
from streams.kafka.embedded.machine import MB, disk_error, held_lock, is_disk_error, writable_folder
from streams.settings import CACHE_VARIABLE

LOCK_PATH = Path(__file__).with_name("jars.lock.json")
# kafka-clients is named although kafka_2.13 needs it: the mediation takes an older one otherwise, and the broker dies.
ROOTS = (
    "org.apache.kafka:kafka_2.13:{kafka}",
    "org.apache.kafka:kafka-clients:{kafka}",
    "org.apache.logging.log4j:log4j-slf4j-impl:{log4j}",
    "org.apache.logging.log4j:log4j-core:{log4j}",
)
DOWNLOAD_THREADS = 6
DOWNLOAD_ATTEMPTS = 3
READ_TIMEOUT_SECONDS = 15
INSTALL_DEADLINE_SECONDS = 900.0

Progress = Callable[[int, int], None]
"""Called from any thread with the bytes that are there and the bytes that are needed."""


@dataclass(frozen=True)
class Artifact:
    """One archive of the lock: Maven coordinate `group:name:version`, size in bytes, SHA-256 in hex."""

    coordinate: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Give the archive's name on disk."""
        _, name, version = self.coordinate.split(":")
        return f"{name}-{version}.jar"

    def is_whole(self, path: Path) -> bool:
        """Tell whether `path` is this archive, byte for byte."""
        return path.is_file() and path.stat().st_size == self.size and sha256_of(path) == self.sha256


@dataclass(frozen=True)
class Lock:
    """The Kafka version and every archive that it runs on."""

    kafka_version: str
    artifacts: tuple[Artifact, ...]

    @property
    def total_bytes(self) -> int:
        """Give the size of the whole download."""
        return sum(artifact.size for artifact in self.artifacts)

    def home(self, cache_dir: Path) -> Path:
        """Give the folder of the installed archives."""
        return cache_dir / f"kafka-{self.kafka_version}"

    def missing(self, folder: Path) -> list[Artifact]:
        """Give the archives that are not in the folder, or not whole."""
        return [artifact for artifact in self.artifacts if not artifact.is_whole(folder / artifact.file_name)]

    def class_path(self, folder: Path) -> str:
        """Give the class path, always in the same order: a shared class archive depends on it."""
        return ":".join(str(folder / artifact.file_name) for artifact in self.artifacts)


def read_lock(path: Path = LOCK_PATH) -> Lock:
    """Read the lock that is part of this package."""
    content = json.loads(path.read_bytes())
    return Lock(content["kafka"], tuple(Artifact(**entry) for entry in content["artifacts"]))


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default_cache_dir() -> Path:
    """Give the cache folder: TXPUSH_CACHE_DIR, else `txpush` in XDG_CACHE_HOME, else in ~/.cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "txpush"


class Meter:
    """Adds up the bytes of downloads that run side by side."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._bytes: dict[str, int] = {}
        self._mutex = threading.Lock()

    def set(self, name: str, size: int) -> None:
        """Say how much of one file is there."""
        with self._mutex:
            self._bytes[name] = size
            if self._progress is not None:
                self._progress(sum(self._bytes.values()), self._total)

    @contextmanager
    def follow(self, name: str, _size: int) -> Iterator[Callable[[int], None]]:
        """Follow one download in the shape that jgo's `progress_callback` has."""
        received = 0

        def advance(chunk: int) -> None:
            nonlocal received
            received += chunk
            self.set(name, received)

        yield advance


def maven(repo_cache: Path, meter: Meter) -> Any:  # noqa: ANN401 - jgo is untyped here
    """Give access to the repositories of jgo's settings file, then to jgo's default one.

    jgo takes a third of a second to import, which only a download has to pay.
    """
    from jgo.config import GlobalSettings  # noqa: PLC0415 - slow to import
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - slow to import

    resolver = PythonResolver(progress_callback=meter.follow)
    context = MavenContext(resolver=resolver, repo_cache=repo_cache, timeout=READ_TIMEOUT_SECONDS)
    context.remote_repos = {**GlobalSettings.load().repositories, **context.remote_repos}
    return context


def download(artifact: Artifact, repo_cache: Path, meter: Meter) -> Path:
    """Download one archive; what it needs is not looked at, the lock has it all."""
    group, name, version = artifact.coordinate.split(":")
    for attempt in range(DOWNLOAD_ATTEMPTS):
        context = maven(repo_cache / str(attempt), meter)
        try:
            return Path(context.project(group, name).at_version(version).artifact().resolve())
        except OSError as error:
            if is_disk_error(error) or attempt == DOWNLOAD_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def fetch(artifact: Artifact, staging: Path, meter: Meter) -> None:
    """Put one archive into the staging folder. Raises DamagedArchiveError when it is not the locked one."""
    path = download(artifact, staging / "downloads", meter)
    if not artifact.is_whole(path):
        raise DamagedArchiveError(artifact.file_name, artifact.sha256, sha256_of(path))
    path.rename(staging / artifact.file_name)
    meter.set(artifact.file_name, artifact.size)


def fetch_all(artifacts: list[Artifact], staging: Path, meter: Meter) -> None:
    """Fetch side by side; the first failure stops what has not begun."""
    pool = ThreadPoolExecutor(DOWNLOAD_THREADS, thread_name_prefix="kafka-download")
    try:
        for done in as_completed([pool.submit(fetch, artifact, staging, meter) for artifact in artifacts]):
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def fill(lock: Lock, staging: Path, progress: Progress | None) -> None:
    """Complete the staging folder; what an interrupted run left whole is kept."""
    shutil.rmtree(staging / "downloads", ignore_errors=True)
    missing = lock.missing(staging)
    meter = Meter(lock.total_bytes, progress)
    for artifact in lock.artifacts:
        if artifact not in missing:
            meter.set(artifact.file_name, artifact.size)
    fetch_all(missing, staging, meter)
    shutil.rmtree(staging / "downloads", ignore_errors=True)


def install_held(lock: Lock, home: Path, progress: Progress | None) -> None:
    """Install while holding the file lock; the rename is what makes the installation exist."""
    staging = home.with_name(f"{home.name}.partial")
    if home.exists():
        shutil.rmtree(staging, ignore_errors=True)
        home.rename(staging)
    staging.mkdir(exist_ok=True)
    fill(lock, staging, progress)
    staging.rename(home)


def refusal(home: Path, error: Exception, needed_mb: int) -> EmbeddedKafkaError:
    """Put a failed installation in words."""
    if isinstance(error, EmbeddedKafkaError):
        return error
    if isinstance(error, OSError) and is_disk_error(error):
        return disk_error(home.parent, error, needed_mb)
    return OfflineError(home, str(error))


def install(cache_dir: Path, progress: Progress | None = None, lock: Lock | None = None) -> Path:
    """Give the folder that holds every locked archive, downloaded when something is missing.

    Processes may race: one downloads, the others wait for it. Raises OfflineError, DamagedArchiveError,
    DiskUnusableError or DiskFullError.
    """
    lock = lock or read_lock()
    home = lock.home(cache_dir)
    if not lock.missing(home):
        return home
    needed_mb = 2 * lock.total_bytes // MB
    writable_folder(cache_dir, needed_mb)
    try:
        with held_lock(cache_dir / f"{home.name}.lock", INSTALL_DEADLINE_SECONDS):
            if lock.missing(home):
                install_held(lock, home, progress)
    except (OSError, RuntimeError, EmbeddedKafkaError) as error:
        raise refusal(home, error, needed_mb) from error
    return home


def write_lock(kafka: str, log4j: str, path: Path = LOCK_PATH) -> None:
    """Resolve other versions and lock what they need; the only place where versions are looked up.

    `python -c 'from streams.kafka.embedded.artifacts import write_lock; write_lock("4.3.1", "2.25.3")'`
    """
    import jgo  # noqa: PLC0415 - slow to import

    entries = []
    for artifact in jgo.resolve("+".join(ROOTS).format(kafka=kafka, log4j=log4j)):
        path_on_disk = artifact.resolve()
        coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        entries.append(asdict(Artifact(coordinate, path_on_disk.stat().st_size, sha256_of(path_on_disk))))
    ordered = sorted(entries, key=lambda entry: entry["coordinate"])
    path.write_text(json.dumps({"kafka": kafka, "artifacts": ordered}, indent=1) + "\n")
