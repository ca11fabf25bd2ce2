"""A sweep where an institution rests: its customers are put off, so many of them, and all others go on."""

import asyncio

import pytest

from streams.sweep import run
from streams.sweep.resume import Order
from streams.sweep.run import ROUNDS, Sweep
from streams.vendor import GoneError, TryAgainError
from tests.unit.sweep.double import book_of, known
from tests.unit.sweep.test_run import CUSTOMERS, UNREADABLE, Bench

RESTS = TryAgainError("the vendor asked to wait with this institution", after_seconds=0.01, code=977)
GONE = GoneError("there is no such thing", status=404)
LONG = TryAgainError("the vendor asked to wait with this institution", after_seconds=3600.0, code=977)


def test_the_institutions_of_a_customer() -> None:
    """Those of the accounts that are known, but for deleted ones and those without any."""
    accounts = [known(), known("2", institution_id=None), known("3", institution_id="9", is_deleted=True)]
    assert book_of(*accounts).institutions_of("7000000042") == {known().institution_id}


async def test_it_is_waited_for_at_the_end() -> None:
    """Nobody fails by a rest that was told twice: it is over before the second reading."""
    bench = Bench({"1003": [RESTS, RESTS], "1007": [RESTS]})
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.asked == [*CUSTOMERS, "1003", "1003", "1007"]
    assert (bench.report.failed, bench.report.customers) == ({}, 20)


async def test_a_rest_that_does_not_end_is_a_failure() -> None:
    """After the wait it is read once more, and then left for the run that goes on."""
    bench = Bench({"1003": [RESTS] * 4})
    await asyncio.wait_for(bench.run.run(), 5)
    assert (list(bench.report.failed), bench.report.customers, bench.report.stopped) == (["1003"], 19, None)


async def test_rests_that_do_not_end_are_not_waited_for_for_ever() -> None:
    """After some rounds in vain the others fail at once: thousands may have been put to the end."""
    names = CUSTOMERS[3:8]
    bench = Bench({name: [RESTS] * 4 for name in names})
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.asked == [*CUSTOMERS, *(name for name in names[:ROUNDS] for _ in range(2)), *names[ROUNDS:]]
    assert (list(bench.report.failed), bench.report.stopped) == (names, None)


async def test_only_so_many_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An institution may have most of all customers: past the limit they are left for the run that goes on."""
    monkeypatch.setattr(run, "MAX_PUT_OFF", 2)
    bench = Bench({name: [RESTS] for name in CUSTOMERS})
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.asked == [*CUSTOMERS, *CUSTOMERS[:2]]
    assert (list(bench.report.failed), bench.report.customers) == (CUSTOMERS[2:], 2)
    assert bench.state.again == CUSTOMERS[2:]


async def test_past_the_limit_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bank that rests for long holds up no customer of another one, however many of its own there are."""
    monkeypatch.setattr(run, "MAX_PUT_OFF", 2)
    resting = CUSTOMERS[:15]
    bench = Bench({name: [LONG, LONG] for name in resting}, at_once=4)
    running = asyncio.create_task(bench.run.run())
    await bench.until_asked(20)
    assert (bench.report.customers, list(bench.report.failed)) == (5, resting[2:])
    bench.run.stop("SIGTERM asked for it")
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("error", [RESTS, UNREADABLE])
async def test_the_limit_is_of_all_that_are_put_off(monkeypatch: pytest.MonkeyPatch, error: TryAgainError) -> None:
    """Whatever they are put off for; those that have failed, in this run or one before, take no place."""
    monkeypatch.setattr(run, "MAX_PUT_OFF", 2)
    bench = Bench({"1000": [GONE], "1001": [GONE], **{name: [error] for name in ("1003", "1005", "1007")}})
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.asked == [*CUSTOMERS, "1003", "1005"]
    assert list(bench.report.failed) == ["1000", "1001", "1007"]
    later = Bench({"1020": [error]})
    later.run = Sweep(Order([*CUSTOMERS, "1020", "1021", "1022"], bench.state), later.step, later.report, at_once=1)
    await asyncio.wait_for(later.run.run(), 5)
    assert later.asked == ["1020", "1021", "1022", "1000", "1001", "1007", "1020"]
    assert later.report.failed == {}


async def test_an_end_ends_the_wait() -> None:
    """A sweep that is asked to end does not wait for an institution."""
    bench = Bench({"1003": [LONG, LONG]})
    running = asyncio.create_task(bench.run.run())
    await bench.until_asked(21)
    bench.run.stop("SIGTERM asked for it")
    await asyncio.wait_for(running, 5)
    assert bench.report.failed == {}
    assert (bench.report.stopped, bench.state.again) == ("SIGTERM asked for it", ["1003"])
