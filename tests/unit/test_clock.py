"""The faster clock: from its start on, the same in every process, never later than the present."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.clock import ScaledClock, WallClock

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
