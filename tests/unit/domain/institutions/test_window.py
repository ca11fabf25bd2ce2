"""The window of incidents: numbers are those of plain sets up to its limit, and beyond it estimates of known error."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.state import WindowState, encode
from streams.domain.institutions import Window, window

SPAN = 1000
CODES = (103, 185)


def fresh() -> Window:
    """Give a window in which nothing was seen."""
    return Window(WindowState())


def reread(one: Window) -> Window:
    """Bring a window back from the bytes of its record."""
    return Window(msgspec.json.decode(encode(one.state()), type=WindowState))


def fail(one: Window, names: Iterable[int], at: int, code: int = 103) -> None:
    """Let logins newly fail."""
    for name in names:
        one.failed(f"c/{name}", code, at, entered=True, account=f"c/a{name}")


def numbers(one: Window) -> tuple[int, ...]:
    """Give all numbers of a window."""
    return (one.seen, *(one.failing(code) for code in CODES), *(one.entered(code) for code in CODES))


def test_a_login_is_seen_once() -> None:
    """A login that fails with two codes is one login that was seen, and fails with both."""
    one = fresh()
    fail(one, [1], 10)
    fail(one, [1], 20, 185)
    fail(one, [1], 30, 185)
    assert numbers(one) == (1, 1, 1, 1, 1)


def test_leaving_ends_failing_not_having_failed() -> None:
    """A login that leaves a code was seen and did newly fail, but does not fail any more."""
    one = fresh()
    fail(one, [1], 10)
    one.left("c/1", 103, 20)
    assert numbers(one) == (1, 0, 0, 1, 0)


def test_leaving_is_being_seen() -> None:
    """A login that leaves a code it entered before the window is one that was seen and does not fail."""
    one = fresh()
    one.left("c/1", 103, 20)
    assert numbers(one) == (1, 0, 0, 0, 0)


def test_leaving_one_code_leaves_the_other() -> None:
    """Only the code that was left ends."""
    one = fresh()
    fail(one, [1], 10)
    fail(one, [1], 10, 185)
    one.left("c/1", 103, 20)
    assert numbers(one) == (1, 0, 1, 1, 1)


@pytest.mark.parametrize(("since", "expected"), [(10, (1, 1, 0, 1, 0)), (11, (0, 0, 0, 0, 0))])
def test_the_start_is_inclusive(since: int, expected: tuple[int, ...]) -> None:
    """What was at the start of the window is in it, what was a millisecond before is not."""
    one = fresh()
    fail(one, [1], 10)
    one.pass_to(since)
    assert numbers(one) == expected


def test_parts_of_a_login_expire_apart() -> None:
    """A login that fails on is still failing when its entering has left the window."""
    one = fresh()
    fail(one, [1], 10)
    one.failed("c/1", 103, 20, entered=False, account="c/b")
    one.pass_to(15)
    assert numbers(one) == (1, 1, 0, 0, 0)
    one.pass_to(21)
    assert numbers(one) == (0, 0, 0, 0, 0)
    assert one.state() == WindowState()


def test_an_older_observation_takes_nothing_back() -> None:
    """What arrives out of order never moves a login's times back."""
    one = fresh()
    fail(one, [1], 20)
    fail(one, [1], 10)
    one.pass_to(15)
    assert numbers(one) == (1, 1, 0, 1, 0)


def test_counts_of_healthy_logins_expire() -> None:
    """Counted logins are seen for as long as the window is."""
    one = fresh()
    one.count(5, 10)
    one.count(3, 20)
    one.count(1, 10)
    assert one.seen == 9
    one.pass_to(11)
    assert one.seen == 3
    one.pass_to(21)
    assert one.seen == 0


def test_a_counted_login_that_fails_is_seen_once() -> None:
    """A login that was counted is taken out of its count when it is heard of by name, once."""
    one = fresh()
    one.count(5, 10)
    for at in (20, 30):
        one.uncount("c/1", 10)
        fail(one, [1], at)
    assert one.seen == 5
    one.pass_to(11)
    assert one.seen == 1


def test_a_count_at_the_start_of_the_window_is_taken_back() -> None:
    """What was counted at the window's very start is in it still, and is taken out."""
    one = fresh()
    one.count(5, 10)
    one.pass_to(10)
    one.uncount("c/1", 10)
    assert one.seen == 4


def test_what_is_taken_back_before_it_is_counted_shows_nothing() -> None:
    """Should the count arrive after its login, no number is below zero meanwhile."""
    one = fresh()
    one.uncount("c/1", 10)
    assert one.seen == 0
    one.count(5, 10)
    fail(one, [1], 20)
    assert one.seen == 5


def test_a_login_counted_after_it_was_heard_of_is_taken_out() -> None:
    """A login that was healthy between two failures within the window is in one number only."""
    one = fresh()
    fail(one, [1], 10)
    one.count(1, 20)
    one.uncount("c/1", 20)
    fail(one, [1], 30)
    assert one.seen == 1


def test_a_forgotten_login_is_in_no_number() -> None:
    """A login that is marked OTP counts for nothing; forgetting one that is not there changes nothing."""
    one = fresh()
    fail(one, [1, 2], 10)
    one.forget("c/1")
    one.forget("c/3")
    assert numbers(one) == (1, 1, 0, 1, 0)


def test_who_entered_first_is_named_first() -> None:
    """The accounts that newly failed come in the order of time; those that only go on failing are not among them."""
    one = fresh()
    fail(one, [2], 20)
    fail(one, [1], 10)
    one.failed("c/3", 103, 5, entered=False, account="c/a3")
    assert [mark.account for mark in one.marks(103)] == ["c/a1", "c/a2"]
    assert (one.has_entered("c/1", 103), one.has_entered("c/1", 185), one.has_entered("c/3", 103)) == (
        True,
        False,
        False,
    )
    assert not one.has_entered("c/4", 103)


def test_a_login_has_room_for_so_many_codes() -> None:
    """A login that fails with ever other codes keeps the latest of them."""
    one = fresh()
    for code in range(window.CODES + 1):
        fail(one, [1], 10 + code, 1000 + code)
    assert (one.failing(1000), one.failing(1001), one.seen) == (0, 1, 1)


def test_numbers_are_exact_up_to_the_limit() -> None:
    """As many logins as are remembered are counted one by one."""
    one = fresh()
    fail(one, range(window.LOGINS), 10)
    assert numbers(one)[:2] == (window.LOGINS, window.LOGINS)
    assert one.state().level == 0


@pytest.mark.parametrize("logins", [600, 5000, 100_000])
def test_numbers_beyond_the_limit_are_estimates(logins: int) -> None:
    """A flood takes no more room than the limit; numbers and share stay within four standard errors."""
    one = fresh()
    for name in range(logins):
        one.failed(f"c/{name}", 103 if name % 5 else 185, 10, entered=True, account="c/a")
    kept = len(one.state().logins)
    assert window.LOGINS // 4 <= kept <= window.LOGINS
    assert one.seen == pytest.approx(logins, rel=4 / math.sqrt(kept))
    assert one.failing(103) / one.seen == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / kept))


def test_a_counted_login_of_a_flood_is_taken_out_by_weight() -> None:
    """Beyond the limit the logins that are remembered take out the others: what was counted and fails is seen once."""
    one, logins = fresh(), 20_000
    one.count(logins, 10)
    for name in range(logins):
        one.uncount(f"c/{name}", 10)
        one.failed(f"c/{name}", 103, 20, entered=True, account="c/a")
    assert one.seen == pytest.approx(logins, rel=4 / math.sqrt(window.LOGINS // 2))


def test_an_ebb_makes_the_window_exact_again() -> None:
    """When the flood has left the window, numbers are exact again."""
    one = fresh()
    fail(one, range(5000), 10)
    one.pass_to(11)
    for at in range(20, 40):
        one.pass_to(at - 9)
        fail(one, [at], at)
    assert one.state().level == 0
    one.pass_to(30)
    assert numbers(one)[:2] == (10, 10)


def test_an_ebb_counts_old_and_new_each_by_their_weight() -> None:
    """While the last of a flood are in the window, later logins are counted beside them, finer."""
    one = fresh()
    fail(one, range(5000), 10)
    fail(one, range(5000, 5100), 20)
    one.pass_to(11)
    one.pass_to(12)
    assert one.seen == pytest.approx(100, rel=1)
    fail(one, range(6000, 6020), 30)
    one.pass_to(21)
    assert one.seen == pytest.approx(20, rel=0.7)


def test_weights_of_a_flood_upon_an_ebb() -> None:
    """Logins remembered more coarsely than the window is now keep their weight when it thins out anew."""
    one = fresh()
    fail(one, range(100_000), 10)
    heavy = one.state().level
    for name in list(one.state().logins)[40:]:
        one.forget(name)
    for _ in range(heavy):
        one.pass_to(10)
    assert one.state().level == 0
    fail(one, range(200_000, 201_000), 20)
    assert one.seen == pytest.approx((40 << heavy) + 1000, rel=0.4)


def test_counts_have_a_limit() -> None:
    """However many counts there are, a record holds so many; none is lost, and none stays long after its time."""
    one = fresh()
    for at in range(10_000):
        one.count(1, at)
    state = one.state()
    assert len(state.counts) <= window.CELLS
    assert one.seen == 10_000
    assert state.width_ms <= 10_000 // 100
    one.pass_to(5000)
    assert 5000 <= one.seen <= 5000 + state.width_ms
    one.pass_to(10_000 + state.width_ms)
    assert one.seen == 0


def test_fewer_counts_are_exact_again() -> None:
    """When counts are few again, their times are exact again."""
    one = fresh()
    for at in range(10_000):
        one.count(1, at)
    for _ in range(20):
        one.pass_to(20_000)
    one.count(1, 30_001)
    one.pass_to(30_002)
    assert one.seen == 0


def test_a_record_stays_small() -> None:
    """A full window, each login with every code it has room for, is well below what a batch takes."""
    one = fresh()
    for name in range(20 * window.LOGINS):
        for code in range(window.CODES):
            one.failed(
                f"7000000042/{name:010}", code, 1_790_000_000_000, entered=True, account=f"7000000042/{name:010}"
            )
    for at in range(1000):
        one.count(1000, 1_790_000_000_000 + at * 1000)
    assert len(encode(one.state())) < 400_000


def test_the_sample_is_the_same_everywhere() -> None:
    """Which logins are remembered follows from their names alone."""
    one, other = fresh(), fresh()
    fail(one, range(3000), 10)
    fail(other, reversed(range(3000)), 10)
    assert set(one.state().logins) == set(other.state().logins)


@dataclass
class Model:
    """The window told with a plain list of what was heard, in order."""

    heard: list[tuple[str, str, int, int, bool]] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)

    def numbers(self, since: int) -> tuple[int, ...]:
        heard = [one for one in self.heard if one[3] >= since]
        return (
            len({name for _, name, _, _, _ in heard}) + sum(count for count, at in self.counts if at >= since),
            *(len(self._failing(code, since)) for code in CODES),
            *(
                len({name for kind, name, its, _, new in heard if kind == "failed" and its == code and new})
                for code in CODES
            ),
        )

    def _failing(self, code: int, since: int) -> set[str]:
        failing: dict[str, int] = {}
        for kind, name, its, at, _ in self.heard:
            if its == code and kind == "left":
                failing.pop(name, None)
            elif its == code:
                failing[name] = max(at, failing.get(name, at))
        return {name for name, at in failing.items() if at >= since}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["failed", "failed", "entered", "left", "count", "reread"]),
        st.integers(0, 4),
        st.sampled_from(CODES),
        st.sampled_from([0, 0, 1, 400, 600, -400]),
    ),
    max_size=40,
)


@given(STEPS)
def test_numbers_are_those_of_plain_sets(steps: list[tuple[str, int, int, int]]) -> None:
    """Whatever is heard in whatever order, and whenever the window comes back from its record."""
    one, model, now = fresh(), Model(), SPAN
    for kind, login, code, later in steps:
        at = now + later
        now = max(now, at)
        name = f"c/{login}"
        one.pass_to(now - SPAN)
        if kind == "reread":
            one = reread(one)
        elif kind == "count":
            one.count(login, at)
            model.counts.append((login, at))
        elif kind == "left":
            one.left(name, code, at)
            model.heard.append((kind, name, code, at, False))
        else:
            one.failed(name, code, at, entered=kind == "entered", account=f"{name}/a")
            model.heard.append(("failed", name, code, at, kind == "entered"))
        assert numbers(one) == model.numbers(now - SPAN)


@given(st.integers(0, 2**32), st.lists(st.integers(0, 400), max_size=5))
def test_any_reading_back_gives_the_same_record(seed: int, cuts: list[int]) -> None:
    """Thinned out or not, a window goes on from its record as it would have without."""
    drawn = random.Random(seed)  # noqa: S311 - a reproducible mix of signals
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "LOGINS", 16)
        patch.setattr(window, "CELLS", 8)
        one, other = fresh(), fresh()
        for step in range(400):
            at, name = 5 * step + drawn.randint(-50, 0), f"c/{drawn.randint(0, 200)}"
            code, kind = drawn.choice(CODES), drawn.randint(0, 9)
            for each in (one, other):
                each.pass_to(max(0, 5 * step - (50 if step > 200 else 500)))
                if kind < 6:
                    each.failed(name, code, at, entered=kind < 4, account=name)
                elif kind < 8:
                    each.left(name, code, at)
                else:
                    each.uncount(name, at - 20)
                    each.count(kind, at)
            if step in cuts:
                other = reread(other)
        assert encode(one.state()) == encode(other.state())
        assert numbers(one) == numbers(other)


def test_a_window_is_empty_when_it_is_as_new() -> None:
    """Nobody is in it, nobody was counted, and it is as fine as can be."""
    assert fresh().is_empty
    assert not Window(WindowState(level=1)).is_empty
    assert not Window(WindowState(width_ms=2)).is_empty
    one = fresh()
    one.count(1, 5)
    assert not one.is_empty
    one.pass_to(6)
    assert one.is_empty
    fail(one, [1], 7)
    assert not one.is_empty


def test_a_window_is_given_up_a_week_later() -> None:
    """Seven days after its institution was heard of, or when all of a longer window lies behind."""
    heard = datetime(2026, 11, 1, 3, tzinfo=UTC)
    assert window.window_due(heard, timedelta(minutes=30)) == heard + timedelta(days=7)
    assert window.window_due(heard, timedelta(days=7)) == heard + timedelta(days=7, milliseconds=1)
