"""Connections of clients leave files for everything else."""

import resource

import pytest

from streams.serving import OTHER_FILES, openable


class Limits:
    """The limit of open files, as a test has it."""

    def __init__(self, soft: int, hard: int) -> None:
        self.limits = soft, hard

    def get(self, _which: int) -> tuple[int, int]:
        return self.limits

    def set(self, _which: int, limits: tuple[int, int]) -> None:
        self.limits = limits


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised"),
    [
        (1024, 524_288, 8192, 8192 + OTHER_FILES),
        (20_000, 20_000, 8192, 20_000),
        (1024, 4096, 4096 - OTHER_FILES, 4096),
        (1024, 1024, 1024 - OTHER_FILES, 1024),
        (1024, resource.RLIM_INFINITY, 8192, 8192 + OTHER_FILES),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 8192, resource.RLIM_INFINITY),
        (64, 64, 1, 64),
    ],
)
def test_no_more_connections_than_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, connections: int, raised: int
) -> None:
    """The limit is raised as far as it may be; what does not fit is not opened."""
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert openable(8192) == connections
    assert limits.limits[0] == raised


def test_too_few_files_are_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Only where they make a difference."""
    monkeypatch.setattr(resource, "getrlimit", Limits(1024, 1024).get)
    assert openable(100) == 100
    assert caplog.messages == []
    assert openable(8192) == 1024 - OTHER_FILES
    assert "raise the limit of open files" in caplog.text
