"""Readiness and health of a worker, in the words of its partitions."""

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.times import from_epoch_ms
from streams.kafka.topics import AGENT, EVENTS
from streams.transport.settings import FoldSettings
from streams.worker import health


@dataclass
class Partition:
    """What health looks at of an owned partition."""

    number: int
    is_open: bool = True
    paused: str = ""
    progressed_at: float = 0.0


@dataclass
class Member:
    """What health looks at of a worker's consumer."""

    owned: Any
    away_since: float | None = None
    answered_at: float | None = None


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return from_epoch_ms(0)


WAITS = "no partitions assigned yet; wait, for 120 s at most"
START_AGAIN = "start the worker again, as `/healthz` asks for"
SETTINGS = FoldSettings("nowhere", AGENT, EVENTS, 3, Standing())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    """A monotonic clock that stands at 10,000 s."""
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: 10_000.0))
    return 10_000.0


def owning(*partitions: Partition) -> Member:
    """Give a worker in its group."""
    return Member({one.number: one for one in partitions})


def stuck(member: Member) -> list[str]:
    return health.stuck(member, SETTINGS)


def unready(member: Member) -> list[str]:
    return health.unready(member, SETTINGS)


def test_a_worker_without_partitions_is_not_ready(now: float) -> None:
    """Before the group has answered there is nothing to be ready with; a spare worker that owns none is ready."""
    assert unready(Member({}, away_since=now)) == [WAITS]
    assert unready(Member({})) == []


def test_a_worker_that_the_group_leaves_out_is_a_fault(now: float) -> None:
    """Two rebalances and a minute without a place: nobody would ever wait for what cannot come."""
    limit = 2 * SETTINGS.rebalance_seconds + 60
    assert stuck(Member({}, away_since=now - limit)) == []
    late = Member({}, away_since=now - limit - 1)
    assert stuck(late) == [f"not in the group for 121 s; {START_AGAIN}"]
    assert unready(late) == [WAITS, f"not in the group for 121 s; {START_AGAIN}"]


def test_a_partition_that_is_restored_keeps_the_worker_unready(now: float) -> None:
    """Readiness names each partition whose state is not there yet; the process is healthy meanwhile."""
    member = owning(Partition(0, progressed_at=now), Partition(1, is_open=False, progressed_at=now - 900))
    assert unready(member) == ["partition 1 is being restored; wait, for 900 s at most"]
    assert stuck(member) == []


def test_a_partition_that_never_opens_is_a_fault(now: float) -> None:
    """Opening ends by its own limits; should it not, the process is replaced."""
    member = owning(Partition(1, is_open=False, progressed_at=now - 1021))
    assert stuck(member) == [f"partition 1 has made no progress for 1021 s; {START_AGAIN}"]


def test_a_paused_partition_says_why(now: float) -> None:
    """A pause is told by readiness and is no reason to replace the process: the next one would pause as well."""
    member = owning(
        Partition(0, paused="too many", progressed_at=now - 3600), Partition(1, is_open=False, paused="a later release")
    )
    assert unready(member) == [
        "partition 0 is paused: too many",
        "partition 1 is paused: a later release",
    ]
    assert stuck(member) == []


def test_a_minute_without_progress_is_a_fault(now: float) -> None:
    """A partition that has neither polled nor committed for more than a minute makes the process unhealthy."""
    late = owning(Partition(0, progressed_at=now - 60), Partition(1, progressed_at=now - 61))
    assert stuck(late) == [f"partition 1 has made no progress for 61 s; {START_AGAIN}"]
    assert unready(late) == stuck(late)


def test_brokers_that_say_nothing_for_a_session_are_told(now: float) -> None:
    """A worker whose heartbeats nobody answers decides on nothing; a failover is over before it is told of."""
    limit = SETTINGS.session_seconds
    assert unready(Member({}, answered_at=now - limit)) == []
    advice = "see that brokers run there, and run `txpush doctor`"
    assert unready(Member({}, answered_at=now - limit - 1)) == [f"no broker of nowhere has answered for 11 s; {advice}"]
    away = Member({}, away_since=now, answered_at=now - 60)
    assert unready(away) == [f"no broker of nowhere has answered for 60 s; {advice}", WAITS]
    assert stuck(away) == []
