"""Reading what commands cannot do without has an end, and words for who waits."""

import asyncio
from collections.abc import Mapping

import pytest
from aiokafka import TopicPartition

from streams.kafka.topics import AGENT, EVENTS
from streams.operate.moving import drained
from streams.operate.reading import within
from streams.operate.writing import OperateError
from tests.component.operate.overrides.log import Log, Record

PLACE = TopicPartition(EVENTS, 0)


async def test_what_takes_too_long_is_refused_in_words() -> None:
    """Those that say what to do."""
    with pytest.raises(OperateError, match="look at the lag"):
        async with within(0.01, "look at the lag"):
            await asyncio.Event().wait()


async def test_a_time_out_of_a_client_is_told_as_what_it_is() -> None:
    """Where no broker answers there is no lag to be looked at."""
    with pytest.raises(TimeoutError, match="no broker"):
        async with within(5.0, "look at the lag"):
            raise TimeoutError("no broker")


def at_rest(monkeypatch: pytest.MonkeyPatch, log: Log, read: Mapping[TopicPartition, int]) -> None:
    """Have nobody work, and the agent have read its log so far."""

    async def positions(_bootstrap: str) -> Mapping[str, Mapping[TopicPartition, int]]:
        return {group: read if group == AGENT else {} for group in drained.READERS}

    monkeypatch.setattr(drained, "_positions", positions)
    monkeypatch.setattr(drained, "committed_reader", log.reader)


async def test_rest_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition that nobody leads gives neither a record nor an error."""
    at_rest(monkeypatch, Log([Record(EVENTS, 0, 0, b"7", b"{}")], {PLACE: 1}), {})
    monkeypatch.setattr(drained, "READ_SECONDS", 0.05)
    with pytest.raises(OperateError, match="has no leader; look at the brokers"):
        await asyncio.wait_for(drained.require_rest("", 1), 5.0)


async def test_what_was_not_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By group, partition and offset; what was read is not."""
    log = Log([Record(EVENTS, 0, number, b"7", b"{}") for number in range(3)])
    at_rest(monkeypatch, log, {PLACE: 2})
    with pytest.raises(OperateError, match=f"{AGENT} has not read {EVENTS}/0 from offset 2 on"):
        await drained.require_rest("", 1)
    at_rest(monkeypatch, log, {PLACE: 3})
    await drained.require_rest("", 1)
