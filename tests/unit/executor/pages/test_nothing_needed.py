"""The way back with 201, a login that needed nothing: it is read once, so that the log hears of it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from schemas.commands import Action
from streams.kafka.log import LogUnavailable
from streams.vendor import TryAgainError
from tests.unit.executor.double import (
    ACCOUNT,
    AT,
    COMMAND,
    CUSTOMER,
    LINKS,
    LOGIN,
    OTHER,
    SETTINGS,
    Bench,
    message,
    snapshot,
)
from tests.waiting import until

BACK = f"/fix/{LINKS.token(COMMAND, AT)}/done?code=201&reason=error"
READ = ("login", CUSTOMER, LOGIN)


def opened() -> Bench:
    """Give pages with an open command whose login has one account."""
    made = Bench(replace(SETTINGS, link=replace(SETTINGS.link, command_burst=2)))
    made.hear(message())
    made.vendor.logins = {LOGIN: [snapshot()]}
    return made


async def begun_is_over() -> None:
    """Let whatever a request has begun come to its end."""
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        _, left = await asyncio.wait(others, timeout=5)
        assert not left


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = opened()
    async with made.client:
        yield made
    await made.rechecks.stop()


async def test_the_login_is_read_and_told_of(bench: Bench) -> None:
    """All its accounts go to the log as they stand; the customer is thanked, and waits for nothing."""
    bench.vendor.hold = asyncio.Event()
    answer = await bench.client.get(BACK)
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    bench.vendor.hold.set()
    await until(lambda: bench.log.records)
    assert bench.vendor.asked == [READ]
    (record,) = bench.log.records
    seen = json.loads(record.value)
    assert (seen["accountId"], seen["institutionLoginId"], seen["aggregationStatusCode"]) == (ACCOUNT, LOGIN, 0)
    assert bench.registry.get_sample_value("txpush_executor_observations_total") == 1


async def test_no_more_than_a_link_may_ask(bench: Bench) -> None:
    """The address opened again and again reads one at a time, and no more than the link may begin sessions."""
    bench.vendor.hold = asyncio.Event()
    for _ in range(5):
        await bench.client.get(BACK)
    bench.vendor.hold.set()
    await until(lambda: bench.log.records)
    for _ in range(5):
        assert (await bench.client.get(BACK)).status_code == 200
        await until(lambda: len(bench.log.records) == 2)
    assert bench.vendor.asked == [READ, READ]
    assert (await bench.client.post(BACK)).status_code == 429


@pytest.mark.parametrize("code", ["", "100", "200", "500", "1440", "2010"])
async def test_other_codes_read_nothing(bench: Bench, code: str) -> None:
    """A repair is told of by the vendor itself (R6), and the rest is none."""
    await bench.client.get(BACK.replace("201", code))
    await begun_is_over()
    assert bench.vendor.asked == []


async def test_only_for_an_open_command(bench: Bench) -> None:
    """Neither an ended one nor one that nobody knows is read for."""
    bench.hear(message(sequence=1, action=Action.COMPLETE))
    await bench.client.get(BACK)
    await bench.client.get(f"/fix/{LINKS.token(OTHER, AT)}/done?code=201")
    await begun_is_over()
    assert bench.vendor.asked == []


@pytest.mark.parametrize("error", [TryAgainError("busy", after_seconds=7), LogUnavailable("away")])
async def test_a_reading_that_fails(bench: Bench, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and nothing else: the command stays open, and reminders go on."""
    (bench.log if isinstance(error, LogUnavailable) else bench.vendor).failures = [error]
    with caplog.at_level(logging.WARNING):
        assert (await bench.client.get(BACK)).status_code == 200
        await until(lambda: "its command stays open" in caplog.text)
    assert CUSTOMER not in caplog.text


async def test_the_end() -> None:
    """What is being read ends with the process, and nothing is told of it."""
    bench = opened()
    bench.vendor.hold = asyncio.Event()
    async with bench.client:
        await bench.client.get(BACK)
    await until(lambda: bench.vendor.asked)
    await bench.rechecks.stop()
    bench.vendor.hold.set()
    await begun_is_over()
    assert (bench.vendor.asked, bench.log.records) == ([READ], [])
