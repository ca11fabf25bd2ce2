"""The index of timers against the plain way: a mapping that is sorted each time."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.fold.timers import SLACK, TimerIndex
from tests.unit.fold.build import DAY, HOUR, START

times = st.integers(0, 5).map(lambda n: START + n * HOUR)
changes = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | times), max_size=120)


def plain(timers: dict[str, datetime | None], by: datetime) -> list[tuple[datetime, str]]:
    """Sort what is due by `by`."""
    return sorted((due, key) for key, due in timers.items() if due is not None and due <= by)


def test_starts_without_timers() -> None:
    """Nothing is due before a timer is set."""
    index = TimerIndex()
    assert index.first() is None
    assert index.due_by(START) == []


def test_due_is_inclusive() -> None:
    """A timer is due at its very time and not a moment before."""
    index = TimerIndex()
    index.set("a", START)
    assert index.due_by(START - timedelta(milliseconds=1)) == []
    assert index.due_by(START) == [(START, "a")]


def test_order_is_due_then_key() -> None:
    """What is due comes earliest first, at the same time by key."""
    index = TimerIndex()
    for key, due in (("b", START), ("c", START - DAY), ("a", START)):
        index.set(key, due)
    assert index.due_by(START) == [(START - DAY, "c"), (START, "a"), (START, "b")]


def test_asking_changes_nothing() -> None:
    """A timer stays until it is set anew: a poll that does not stand is asked again."""
    index = TimerIndex()
    index.set("a", START)
    assert index.due_by(START) == index.due_by(START)
    assert index.first() == START


def test_cleared_timers_are_gone() -> None:
    """A cleared timer is not due any more, and one never set may be cleared."""
    index = TimerIndex()
    index.set("a", START)
    index.set("a", None)
    index.set("b", None)
    assert index.first() is None


def test_a_timer_set_back_is_due_once() -> None:
    """A timer that was moved or cleared and came back to its time is one timer."""
    index = TimerIndex()
    for due in (START, None, START, START + HOUR, START):
        index.set("a", due)
    assert index.due_by(START + DAY) == [(START, "a")]


@given(changes, times)
def test_index_equals_the_plain_way(made: list[tuple[str, datetime | None]], by: datetime) -> None:
    """After any changes, there and back included, the index tells what sorting all timers tells."""
    index, timers = TimerIndex(), dict[str, datetime | None]()
    for key, due in made:
        index.set(key, due)
        timers[key] = due
        assert index.due_by(by) == plain(timers, by)
    assert index.first() == min((due for due in timers.values() if due is not None), default=None)


def test_moved_timers_leave_no_heap_of_old_ones() -> None:
    """A customer's timer moves with each event; the heap stays as small as the number of customers allows."""
    index = TimerIndex()
    for n in range(10_000):
        index.set("a", START + n * HOUR)
    assert len(index._heap) <= 2 + SLACK
