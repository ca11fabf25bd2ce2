"""Each way to tamper with what decisions have said is found, and named in one line with its place."""

import orjson
import pytest

from streams.audit.faults import Kind
from streams.history import Place
from streams.history.forgotten import WITHHELD, forgotten_by
from streams.kafka.topics import CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS, LOOKUP, SIGNALS, TICKETS
from streams.testing.broker import Record
from tests.unit.audit.tape import PARTITIONS, Tape, faults, recorded
from tests.unit.audit.test_tampering import flipped

CONNECT_FIX = CUSTOMER_COMMANDS[0]
COMMANDS = pytest.mark.parametrize("topic", [CONNECT_FIX, TICKETS, LOOKUP])


def named(tape: Tape, record: Record, name: str) -> str:
    """Give the id of a message as it may be told: not that of who was forgotten."""
    forgotten = set(forgotten_by(one for _, one in tape.there(EVENTS)))
    return WITHHELD if (record.key or b"").decode() in forgotten else name


@COMMANDS
async def test_a_forged_command(topic: str) -> None:
    """No decision names it, wherever it stands; its id may be that of who was forgotten in what is recorded."""
    for number in (0, 3, -1):
        tape = recorded()
        place, record = tape.there(topic)[number]
        headers = [(name, b"forged:0" if name == "ce_id" else value) for name, value in record.headers]
        tape.insert(place, record._replace(headers=tuple(headers)))
        (fault,) = await faults(tape)
        assert str(fault) == f"forged: {place} at {record.offset}: no decision names message '{WITHHELD}'"


@COMMANDS
async def test_a_missing_command(topic: str) -> None:
    """The decision that names it is named."""
    for number in (0, 3, -1):
        tape = recorded()
        place, record = tape.there(topic)[number]
        tape.remove(place, record.offset)
        (fault,) = await faults(tape)
        name = named(tape, record, dict(record.headers)["ce_id"].decode())
        assert str(fault).startswith(f"missing: {place}: message {name} of decision ")


@COMMANDS
async def test_a_changed_command(topic: str) -> None:
    """In its data, its key, its headers or its time."""
    tape = recorded()
    place, record = tape.there(topic)[3]
    others = (
        {"value": flipped(record.value, 30)},
        {"key": flipped(record.key, 1)},
        {"headers": record.headers[:-1]},
        {"headers": (*record.headers[:5], ("ce_subject", b"customers/1"), *record.headers[6:])},
        {"timestamp": record.timestamp + 1},
    )
    for changes in others:
        tape.put(place, record._replace(**changes))
        (fault,) = await faults(tape)
        assert (fault.kind, fault.place, fault.offset) == (Kind.CHANGED, place, record.offset)


@COMMANDS
async def test_a_command_that_was_moved(topic: str) -> None:
    """To another partition, and within its own."""
    tape = recorded()
    place, record = tape.there(topic)[1]
    other = Place(topic, (place.partition + 1) % PARTITIONS)
    tape.remove(place, record.offset)
    tape.append(other, record)
    (fault,) = await faults(tape)
    assert (fault.kind, fault.place) == (Kind.MOVED, place)
    assert str(fault).endswith(f"it is in {other} at {len(tape.records[other]) - 1}")
    tape = recorded()
    tape.swap(place, record.offset, tape.there(topic)[2][1].offset)
    (fault,) = await faults(tape)
    assert (fault.kind, fault.place) == (Kind.MOVED, place)


async def test_a_command_written_twice() -> None:
    """The second copy has no decision of its own."""
    tape = recorded()
    place, record = tape.there(CONNECT_FIX)[5]
    tape.append(place, record)
    (fault,) = await faults(tape)
    assert (fault.kind, fault.offset) == (Kind.FORGED, len(tape.records[place]) - 1)


async def test_a_forged_signal() -> None:
    """With a name that no decision has, or one that another has already."""
    for name in (b"0/41/7", b"nonsense", None):
        tape = recorded()
        signals = tape.there(SIGNALS, chosen=lambda one: ("ce_type", b"institution.login.failing") in one.headers)
        place, record = next(one for one in signals if one[1].headers[1][1].startswith(b"0/"))
        headers = record.headers if name is None else (record.headers[0], ("ce_id", name), *record.headers[2:])
        tape.append(place, record._replace(headers=headers))
        found = [one for one in await faults(tape) if one.kind is Kind.FORGED]
        assert [(one.place, one.offset) for one in found] == [(place, len(tape.records[place]) - 1)]


async def test_a_forged_announcement_of_an_incident() -> None:
    """One that the institution agent has never decided on, though it is not decided on here either."""
    tape = recorded()
    place, record = tape.there(EVENTS, chosen=lambda one: ("ce_type", b"institution.incident.opened") in one.headers)[0]
    headers = (record.headers[0], ("ce_id", b"incident:102101/102/7"), *record.headers[2:])
    tape.append(place, record._replace(headers=headers))
    (fault,) = await faults(tape)
    assert str(fault) == (
        f"forged: {place} at {len(tape.records[place]) - 1}: no decision names the announcement 'incident:102101/102/7'"
    )


async def test_an_announcement_told_twice_is_none() -> None:
    """After a crash it may be: it says the same."""
    tape = recorded()
    place, record = tape.there(EVENTS, chosen=lambda one: ("ce_type", b"institution.incident.opened") in one.headers)[0]
    tape.append(place, record)
    assert await faults(tape) == []


async def test_a_missing_and_a_changed_dead_letter() -> None:
    """Each record that was set aside has its letter, with the reason and the hash of what it was."""
    tape = recorded()
    place, record = tape.there(DEAD_LETTER)[0]
    letter = orjson.loads(record.value or b"")
    for name, value in (("reason", "bad_time"), ("body_sha256", "0" * 64)):
        tape.put(place, record._replace(value=orjson.dumps(letter | {name: value})))
        assert [one.kind for one in await faults(tape)] == [Kind.CHANGED]
    tape.remove(place, record.offset)
    assert [one.kind for one in await faults(tape)] == [Kind.MISSING]
