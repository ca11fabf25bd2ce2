"""Look-ups that nobody can answer: their dead letters stand before they are acknowledged, and show ids alone."""

import asyncio
import hashlib
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from schemas.audit import DeadLetter
from streams.kafka.log import LogUnavailable
from streams.subscribe.core import RawRecord
from streams.vendor import AggregationFailedError, InvalidRequestError
from tests.unit.executor.double import AT, CUSTOMER, LOGIN
from tests.unit.executor.lookups.build import ASKED_MS, PLACE, A, B, EndlessSource, World, asked, ended, lookup, until

USELESS = InvalidRequestError("a field is not valid", code=10010, status=400)
NO_LOOKUP = json.dumps({"action": "verify", "customer_id": CUSTOMER, "institution_login_id": "Jane Doe", "note": "x"})


def letters(world: World) -> list[DeadLetter]:
    """Give the dead letters so far."""
    written = [one for one in world.log.records if one.topic == "aggregation.dead-letter"]
    return [DeadLetter.model_validate_json(one.value) for one in written]


async def test_what_the_vendor_cannot_use() -> None:
    """Codes 10005 and 10010: what was asked about whom, why in words, and the place that it came from."""
    world = World()
    world.vendor.failures = [USELESS]
    world.ask(lookup(A, B))
    await world.run()
    (letter,), (record,) = letters(world), world.log.records
    assert (letter.reason, letter.detail) == ("request_refused", "a field is not valid (code 10010, HTTP 400)")
    assert (letter.origin, letter.received_at, record.key) == ("remediation.lookup/0/0", AT, CUSTOMER.encode())
    shown = {"customer_id": CUSTOMER, "institution_login_id": LOGIN, "account_ids": [A, B], "action": "locate"}
    assert json.loads(letter.reduced or "") == shown
    assert letter.body_sha256 == hashlib.sha256(lookup(A, B)).hexdigest()
    assert (world.count("failed"), world.topic.committed) == (1, {PLACE: 1})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NO_LOOKUP.encode(), {"customer_id": CUSTOMER, "action": "verify"}),
        (b'{"account_ids": ["5900000001", "Jane Doe", {}], "action": "Jane"}', {"account_ids": [A]}),
        (b'{"customer_id": {"name": "Jane Doe"}, "action": ["verify"]}', None),
        (b'["Jane Doe"]', None),
        (b"\xff Jane Doe", None),
        (b"", None),
    ],
)
async def test_what_is_no_look_up(value: bytes, shown: dict[str, Any] | None) -> None:
    """Of a record that cannot be read only what is an id is shown; the next one is answered."""
    world = World()
    world.ask(value)
    world.ask(lookup(A))
    await world.run()
    (letter,) = letters(world)
    assert (letter.reason, letter.origin) == ("bad_data", "remediation.lookup/0/0")
    assert (None if letter.reduced is None else json.loads(letter.reduced)) == shown
    assert "Jane" not in letter.model_dump_json()
    assert (world.value("unreadable_records"), world.count("answered"), world.topic.committed) == (1, 1, {PLACE: 2})


async def test_a_fault_of_ours() -> None:
    """What an unexpected error says may name somebody: the letter has its kind alone."""
    world = World()
    world.vendor.failures = [KeyError("Jane Doe")]
    world.ask(lookup(A))
    await world.run()
    (letter,) = letters(world)
    assert (letter.reason, letter.detail) == ("decision_failed", "KeyError: the log of the executor has the place")


async def test_what_a_bank_refuses_is_no_dead_letter() -> None:
    """An aggregation code is an answer, though not one that can be told."""
    world = World()
    world.vendor.failures = [AggregationFailedError(185)]
    world.ask(lookup(A))
    await world.run()
    assert (letters(world), world.count("failed")) == ([], 1)


@pytest.mark.parametrize("value", [lookup(A), b"{"])
async def test_nothing_is_acknowledged_before_it_stands(value: bytes) -> None:
    """While Kafka does not take the letter the look-up stays in hand, and is tried again."""
    source = EndlessSource([asked(1)[0]._replace(value=value)])
    world = World(source=source)
    world.vendor.accounts = {A: USELESS}
    world.log.failures = [LogUnavailable("away")] * 3
    running = asyncio.create_task(world.run())
    await until(lambda: source.committed == {PLACE: 1})
    assert (world.log.failures, len(letters(world)), world.value("lookup_retries")) == ([], 1, 3)
    await ended(running)


async def test_a_crash_before_the_acknowledgement() -> None:
    """Two letters, the same to the byte, so that a reader sees them as one."""
    world, other = World(), World()
    for one in (world, other):
        one.vendor.failures = [USELESS]
        one.ask(lookup(A))
        await one.run()
    assert world.log.records == other.log.records


@pytest.mark.parametrize("timestamp_ms", [-(2**62), -1, 0, 2**62])
async def test_a_record_without_a_time(timestamp_ms: int) -> None:
    """A timestamp that is no time, which a broker may take, stops nothing; the letter is kept from its writing on."""
    source = EndlessSource([RawRecord(PLACE, 0, b"{", timestamp_ms), RawRecord(PLACE, 1, lookup(A), ASKED_MS)])
    world = World(source=source)
    running = asyncio.create_task(world.run())
    await until(lambda: source.committed == {PLACE: 2})
    (letter,) = letters(world)
    assert letter.origin == "remediation.lookup/0/0"
    assert world.log.records[0].timestamp_ms is None
    await ended(running)


async def test_a_letter_that_cannot_be_made(caplog: pytest.LogCaptureFixture) -> None:
    """The place is logged, nothing of the content is, and the next look-up is answered."""
    world = World()
    world.log.failures = [ZeroDivisionError("Jane Doe")]
    world.ask(b"{")
    world.ask(lookup(A))
    with caplog.at_level(logging.ERROR):
        await world.run()
    assert (letters(world), world.count("answered"), world.topic.committed) == ([], 1, {PLACE: 2})
    assert "remediation.lookup/0/0 cannot be set aside: ZeroDivisionError at " in caplog.text
    assert "Jane" not in caplog.text


@pytest.mark.parametrize("off", [timedelta(days=2), -timedelta(days=2)])
async def test_a_letter_that_nobody_takes_for_a_day(off: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    """What is no look-up is tried no longer than look-ups are; one from days ahead would never be old enough."""
    world = World()
    world.log.failures = [LogUnavailable("away")] * 2
    world.ask(b"{", AT - off)
    world.ask(b"{", AT)
    await world.run()
    (letter,) = letters(world)
    assert letter.origin == "remediation.lookup/0/1"
    assert "remediation.lookup/0/0 is passed by, and not set aside" in caplog.text
    assert world.topic.committed == {PLACE: 2}


async def test_a_look_up_from_days_ahead_is_passed_by() -> None:
    """Else it could be tried for ever."""
    world = World()
    world.ask(lookup(A), AT + timedelta(days=2))
    await world.run()
    assert (world.count("too_old"), world.vendor.asked) == (1, [])
