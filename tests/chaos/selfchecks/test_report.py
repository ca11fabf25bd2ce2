"""What a run is reported to have held and missed is what it held and missed."""

import pytest

from tests.chaos.actors.fleet import PARTITIONS
from tests.chaos.check.compare import Findings
from tests.chaos.check.markers import Marker
from tests.chaos.report.outages import Window, longest_gap
from tests.chaos.report.soak import EVENTS_OF_ONE, Memory, Sample, check_memory, memory, profile_of


def commits(partition: int, *times: float) -> list[Marker]:
    """Give commits of a partition."""
    return [Marker("topic", partition, (1, 1), committed=True, at=at) for at in times]


def test_the_longest_gap_is_that_of_the_worst_partition() -> None:
    """From the last commit before the window on; a partition without any was silent all the time."""
    steady = [one for number in range(1, PARTITIONS) for one in commits(number, *(at / 2 for at in range(60)))]
    window = Window("case", 10.0, 20.0)
    assert longest_gap([*steady, *commits(0, 9.0, 13.5, 14.0, 19.0, 30.0)], window) == 5.0
    assert longest_gap([*steady, *commits(0, 9.0, 12.0, 15.0, 19.0)], window) == 4.0
    assert longest_gap([*steady, *commits(0, 9.5)], window) == 10.5


def lived(*lives: list[float]) -> list[Sample]:
    """Give samples of a worker that was killed after each of some lives, one every half minute."""
    held = [(mb, start) for start, life in enumerate(lives) for mb in life]
    return [
        Sample(30.0 * number, 0, {"agent-0": mb}, {"agent-0": float(start)})
        for number, (mb, start) in enumerate(held, start=1)
    ]


def test_who_is_killed_is_judged_by_a_long_life() -> None:
    """A step at a start is no growth where the life after it is flat; growth in a life is, and so are short lives."""
    steps = lived([100.0] * 40, [130.0] * 40, [155.0] * 41)
    assert [one.is_flat for one in memory(steps)] == [True]
    growing = lived([100.0] * 40, [100.0 + 2 * n for n in range(60)])
    assert [one.is_flat for one in memory(growing)] == [False]
    short = lived(*([100.0 + 10 * n] * 8 for n in range(15)))
    assert [one.is_flat for one in memory(short)] == [False]
    assert str(memory(steps)[0]) == "130 MB, then 155 MB; in a long life 155 MB, then 155 MB"
    from_start_to_start = lived([100.0] * 40, [150.0] * 40, [200.0] * 40)
    assert [one.is_flat for one in memory(from_start_to_start)] == [False]
    later = lived([100.0] * 40, [130.0 + 2 * n for n in range(40)])
    assert [one.is_flat for one in memory(later)] == [False]


@pytest.mark.parametrize(("last", "flat"), [(100.0, True), (109.0, True), (120.0, False)])
def test_memory_is_flat_where_the_last_third_holds_no_more(last: float, flat: bool) -> None:  # noqa: FBT001 - a column
    """The first third may grow; the last is held against the one before it."""
    held = [50.0] * 20 + [100.0] * 20 + [last] * 20
    samples = [Sample(30.0 * number, 0, {"agent-0": mb}) for number, mb in enumerate(held, start=1)]
    (judged,) = memory(samples)
    assert judged.is_flat is flat


@pytest.mark.parametrize("minutes", [3, 10, 90])
def test_a_soak_has_a_fault_every_minute(minutes: int) -> None:
    """And none in the last two, so that lag can return to zero."""
    profile = profile_of(minutes, 500.0)
    assert sum(profile.counts.values()) == minutes - 2
    assert profile.notifications == int(minutes * 60 * 500 / EVENTS_OF_ONE)


@pytest.mark.parametrize(("last", "workers", "times"), [(100, 1, 0), (120, 1, 1), (100, 2, 1)])
def test_a_worker_that_grows_or_is_unknown_is_told(last: float, workers: int, times: int) -> None:
    """A soak without samples of a worker is no soak of it."""
    findings = Findings()
    check_memory(findings, [Memory("agent-0", 100, last)], ["agent-0", "bridge-0"][:workers])
    assert findings.faults["memory_grows"] == times
