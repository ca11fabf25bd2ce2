"""Contacts that have to wait, and what becomes too late or is withdrawn meanwhile."""

import logging

import pytest

from streams.subscribe.testing import START, CommandStory
from tests.unit.subscribe.bench import HOUR, Bench


async def test_an_expired_command_still_ends() -> None:
    """Too late for contact it is counted and told of; its later end is handed out."""
    bench, story = Bench(), CommandStory("1")
    bench.log.put(story.issue(), at=START)
    bench.clock.advance(25 * HOUR)
    assert await bench.run() == []
    assert bench.expired == [f"{story.command_id}:0"]
    bench.log.put(story.complete(), at=START)
    assert await bench.run() == ["1 complete"]
    assert bench.count("not_handed_out_total", reason="expired") == 1


async def test_contacts_pause_above_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """Above `max_per_hour` contacts wait and withdrawals do not; they go on as the hour slides, over a restart too."""
    caplog.set_level(logging.INFO, "streams.subscribe")
    bench = Bench(max_per_hour=2)
    told = CommandStory("9")
    bench.log.put(told.issue(), *(CommandStory(str(number)).issue() for number in range(3)), at=START)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == ["9 issue", "0 issue"]
        bench.log.put(told.withdraw(), at=START)
        assert await bench.handled(subscription) == ["9 withdraw"]
        assert (bench.count("contacts_paused"), bench.count("commands_waiting")) == (1, 2)
    bench.clock.advance(HOUR / 2)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == []
        bench.clock.advance(HOUR / 2)
        assert await bench.handled(subscription) == ["1 issue", "2 issue"]
    assert bench.count("contacts_paused") == 0
    assert bench.count("contact_pauses_total") == 2
    assert "max_per_hour is reached: 2 contacts wait until 2026-11-01 04:00:00" in caplog.text
    assert "contacts go on" in caplog.text


async def test_a_contact_that_waits_can_be_withdrawn_or_expire() -> None:
    """Waiting for its turn, a command that ends is dropped, and one whose time passes is told of."""
    bench = Bench(max_per_hour=1)
    first, ended, late = CommandStory("1"), CommandStory("2"), CommandStory("3")
    bench.log.put(first.issue(), ended.issue(), late.issue(), at=START)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == ["1 issue"]
        bench.log.put(ended.withdraw(), at=START)
        assert await bench.handled(subscription) == []
        bench.clock.advance(25 * HOUR)
        assert await bench.handled(subscription) == []
    assert bench.expired == [f"{late.command_id}:0"]


async def test_a_full_inbox_reads_no_further() -> None:
    """With `max_waiting` commands waiting nothing more is read until some have gone."""
    bench = Bench(max_waiting=2, max_per_hour=1)
    async with bench.started() as subscription:
        assert await bench.handled(subscription) == []
        bench.log.put(*(CommandStory(str(number)).issue() for number in range(3)), at=START)
        assert await bench.handled(subscription) == ["0 issue"]
        bench.log.put(CommandStory("3").issue(), at=START)
        assert await bench.handled(subscription) == []
        assert bench.count("commands_waiting") == 2
        bench.clock.advance(HOUR)
        assert await bench.handled(subscription) == ["1 issue"]
        assert bench.count("commands_waiting") == 2
