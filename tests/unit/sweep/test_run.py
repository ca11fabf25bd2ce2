"""A run over all customers: who is read again, who failed, and what ends it before its end."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.kafka.log import LogUnavailable
from streams.pseudonyms import Kind
from streams.sweep.customer import TooManyDeletionsError
from streams.sweep.report import Findings, Report
from streams.sweep.resume import Order, State
from streams.sweep.run import ROUNDS, Sweep
from streams.vendor import AggregationFailedError, GoneError, MisconfiguredError, RefusedError, TryAgainError
from tests.written import NAMES, written_log

CUSTOMERS = [str(number) for number in range(1000, 1020)]
AWAY = TryAgainError("the vendor has trouble", after_seconds=0.0, is_passing=True, status=503)
UNREADABLE = TryAgainError("the answer is not what the API describes", after_seconds=3600.0, status=200)
BUSY = TryAgainError("the account is being refreshed", after_seconds=3600.0, code=325, status=500)


class Bench:
    """A run whose customers meet what is planned for them, once for each item."""

    def __init__(self, planned: dict[str, list[Exception]] | None = None, at_once: int = 1) -> None:
        self.planned = planned or {}
        self.asked: list[str] = []
        self.state = State("mark")
        self.report = Report()
        self.run = Sweep(Order(CUSTOMERS, self.state), self.step, self.report, at_once=at_once, stop_seconds=0.05)
        self.held = asyncio.Event()
        self.begun = asyncio.Semaphore(0)
        self.holds: Callable[[str], bool] = lambda _customer: False

    async def step(self, customer_id: str) -> Findings:
        self.asked.append(customer_id)
        self.begun.release()
        if self.holds(customer_id):
            await self.held.wait()
        if left := self.planned.get(customer_id):
            raise left.pop(0)
        return Findings(1)

    async def until_asked(self, count: int) -> None:
        """Return once so many customers were begun."""
        async with asyncio.timeout(5):
            for _ in range(count):
                await self.begun.acquire()


@pytest.mark.parametrize("at_once", [1, 8, 20])
async def test_all_customers_are_read(at_once: int) -> None:
    """Each once, however many at once; the mark is behind the last."""
    bench = Bench(at_once=at_once)
    await bench.run.run()
    assert sorted(bench.asked) == CUSTOMERS
    assert (bench.report.customers, bench.report.findings.accounts, bench.report.stopped) == (20, 20, None)
    assert (bench.state.through, bench.state.ahead, bench.state.again) == (CUSTOMERS[-1], [], [])


async def test_no_more_than_asked_for_are_read_at_once() -> None:
    """The limit is of customers, so of calls too."""
    bench = Bench(at_once=3)
    bench.holds = lambda _customer: len(bench.asked) <= 3
    running = asyncio.create_task(bench.run.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(bench.asked) == 3
    bench.held.set()
    await asyncio.wait_for(running, 5)
    assert len(bench.asked) == 20


@pytest.mark.parametrize("error", [AWAY, UNREADABLE, BUSY])
async def test_passing_trouble_is_tried_once_more_at_the_end(error: Exception) -> None:
    """A customer in trouble holds nobody up, and is read when all others were."""
    bench = Bench({"1003": [error]})
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.asked == [*CUSTOMERS, "1003"]
    assert (bench.report.failed, bench.report.customers, bench.state.again) == ({}, 20, [])


async def test_trouble_at_both_tries_is_a_failure() -> None:
    """It is told with its reason, and left for the run that goes on."""
    bench = Bench({"1003": [UNREADABLE, UNREADABLE]})
    await bench.run.run()
    assert bench.report.failed == {"1003": str(UNREADABLE)}
    assert (bench.report.customers, bench.state.again, bench.report.stopped) == (19, ["1003"], None)


async def test_after_the_last_customer_nobody_waits() -> None:
    """There is nobody left whom the trouble would concern."""
    bench = Bench({"1019": [AWAY, TryAgainError("too many calls", after_seconds=3600.0, status=429)]})
    await asyncio.wait_for(bench.run.run(), 5)
    assert list(bench.report.failed) == ["1019"]


@pytest.mark.parametrize("error", [AggregationFailedError(185), GoneError("there is no such thing", status=404)])
async def test_what_does_not_pass_is_a_failure_at_once(error: Exception) -> None:
    """The same call would end the same way."""
    bench = Bench({"1003": [error]})
    await bench.run.run()
    assert (bench.report.failed, bench.asked) == ({"1003": str(error)}, CUSTOMERS)


async def test_a_failed_customer_that_is_read_by_the_next_run_has_not_failed() -> None:
    """The report is of how things stand."""
    bench = Bench({"1003": [UNREADABLE, UNREADABLE]})
    await bench.run.run()
    later = Sweep(Order(CUSTOMERS, bench.state), bench.step, bench.report)
    await later.run()
    assert (bench.report.failed, bench.report.customers, bench.state.again) == ({}, 20, [])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RefusedError("the vendor refuses the credentials"), "refuses the credentials.*txpush vendor show"),
        (MisconfiguredError("the vendor does not know the app key"), "does not know the app key.*txpush vendor show"),
        (TooManyDeletionsError(), "customer 1003: .*--max-deletions"),
        (LogUnavailable("Kafka did not acknowledge within 10 s"), "Kafka: Kafka did not acknowledge"),
        (KafkaConnectionError("no broker"), "Kafka: .*no broker"),
        (TimeoutError("account.health: not read within 30 s"), "Kafka: account.health: not read"),
    ],
)
async def test_what_concerns_all_ends_the_run(error: Exception, words: str) -> None:
    """The customer it was met at is not done, nor failed: the run that goes on begins with it."""
    bench = Bench({"1003": [error]})
    await bench.run.run()
    assert bench.asked == CUSTOMERS[:4]
    assert (bench.report.failed, bench.report.customers) == ({}, 3)
    assert bench.report.stopped is not None
    assert re.search(words, bench.report.stopped)
    assert Order(CUSTOMERS, bench.state).take() == "1003"


FORBIDDEN = MisconfiguredError("the vendor does not let us do this", status=403)


async def test_a_customer_who_is_forbidden_is_a_failed_customer() -> None:
    """HTTP 403 says nothing of the others: they are read, and the run that goes on tries that one again."""
    bench = Bench({"1003": [FORBIDDEN], "1005": [FORBIDDEN], "1007": [FORBIDDEN]})
    await bench.run.run()
    assert bench.asked == CUSTOMERS
    assert bench.report.failed == dict.fromkeys(("1003", "1005", "1007"), str(FORBIDDEN))
    assert (bench.report.stopped, bench.state.again) == (None, ["1003", "1005", "1007"])


async def test_where_all_are_forbidden_the_run_ends() -> None:
    """An app key without the product is refused for every customer: some rounds tell."""
    bench = Bench({one: [FORBIDDEN] for one in CUSTOMERS})
    await bench.run.run()
    assert bench.asked == CUSTOMERS[:ROUNDS]
    assert bench.report.stopped is not None
    assert "txpush vendor show" in bench.report.stopped


async def test_a_vendor_that_is_away_ends_the_run() -> None:
    """After some rounds without an answer, not after every customer has failed."""
    bench = Bench({one: [AWAY, AWAY] for one in CUSTOMERS}, at_once=2)
    await asyncio.wait_for(bench.run.run(), 5)
    assert bench.report.stopped is not None
    assert "no answer for 6 customers in a row" in bench.report.stopped
    assert ROUNDS * 2 <= len(bench.asked) < len(CUSTOMERS)
    assert bench.report.failed == {}


async def test_an_answer_between_ends_the_row() -> None:
    """Trouble now and then is no outage."""
    bench = Bench({one: [AWAY] for one in CUSTOMERS[::2]})
    await asyncio.wait_for(bench.run.run(), 5)
    assert (bench.report.stopped, bench.report.customers) == (None, 20)


async def test_while_the_vendor_asks_to_wait_nobody_asks() -> None:
    """All rest until its time is over; an end that is asked for ends the rest."""
    limited = TryAgainError("too many calls", after_seconds=3600.0, status=429)
    bench = Bench({"1000": [limited]}, at_once=4)
    running = asyncio.create_task(bench.run.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert bench.asked == CUSTOMERS[:4]
    bench.run.stop("asked for")
    await asyncio.wait_for(running, 5)
    assert (bench.asked, bench.report.stopped) == (CUSTOMERS[:4], "asked for")


async def test_an_end_lets_customers_under_way_finish() -> None:
    """What has been read is told and counted."""
    bench = Bench(at_once=2)
    bench.run.stop_seconds = 5
    bench.holds = lambda _customer: True
    running = asyncio.create_task(bench.run.run())
    await bench.until_asked(2)
    bench.run.stop("SIGTERM asked for it")
    bench.held.set()
    await asyncio.wait_for(running, 5)
    assert (bench.report.customers, bench.state.through) == (2, "1001")
    assert bench.report.stopped == "SIGTERM asked for it"


async def test_an_end_waits_no_longer_than_it_may() -> None:
    """A customer that hangs is given up, and read again by the run that goes on."""
    bench = Bench(at_once=2)
    bench.holds = lambda customer: customer == "1000"
    running = asyncio.create_task(bench.run.run())
    await bench.until_asked(20)
    bench.run.stop("SIGTERM asked for it")
    await asyncio.wait_for(running, 5)
    assert (bench.state.through, bench.state.ahead[:2]) == ("", ["1001", "1002"])


async def test_the_first_reason_is_told() -> None:
    """What follows from an end is none."""
    bench = Bench()
    bench.run.stop("first")
    bench.run.stop("second")
    await bench.run.run()
    assert (bench.report.stopped, bench.asked) == ("first", [])


async def test_what_nobody_expected_is_raised() -> None:
    """A fault of ours is no customer's failure."""
    bench = Bench({"1003": [ZeroDivisionError("a fault")]}, at_once=4)
    with pytest.raises(ZeroDivisionError):
        await bench.run.run()


async def test_every_customer_is_a_step() -> None:
    """Progress moves on with failures as well."""
    steps: list[Any] = []
    bench = Bench({"1003": [AggregationFailedError(185)]})
    bench.run.on_step = lambda: steps.append(bench.report.customers)
    await bench.run.run()
    assert len(steps) == 20


async def test_the_log_names_customers_by_pseudonyms() -> None:
    """Who is read again and who failed can be found by `txpush pseudonym`; the report has the ids."""
    with written_log() as written:
        written.begin()
        bench = Bench({"1003": [AWAY], "1007": [GoneError("no such customer")], "1009": [AWAY, AWAY]})
        await asyncio.wait_for(bench.run.run(), 5)
        told = [NAMES.name(Kind.CUSTOMER, one) for one in ("1003", "1007", "1009", "1009")]
        lines = [line["event"] for line in written.of("streams.sweep.run")]
        assert sorted(line.split(" ")[1] for line in lines) == sorted(told)
        assert written.named([f"customer {one}" for one in CUSTOMERS]) == []
    assert set(bench.report.failed) == {"1009"} | ({"1007"} & set(bench.report.failed))
