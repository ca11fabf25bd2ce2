"""How many customers may be contacted in an hour."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.subscribe.core import Pace
from streams.subscribe.testing import START


def minutes(number: float) -> datetime:
    """Give a time after the start."""
    return START + timedelta(minutes=number)


def test_without_a_limit_nothing_is_counted() -> None:
    """None means no limit, and nothing to keep."""
    pace = Pace(None)
    assert pace.contacted(START) == {}
    assert pace.free_at(START) is None


def test_the_hour_slides() -> None:
    """Each contact makes room an hour after it."""
    pace = Pace(2)
    pace.contacted(minutes(0))
    assert pace.free_at(minutes(1)) is None
    pace.contacted(minutes(10))
    assert pace.free_at(minutes(11)) == minutes(60)
    assert pace.free_at(minutes(60)) is None
    pace.contacted(minutes(60))
    assert pace.free_at(minutes(60)) == minutes(70)


def test_former_contacts_count() -> None:
    """A restart goes on with what was kept, whichever slots it stands in."""
    pace = Pace(3, {2: minutes(0), 0: minutes(30)})
    assert pace.contacted(minutes(40)) == {1: minutes(40)}
    assert pace.free_at(minutes(41)) == minutes(60)
    assert pace.contacted(minutes(60)) == {2: minutes(60)}


@given(st.integers(1, 5), st.lists(st.floats(0, 30), max_size=60), st.integers(0, 59))
def test_no_hour_holds_more(limit: int, waits: list[float], restart: int) -> None:
    """However contacts fall, and with a restart between, any hour has at most the limit."""
    pace, kept, made, now = Pace(limit), dict[int, datetime](), list[datetime](), START
    for number, wait in enumerate(waits):
        now += timedelta(minutes=wait)
        pace = Pace(limit, kept) if number == restart else pace
        if pace.free_at(now) is None:
            kept |= pace.contacted(now)
            made.append(now)
    for at in made:
        assert sum(at - timedelta(hours=1) < one <= at for one in made) <= limit
