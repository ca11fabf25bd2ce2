"""The clocks of a run: one file a process, wrong when told to be, and standing still at the end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.clock import PacedClock
from tests.chaos.actors.clock import ClockFiles, catching_up
from tests.waiting import wait_until

HOUR = timedelta(hours=1)


@pytest.fixture
def files(tmp_path: Path) -> ClockFiles:
    """Six days in ten minutes, so that an hour is well above what a read takes."""
    return ClockFiles(tmp_path, catching_up(timedelta(days=6), 600.0))


def ahead(files: ClockFiles, one: PacedClock) -> Callable[[], timedelta]:
    """Give how far a clock is ahead of the true one."""
    return lambda: one.now() - files.true.now()


@pytest.mark.parametrize("hours", [-12, 12])
def test_one_clock_is_wrong(files: ClockFiles, hours: int) -> None:
    """It goes wrong by what was asked for, and right again; the others do not."""
    wrong, right = files.clock_of("a"), files.clock_of("b")
    files.skew("a", timedelta(hours=hours))
    wait_until(ahead(files, wrong), lambda by: abs(by - timedelta(hours=hours)) < HOUR, seconds=5.0)
    assert abs(ahead(files, right)()) < HOUR
    files.skew("a", timedelta(0))
    wait_until(ahead(files, wrong), lambda by: abs(by) < HOUR, seconds=5.0)


def test_no_clock_is_ahead_of_the_present(files: ClockFiles) -> None:
    """The brokers refuse records of the future, whoever's clock it was."""
    clock = files.clock_of("a")
    files.skew("a", timedelta(days=30))
    wait_until(clock.now, lambda now: datetime.now(UTC) - now < HOUR, seconds=5.0)
    assert clock.now() <= datetime.now(UTC)


def test_time_stands_still(files: ClockFiles) -> None:
    """Every clock stays where it was; no timer falls due any more."""
    clock = files.clock_of("a")
    files.stand_still()
    wait_until(lambda: _moves(clock), lambda by: by == timedelta(0), seconds=5.0)


def _moves(clock: PacedClock) -> timedelta:
    before = clock.now()
    time.sleep(0.02)
    return clock.now() - before
