"""The download of the Kafka archives, from a small repository of our own."""

import gc
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO, cast

import pytest

from streams.kafka.embedded import DamagedArchiveError, DiskFullError, DiskUnusableError, OfflineError, machine
from streams.kafka.embedded.artifacts import Artifact, Lock, install, read_lock

# jgo does not close an answer that it gives up; the garbage collector does.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

CLOSED_PROXY = "http://127.0.0.1:1"
CONTENT = {name: name.encode() * 5000 for name in ("alpha", "beta", "gamma")}
TINY = Lock(
    "0.0.1",
    tuple(
        Artifact(f"com.example:{name}:1.0", len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    ),
)
INSTALL = """
import sys
from pathlib import Path
from streams.kafka.embedded.artifacts import install, read_lock
install(Path(sys.argv[1]), None, read_lock(Path(sys.argv[2])))
"""


class Repository(ThreadingHTTPServer):
    """Serves `files` by path, notes what is asked for, and breaks off the first answers for the paths in `broken`."""

    def __init__(self) -> None:
        self.files = {f"/com/example/{name}/1.0/{name}-1.0.jar": content for name, content in CONTENT.items()}
        self.broken: list[str] = []
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answer)

    def jars_asked(self) -> list[str]:
        return sorted(Path(path).name for path in self.asked if path.endswith(".jar"))


class Answer(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path in self.server.broken:
            self.server.broken.remove(self.path)
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Keep quiet."""


def open_full(_path: Path, mode: str) -> IO[bytes]:
    """Open a file of a disk that is full."""
    return cast("IO[bytes]", Path("/dev/full").open(mode))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Repository() as server:
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\nown = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        monkeypatch.setenv("https_proxy", CLOSED_PROXY)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
    gc.collect()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_archives_come_from_the_users_mirror(repository: Repository, cache: Path) -> None:
    """All archives lie in one folder, whole, with progress up to the last byte, and nothing else is left."""
    seen: list[tuple[int, int]] = []
    home = install(cache, lambda done, total: seen.append((done, total)), TINY)
    assert {path.name: path.read_bytes() for path in home.iterdir()} == {
        f"{name}-1.0.jar": content for name, content in CONTENT.items()
    }
    assert max(seen) == (TINY.total_bytes, TINY.total_bytes)
    assert len(seen) > len(CONTENT)
    assert not home.with_name(f"{home.name}.partial").exists()
    assert repository.jars_asked() == ["alpha-1.0.jar", "beta-1.0.jar", "gamma-1.0.jar"]


def test_what_is_installed_is_not_asked_for_again(repository: Repository, cache: Path) -> None:
    """The second cluster of a machine needs no network."""
    install(cache, None, TINY)
    repository.asked.clear()
    assert install(cache, None, TINY) == cache / "kafka-0.0.1"
    assert repository.asked == []


def test_only_what_is_missing_or_damaged_is_fetched(repository: Repository, cache: Path) -> None:
    """Bytes on the disk are checked by hash at each start; what is whole stays."""
    home = install(cache, None, TINY)
    (home / "beta-1.0.jar").write_bytes(b"x" * len(CONTENT["beta"]))
    (home / "gamma-1.0.jar").unlink()
    repository.asked.clear()
    install(cache, None, TINY)
    assert TINY.missing(home) == []
    assert repository.jars_asked() == ["beta-1.0.jar", "gamma-1.0.jar"]


def test_an_interrupted_download_goes_on(repository: Repository, cache: Path) -> None:
    """What an ended process left whole is kept, what it left half is not believed."""
    staging = cache / "kafka-0.0.1.partial"
    (staging / "downloads" / "0" / "com/example/beta/1.0").mkdir(parents=True)
    (staging / "downloads" / "0" / "com/example/beta/1.0" / "beta-1.0.jar").write_bytes(b"half")
    (staging / "alpha-1.0.jar").write_bytes(CONTENT["alpha"])
    home = install(cache, None, TINY)
    assert TINY.missing(home) == []
    assert repository.jars_asked() == ["beta-1.0.jar", "gamma-1.0.jar"]


def test_a_connection_that_breaks_is_tried_again(repository: Repository, cache: Path) -> None:
    """One lost connection does not end the demo."""
    repository.broken = ["/com/example/beta/1.0/beta-1.0.jar"]
    assert TINY.missing(install(cache, None, TINY)) == []
    assert repository.jars_asked().count("beta-1.0.jar") == 2


def test_a_mirror_that_never_delivers_is_given_up(repository: Repository, cache: Path) -> None:
    """The number of attempts has a limit."""
    path = "/com/example/beta/1.0/beta-1.0.jar"
    repository.broken = [path] * 100
    with pytest.raises(OfflineError):
        install(cache, None, TINY)
    assert repository.asked.count(path) == 3


def test_a_wrong_archive_is_refused(repository: Repository, cache: Path) -> None:
    """An archive of the right size with other bytes never gets onto the class path."""
    repository.files["/com/example/beta/1.0/beta-1.0.jar"] = b"y" * len(CONTENT["beta"])
    with pytest.raises(DamagedArchiveError, match=r"beta-1\.0\.jar"):
        install(cache, None, TINY)
    assert not (cache / "kafka-0.0.1").exists()


def test_processes_that_race_download_once(repository: Repository, cache: Path, tmp_path: Path) -> None:
    """Of two processes that start at once one downloads and the other waits for it."""
    lock = tmp_path / "lock.json"
    entries = [vars(artifact) for artifact in TINY.artifacts]
    lock.write_text(json.dumps({"kafka": TINY.kafka_version, "artifacts": entries}))
    command = [sys.executable, "-c", INSTALL, str(cache), str(lock)]
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda _n: subprocess.run(command, check=False).returncode, range(3)))
    assert ends == [0, 0, 0]
    assert repository.jars_asked() == ["alpha-1.0.jar", "beta-1.0.jar", "gamma-1.0.jar"]


@pytest.mark.usefixtures("repository")
def test_an_archive_that_no_repository_has_is_told(cache: Path) -> None:
    """Neither the mirror nor, behind the closed proxy, the default repository can help."""
    unknown = Lock("0.0.2", (Artifact("com.example:unknown:1.0", 1, "0" * 64),))
    with pytest.raises(OfflineError, match="copy this folder"):
        install(cache, None, unknown)


def test_no_network_is_told_with_the_place(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real lock behind a closed proxy: a fast error that names the folder to fill."""
    monkeypatch.setenv("https_proxy", CLOSED_PROXY)
    monkeypatch.setenv("JGO_CONFIG_FILE", str(cache / "none"))
    with pytest.raises(OfflineError, match=str(cache / "kafka-4.3.1")):
        install(cache, None, read_lock())


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file in the place of the cache folder is named."""
    (tmp_path / "file").touch()
    with pytest.raises(DiskUnusableError, match="file/cache"):
        install(tmp_path / "file" / "cache", None, TINY)


def test_a_disk_too_small_for_the_archives_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room is checked before the first byte."""
    monkeypatch.setattr(machine, "free_mb", lambda _path: 12)
    with pytest.raises(DiskFullError, match="12 MB free, 86 MB are needed"):
        install(cache, None, read_lock())


def test_a_disk_that_runs_full_is_told(repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails for want of room is a full disk, not a bad network, and is not tried again."""
    monkeypatch.setattr("jgo.maven._resolver.open", open_full, raising=False)
    with pytest.raises(DiskFullError):
        install(cache, None, TINY)
    assert len(repository.jars_asked()) <= len(CONTENT)
