"""The pace: slow at first, a day in two seconds when nights pass, and slow again before anybody could be late."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.clock import PacedClock, WallClock
from streams.demo.finbank import night_after
from streams.demo.stage.pace import AS_IT_IS, DAYS, LEAD, STARTS_DAYS_AGO, Pace

WALL = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Let the machine's time be the one element of a list, and pass when somebody sleeps."""
    at = [WALL]

    async def sleep(seconds: float) -> None:
        at[0] += timedelta(seconds=seconds)

    monkeypatch.setattr(WallClock, "now", lambda _: at[0])
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return at


def test_it_begins_on_a_morning_of_the_past(wall: list[datetime], tmp_path: Path) -> None:
    """After the nightly batch, so far back that the whole story lies before the present, a minute a second."""
    pace = Pace(tmp_path / "clock")
    began = pace.now()
    assert (began.hour, began.minute) == (9, 0)
    assert WALL - began > (STARTS_DAYS_AGO - 1) * DAY
    wall[0] += SECOND
    assert pace.now() - began == timedelta(minutes=1)


async def test_a_day_passes_in_two_seconds(wall: list[datetime], tmp_path: Path) -> None:
    """From a moment ahead on, and every process that follows the file is there at the same time."""
    pace = Pace(tmp_path / "clock")
    other, target = PacedClock(pace.file), pace.now() + 3 * DAY
    began = wall[0]
    await pace.pass_until(target, DAYS)
    assert timedelta(seconds=5.9) < wall[0] - began < timedelta(seconds=6.2)
    assert abs(pace.now() - target) < timedelta(minutes=1)
    assert other.now() == pace.now()


async def test_it_is_slow_again_by_itself(wall: list[datetime], tmp_path: Path) -> None:
    """The end of a fast time is written before it begins: nobody has to be quick."""
    pace = Pace(tmp_path / "clock")
    await pace.pass_until(pace.now() + DAY)
    before = pace.now()
    wall[0] += SECOND
    assert pace.now() - before == timedelta(minutes=1)


async def test_a_time_that_has_passed_costs_a_moment(wall: list[datetime], tmp_path: Path) -> None:
    """The clock never goes back."""
    pace = Pace(tmp_path / "clock")
    before, began = pace.now(), wall[0]
    await pace.pass_until(before - DAY)
    assert wall[0] - began == LEAD
    assert before <= pace.now() < before + timedelta(minutes=1)


def test_it_can_go_as_the_machine_does(wall: list[datetime], tmp_path: Path) -> None:
    """For somebody who wants to try: links live two hours then."""
    pace = Pace(tmp_path / "clock")
    pace.go(AS_IT_IS)
    wall[0] += LEAD
    before = pace.now()
    wall[0] += timedelta(hours=2)
    assert pace.now() - before == timedelta(hours=2)


@pytest.mark.parametrize(
    ("hour", "count", "night"), [(7, 1, (1, 8)), (8, 1, (2, 8)), (9, 1, (2, 8)), (9, 3, (4, 8)), (7, 3, (3, 8))]
)
def test_nights_are_counted_from_the_next_batch_on(hour: int, count: int, night: tuple[int, int]) -> None:
    """The batch runs at eight; at eight sharp it is the next one that is meant."""
    found = night_after(datetime(2026, 11, 1, hour, tzinfo=UTC), count)
    assert (found.day, found.hour) == night
