"""Look-ups that nobody can answer: their dead letters stand before they are acknowledged, and show ids alone."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from schemas.audit import DeadLetter
from streams.kafka.log import LogUnavailable
from streams.vendor import AggregationFailedError, InvalidRequestError
from tests.unit.executor.double import AT, CUSTOMER, LOGIN
from tests.unit.executor.lookups.build import PLACE, A, B, EndlessSource, World, asked, ended, lookup, until

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
