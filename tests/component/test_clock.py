"""The faster clock: from its start on, the same in every process, never later than the present."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.clock import PacedClock, ScaledClock, WallClock, read_clock

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
START = BEGAN - timedelta(days=60)
DAY_SECONDS = 2.0


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Let the machine's time be the one element of a list."""
    at = [BEGAN]
    monkeypatch.setattr(WallClock, "now", lambda _: at[0])
    return at


def test_days_pass_in_seconds(wall: list[datetime]) -> None:
    """With a day in two seconds, five seconds are two days and a half."""
    clock = ScaledClock(START, BEGAN, 86_400 / DAY_SECONDS)
    assert clock.now() == START
    wall[0] += timedelta(seconds=5)
    assert clock.now() == START + timedelta(days=2.5)


def test_it_never_passes_the_present(wall: list[datetime]) -> None:
    """Once it would be ahead of the machine's clock it is that clock: a broker refuses the future."""
    clock = ScaledClock(START, BEGAN, 86_400 / DAY_SECONDS)
    wall[0] += timedelta(minutes=5)
    assert clock.now() == wall[0]


def test_no_pace_is_too_fast_or_too_far_back(wall: list[datetime]) -> None:
    """Past every date it is the machine's clock, and before every date where it starts."""
    clock = ScaledClock(START, BEGAN, 1e300)
    wall[0] += timedelta(seconds=1)
    assert clock.now() == wall[0]
    wall[0] -= timedelta(seconds=2)
    assert clock.now() == START
    late = ScaledClock.read("8001-01-01T00:00:00Z,9999-01-01T00:00:00Z,1e300")
    assert late.now() == wall[0]
    assert ScaledClock(START, BEGAN, 1e308).at(BEGAN + timedelta(days=1)) == BEGAN + timedelta(days=1)


def test_it_is_told_to_other_processes_as_text() -> None:
    """What it writes it reads again."""
    clock = ScaledClock(START, BEGAN + timedelta(milliseconds=7), 43_200.5)
    assert ScaledClock.read(str(clock)) == clock


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yesterday", "write start,began,scale"),
        ("2026-11-01,2026-11-01T00:00:00Z,2", "write start,began,scale"),
        ("2026-11-02T00:00:00Z,2026-11-01T00:00:00Z,2", "start must not be later than began"),
        ("2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,0", "scale above 0"),
        ("2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,inf", "scale above 0"),
        ("2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,nan", "scale above 0"),
    ],
)
def test_what_is_no_clock_is_refused(text: str, says: str) -> None:
    """Anything else is refused with what to write."""
    with pytest.raises(ValueError, match=says):
        ScaledClock.read(text)


# -- a clock whose pace somebody changes


def paced(file: Path, *lines: ScaledClock) -> None:
    """Write a file as whoever sets the pace does: a new one in its place."""
    written = file.with_suffix(".new")
    written.write_text("".join(f"{line}\n" for line in lines))
    written.replace(file)


SLOW = ScaledClock(START, BEGAN, 1)
FAST = ScaledClock(START + timedelta(minutes=1), BEGAN + timedelta(minutes=1), 86_400 / DAY_SECONDS)


def test_the_last_line_that_has_begun_counts(wall: list[datetime], tmp_path: Path) -> None:
    """A line may be written before its time, so that all change at the same moment."""
    paced(tmp_path / "clock", SLOW, FAST)
    clock = PacedClock(tmp_path / "clock")
    wall[0] += timedelta(seconds=59)
    assert clock.now() == START + timedelta(seconds=59)
    wall[0] += timedelta(seconds=3)
    assert clock.now() == FAST.start + timedelta(days=1)


def test_a_new_file_changes_the_pace_of_who_follows(wall: list[datetime], tmp_path: Path) -> None:
    """The processes need not be started again."""
    paced(tmp_path / "clock", SLOW)
    clock = PacedClock(tmp_path / "clock")
    wall[0] += timedelta(minutes=2)
    assert clock.now() == START + timedelta(minutes=2)
    paced(tmp_path / "clock", SLOW, FAST)
    assert clock.now() == FAST.start + timedelta(days=30)


def test_it_never_passes_the_present_either(wall: list[datetime], tmp_path: Path) -> None:
    """Whatever its lines say."""
    paced(tmp_path / "clock", FAST)
    wall[0] += timedelta(minutes=6)
    assert PacedClock(tmp_path / "clock").now() == wall[0]


@pytest.mark.parametrize("text", [None, "", "yesterday\n"])
def test_a_file_that_is_no_clock_any_more_changes_nothing(
    wall: list[datetime], tmp_path: Path, text: str | None
) -> None:
    """It goes on as it went, whether the file is gone, empty or torn."""
    file = tmp_path / "clock"
    paced(file, SLOW)
    clock = PacedClock(file)
    file.unlink()
    if text is not None:
        file.write_text(text)
        os.utime(file, ns=(0, 0))
    wall[0] += timedelta(seconds=1)
    assert clock.now() == START + timedelta(seconds=1)


def test_a_setting_names_a_clock_or_the_place_of_one(wall: list[datetime], tmp_path: Path) -> None:
    """A text that begins with a slash is a place, and it is what the clock is told to others as."""
    paced(tmp_path / "clock", SLOW)
    assert read_clock(str(SLOW)) == SLOW
    clock = read_clock(str(tmp_path / "clock"))
    assert (str(clock), clock.now()) == (str(tmp_path / "clock"), SLOW.at(wall[0]))


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "cannot be read: No such file"), ("", "has no line"), ("soon\n", "write start,began,scale")],
)
def test_a_place_without_a_clock_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    """At the start: nobody runs on the machine's time who was told another."""
    if text is not None:
        (tmp_path / "clock").write_text(text)
    with pytest.raises(ValueError, match=says):
        read_clock(str(tmp_path / "clock"))
