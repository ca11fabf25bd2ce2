"""The rules as `streams` has them and as the oracle states them say the same of random histories."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context

import pytest

from schemas.policy import Contact, Policy
from streams.domain import around
from streams.domain.institutions import Window, gathering, tickets
from streams.fold.inforce import InForce
from tests.oracle import core
from tests.oracle.judging import differing, differing_signals

Judge = Callable[[int], str]
Patch = pytest.MonkeyPatch

QUICK = 50
"""Histories of a sort in every run."""
ENOUGH = 120
"""Planted faults are found in so many."""
CUSTOMERS, SIGNALS = 10_000, 5_000
PROCESSES = 2
AT_ONCE = 25
"""Histories that a process judges before it says something."""
TOLD = 3
"""Differences that are enough to begin with."""


def differences(judge: Judge, seeds: range) -> list[str]:
    """Judge histories one after the other; give the differences in words."""
    return [told for seed in seeds if (told := judge(seed))]


def shared(judge: Judge, count: int) -> list[str]:
    """Judge the first `count` histories in several processes; give the first differences, and stop at these."""
    parts = [range(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE)]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes:
        judged = chain.from_iterable(processes.map(partial(differences, judge), parts))
        told = list(islice(judged, TOLD))
        processes.shutdown(cancel_futures=True)
    return told


def found(judge: Judge) -> Iterator[int]:
    """Give the seeds with a difference, lazily."""
    return (seed for seed in range(ENOUGH) if judge(seed))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("judge", [differing, differing_signals])
def test_both_say_the_same(judge: Judge) -> None:
    """Every message has the same id, time and content in both, and none is in one of them only."""
    assert shared(judge, QUICK) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("judge", "count"), [(differing, CUSTOMERS), (differing_signals, SIGNALS)])
def test_both_say_the_same_of_many_histories(judge: Judge, count: int) -> None:
    """The same, of as many histories as fit some minutes."""
    assert shared(judge, count) == []


def one_hour_less(patch: Patch) -> None:
    """R8 with 23 h between contacts."""
    shorter = Policy(contact=Contact(cooldown_hours=23))
    patch.setattr(core, "SHIPPED", InForce.of(shorter, core.CATALOGUE))


def over_an_hour_later(patch: Patch) -> None:
    """R9 with an incident that nobody closes over two hours after its longest time, not one."""
    patch.setattr(around, "CLOSING_GRACE", timedelta(hours=2))


def otp_counts(patch: Patch) -> None:
    """R9 with OTP logins among those seen until they were marked."""
    patch.setattr(Window, "forget", lambda _self, _login: None)


def seven_days_less(patch: Patch) -> None:
    """R11 with five logins within somewhat less than 7 days."""
    patch.setattr(gathering, "WITHIN", gathering.WITHIN - timedelta(milliseconds=1))


def left_still_stands(patch: Patch) -> None:
    """R10 with the quiet period from the first login that leaves."""
    leave = tickets.leave
    patch.setattr(
        "streams.domain.institutions.decision.leave",
        lambda state, key, ticket, login, at: leave(state, key, ticket, login, at - timedelta(milliseconds=1)),
    )


@pytest.mark.parametrize(
    ("judge", "plant"),
    [
        (differing, one_hour_less),
        (differing, over_an_hour_later),
        (differing_signals, otp_counts),
        (differing_signals, seven_days_less),
        (differing_signals, left_still_stands),
    ],
)
def test_a_planted_fault_is_found(judge: Judge, plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """A fault in one of both does not stay hidden from the quick histories."""
    plant(monkeypatch)
    assert next(found(judge), None) is not None
