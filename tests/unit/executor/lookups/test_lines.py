"""The lines of look-ups that wait: what each may take, and who is in trouble."""

import asyncio
import logging

import pytest

from streams.executor.lookups.waiting import WaitingLines
from streams.executor.lookups.work import Work
from streams.executor.settings import LookupSettings
from tests.unit.executor.lookups.test_waiting import BAD, records, verify


def work() -> Work:
    """Give a look-up."""
    return Work.of(records(verify(BAD, 1))[0])


def test_no_line_takes_all_places() -> None:
    """Each may fill half of what the others leave, those of unknown institutions together as one."""
    waiting = WaitingLines(LookupSettings(max_waiting=16))
    for institution in ("1", "2", None):
        for _ in range(20):
            waiting.failed(work(), institution)
            waiting.answered("3")
    assert (len(waiting), waiting.is_full) == (8 + 4 + 2, False)


def test_an_institution_is_in_trouble_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; all that are not known count as one."""
    waiting = WaitingLines(LookupSettings(trouble_after=3))
    one = work()
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert waiting.failed(one, "102105")
            assert waiting.failed(one, "102105")
    assert waiting.is_troubled("102105")
    assert caplog.text.count("look-ups wait for institution 102105: the latest 3 tries were in vain") == 1
    waiting.answered("102105")
    assert not waiting.is_troubled("102105")
    for _ in range(5):
        waiting.failed(work(), None)
    assert waiting.is_troubled(None)


async def test_first_tries_wait_for_none_that_failed() -> None:
    """Of no known institution: one that had its try stands in line, and holds up no other's first one."""
    waiting = WaitingLines(LookupSettings())
    tried, fresh = work(), work()
    assert waiting.take(tried, None)
    assert waiting.take(fresh, None)
    assert waiting.failed(tried, None)
    async with asyncio.timeout(5), waiting.turn(tried) as in_line, waiting.turn(fresh) as first:
        assert (in_line, first) == (True, True)


def test_who_leaves_makes_room() -> None:
    """Once, and whoever does not wait makes none."""
    waiting = WaitingLines(LookupSettings(max_waiting=4))
    first = work()
    assert waiting.take(first, "1")
    assert waiting.take(work(), "1")
    assert waiting.take(work(), "1")
    waiting.answered("2")
    assert not waiting.take(work(), "1")
    waiting.leave(first)
    waiting.leave(first)
    waiting.leave(work())
    assert len(waiting) == 2
