"""A sweep where an institution rests: its customers are put off, then waited for, and all others go on."""

import asyncio

import pytest

from streams.sweep import run
from streams.vendor import TryAgainError
from tests.unit.sweep.double import book_of, known
from tests.unit.sweep.test_run import CUSTOMERS, Bench

RESTS = TryAgainError("the vendor asked to wait with this institution", after_seconds=0.01, code=977)
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


async def test_only_so_many_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An institution may have most of all customers: past the limit they are waited for in their turn."""
    monkeypatch.setattr(run, "MAX_PUT_OFF", 2)
    bench = Bench({name: [RESTS] for name in CUSTOMERS})
    await asyncio.wait_for(bench.run.run(), 5)
    again = [name for name in CUSTOMERS[2:] for _ in range(2)]
    assert bench.asked == [*CUSTOMERS[:2], *again, *CUSTOMERS[:2]]
    assert bench.report.customers == 20


async def test_an_end_ends_the_wait() -> None:
    """A sweep that is asked to end does not wait for an institution."""
    bench = Bench({"1003": [LONG, LONG]})
    running = asyncio.create_task(bench.run.run())
    await bench.until_asked(21)
    bench.run.stop("SIGTERM asked for it")
    await asyncio.wait_for(running, 5)
    assert list(bench.report.failed) == ["1003"]
    assert bench.report.stopped == "SIGTERM asked for it"
