"""The clock of a process: one of its own only where the cluster is one that `txpush kafka` started."""

from datetime import UTC, datetime

import pytest

from streams.clock import ScaledClock, WallClock
from streams.kafka import present
from streams.kafka.applied import TopicsError
from streams.kafka.embedded.properties import new_cluster_id
from streams.kafka.present import clock_of, require_clock
from streams.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
FASTER = Settings(clock=ScaledClock(START, START, 43_200), bootstrap="kafka.example.com:9092")


def cluster(monkeypatch: pytest.MonkeyPatch, cluster_id: str) -> None:
    """Have the cluster say this id."""

    async def identity(_bootstrap: str, _topic: str) -> str:
        return f"{cluster_id}/Rk9P"

    monkeypatch.setattr(present, "log_identity", identity)


def test_without_a_setting_it_is_the_machines() -> None:
    """Nobody has another time by accident."""
    assert isinstance(clock_of(Settings()), WallClock)
    assert clock_of(FASTER) is FASTER.clock


async def test_an_embedded_cluster_may_have_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id says that it is gone before long."""
    cluster(monkeypatch, new_cluster_id())
    await require_clock(FASTER)


async def test_any_other_cluster_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words name the setting and the cluster's address."""
    cluster(monkeypatch, "9UkxbK5vQ2i1fJgHtx2EoA")
    with pytest.raises(TopicsError, match=r"TXPUSH_CLOCK is for clusters of `txpush kafka` only, and kafka\.example"):
        await require_clock(FASTER)


async def test_the_machines_time_needs_no_word_of_the_cluster() -> None:
    """Nothing is asked."""
    await require_clock(Settings(bootstrap="127.0.0.1:1"))
