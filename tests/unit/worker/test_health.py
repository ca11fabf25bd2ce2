"""Readiness and health of a worker, in the words of its partitions."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from streams.worker import health


@dataclass
class Partition:
    """What health looks at of an owned partition."""

    number: int
    is_open: bool = True
    paused: str = ""
    progressed_at: float = 0.0


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    """A monotonic clock that stands at 1000 s."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    return 1000.0


def owned(*partitions: Partition) -> Any:  # noqa: ANN401 - stands in for owned partitions
    return {one.number: one for one in partitions}


def test_a_worker_without_partitions_is_not_ready() -> None:
    """Before the group has answered there is nothing to be ready with; a spare worker that owns none is ready."""
    assert health.unready({}, joined=False) == ["no partitions assigned yet"]
    assert health.unready({}, joined=True) == []


def test_a_partition_that_is_restored_keeps_the_worker_unready(now: float) -> None:
    """Readiness names each partition whose state is not there yet; the process is healthy meanwhile."""
    parts = owned(Partition(0, progressed_at=now), Partition(1, is_open=False, progressed_at=0))
    assert health.unready(parts, joined=True) == ["partition 1 is being restored"]
    assert health.stuck(parts) == []


def test_a_paused_partition_says_why(now: float) -> None:
    """A pause is told by readiness and is no reason to replace the process: the next one would pause as well."""
    parts = owned(
        Partition(0, paused="too many", progressed_at=now - 3600), Partition(1, is_open=False, paused="a later release")
    )
    assert health.unready(parts, joined=True) == [
        "partition 0 is paused: too many",
        "partition 1 is paused: a later release",
    ]
    assert health.stuck(parts) == []


def test_a_minute_without_progress_is_a_fault(now: float) -> None:
    """A partition that has neither polled nor committed for more than a minute makes the process unhealthy."""
    late = owned(Partition(0, progressed_at=now - 60), Partition(1, progressed_at=now - 61))
    assert health.stuck(late) == ["partition 1 has made no progress for 61 s"]
    assert health.unready(late, joined=True) == health.stuck(late)
