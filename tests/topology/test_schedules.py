"""Seeded schedules of steps, deaths, sleeps and rebalances: what a committed reader sees is always the plain fold."""

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from streams.testing import Happened, OwnedPartition, Restless, Step
from tests.topology import schedules
from tests.topology.planted import PLANTED

QUICK = 50
MANY, PROCESSES, SHARE = 10_000, 2, 100
"""Schedules of the slow test, and how many a process takes at a time."""
HUNTED = 40
"""Schedules within which a planted fault has to be found."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def test_some_schedules() -> None:
    """Nothing is lost, doubled or half done, and nothing is written where it should not be."""
    happened, problems = schedules.check(range(QUICK))
    assert problems == []
    assert happened.others["woke as a zombie"] > QUICK


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_schedules(capsys: pytest.CaptureFixture[str]) -> None:
    """The same ten thousand times; every step is taken by zombies, and a worker dies and sleeps before each."""
    happened, problems = Happened(), []
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=logging.disable) as pool:
        for one, found in pool.map(schedules.check, [range(n, n + SHARE) for n in range(0, MANY, SHARE)]):
            happened.add(one)
            problems += found
    with capsys.disabled():
        print("\n" + "\n".join(happened.table()))  # noqa: T201 - the counts are the point
    assert problems == []
    reached = set(Step) - {Step.FENCE}
    assert [step for step in reached if not (happened.kills[step] and happened.pauses[step])] == []
    assert [step for step in reached if not happened.zombies[step]] == []
    assert [step for step in (Step.SEND, Step.OFFSETS, Step.COMMIT) if not happened.fenced[step]] == []


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_faults_are_found(planted: type[OwnedPartition]) -> None:
    """A fault in the order of steps shows in a few schedules: the test can fail."""
    assert any(_is_found(seed, planted) for seed in range(HUNTED))


def _is_found(seed: int, planted: type[OwnedPartition]) -> bool:
    try:
        return bool(schedules.run(seed, planted).problems())
    except (KeyError, Restless):  # the fault shows in the middle: the state does not hold together any more
        return True
