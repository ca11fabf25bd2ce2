"""The lock of the Kafka archives and what a failed download is called."""

import errno
from pathlib import Path

import pytest

from streams.kafka.embedded import (
    DamagedArchiveError,
    DiskFullError,
    DiskUnusableError,
    EmbeddedKafkaError,
    OfflineError,
    artifacts,
)

LOCK = artifacts.read_lock()
HOME = Path("/cache/kafka-4.3.1")


def versions(name: str) -> list[str]:
    return [found.split(":")[2] for found in (each.coordinate for each in LOCK.artifacts) if f":{name}:" in found]


@pytest.mark.parametrize("name", ["kafka_2.13", "kafka-clients", "kafka-server", "kafka-metadata"])
def test_all_of_kafka_has_one_version(name: str) -> None:
    """An older kafka-clients beside a newer server is what the mediation would choose, and the broker would die."""
    assert versions(name) == [LOCK.kafka_version] == ["4.3.1"]


def test_every_archive_is_locked_once_by_size_and_hash() -> None:
    """No name comes twice, and nothing is left to chance."""
    names = [artifact.coordinate.rsplit(":", 1)[0] for artifact in LOCK.artifacts]
    assert len(set(names)) == len(names)
    assert all(len(artifact.sha256) == 64 and artifact.size > 0 for artifact in LOCK.artifacts)


def test_class_path_names_every_archive_in_a_fixed_order() -> None:
    """Java finds all archives in the installed folder."""
    entries = LOCK.class_path(HOME).split(":")
    assert entries == [f"{HOME}/{artifact.file_name}" for artifact in LOCK.artifacts]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TXPUSH_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/xdg"}, Path("/own")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/txpush")),
        ({"XDG_CACHE_HOME": ""}, Path.home() / ".cache" / "txpush"),
        ({}, Path.home() / ".cache" / "txpush"),
    ],
)
def test_cache_folder_follows_the_users_wish(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: Path
) -> None:
    """Our own variable first, then the desktop convention, where an empty value counts as unset."""
    for name in ("TXPUSH_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert artifacts.default_cache_dir() == expected


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (OSError("connection refused by the proxy"), OfflineError),
        (RuntimeError("not found in remote repositories"), OfflineError),
        (ConnectionResetError(errno.ECONNRESET, "reset"), OfflineError),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError),
        (OSError(errno.EROFS, "Read-only file system"), DiskUnusableError),
        (DamagedArchiveError("a.jar", "1", "2"), DamagedArchiveError),
    ],
)
def test_a_failed_installation_says_what_to_do(cause: Exception, kind: type[EmbeddedKafkaError]) -> None:
    """Network, disk and a wrong archive need different next steps."""
    assert type(artifacts.refusal(HOME, cause, needed_mb=90)) is kind


def test_offline_error_says_how_to_fill_the_cache_elsewhere() -> None:
    """A machine without network can be served by hand."""
    message = str(OfflineError(HOME, "no route"))
    assert all(part in message for part in ("no route", str(HOME), "copy this folder", "mirror"))


def test_progress_adds_up_downloads_that_run_side_by_side() -> None:
    """A download that is tried again replaces what it had counted."""
    seen: list[tuple[int, int]] = []
    meter = artifacts.Meter(100, lambda done, total: seen.append((done, total)))
    meter.set("a", 30)
    for _ in range(2):
        with meter.follow("b", 50) as advance:
            advance(20)
            advance(5)
    assert seen == [(30, 100), (50, 100), (55, 100), (50, 100), (55, 100)]
