"""Each way to tamper with the logs and the decisions is found, and named in one line with its place."""

import hashlib

import orjson
import pytest

from schemas.state import encode
from streams.audit.faults import Kind
from streams.fold.chain import Chain
from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS
from streams.testing.broker import Record
from tests.unit.audit.tape import Tape, faults, recorded

LOGS = pytest.mark.parametrize("log", [EVENTS, SIGNALS])


def flipped(value: bytes | None, position: int, mask: int = 1) -> bytes:
    """Give a value with some bits of a byte flipped."""
    changed = bytearray(value or b"")
    changed[position] ^= mask
    return bytes(changed)


def one_of(tape: Tape, topic: str, number: int = 40) -> tuple[Place, Record]:
    """Give a record from the midst of a topic."""
    return tape.there(topic)[number]


async def first(tape: Tape) -> str:
    """Give the first fault."""
    return str((await faults(tape))[0])


@LOGS
async def test_a_flipped_bit_of_an_inbound_record(log: str) -> None:
    """The bit is named, as the roll fits with it flipped back."""
    tape = recorded()
    place, record = one_of(tape, log)
    tape.put(place, record._replace(value=flipped(record.value, 5, 8)))
    said = f"changed: {place} at {record.offset}: it was changed: with bit 3 of byte 5 flipped of its value it fits"
    assert (await first(tape)).startswith(said)


async def test_another_byte_of_an_inbound_record() -> None:
    """So is a byte that is another."""
    tape = recorded()
    place, record = one_of(tape, EVENTS)
    tape.put(place, record._replace(value=flipped(record.value, 5, 0xFF)))
    assert (await first(tape)).startswith(f"changed: {place} at {record.offset}: it was changed: with another byte 5")


@LOGS
async def test_another_key_header_or_time(log: str) -> None:
    """All of a record is rolled over, not its value alone."""
    for number, what in enumerate(("key", "header ce_id", "timestamp")):
        tape = recorded()
        place, record = tape.there(log, chosen=lambda one: one.key is not None)[20]
        name, value = record.headers[1]
        headers = (record.headers[0], (name, flipped(value, 2)), *record.headers[2:])
        changes = ({"key": flipped(record.key, 1)}, {"headers": headers}, {"timestamp": record.timestamp ^ 4})
        tape.put(place, record._replace(**changes[number]))
        said = await first(tape)
        assert said.startswith(f"changed: {place} at {record.offset}: it was changed: with bit ")
        assert f"of its {what} it fits" in said


async def test_a_removed_event() -> None:
    """Nothing else leaves a gap in the inbound log."""
    tape = recorded()
    place, record = one_of(tape, EVENTS)
    tape.remove(place, record.offset)
    assert (await first(tape)).startswith(f"missing: {place} at {record.offset}: a record was removed: decision ")


async def test_a_removed_signal() -> None:
    """There a gap may be a transaction's marker: the interval shows it, and the decision that names the signal."""
    tape = recorded()
    place, record = tape.there(SIGNALS, chosen=lambda one: ("ce_type", b"institution.login.failing") in one.headers)[9]
    tape.remove(place, record.offset)
    found = [str(one) for one in await faults(tape)]
    name = dict(record.headers)["ce_id"].decode()
    assert found[0].startswith(f"different: {place} at ")
    assert f"signal {name} of decision" in found[-1]
    assert found[-1].startswith("missing: ")


@LOGS
async def test_a_record_that_was_cut_out(log: str) -> None:
    """Those behind it have other offsets now; one fault says so, not one for each."""
    tape = recorded()
    place, record = one_of(tape, log)
    tape.cut_out(place, record.offset)
    found = [str(one) for one in await faults(tape) if one.place == place]
    assert "a record was removed" in found[0]
    assert "moved up" in found[0]
    assert all(one.startswith("missing") for one in found)


@LOGS
async def test_two_swapped_records(log: str) -> None:
    """Both offsets are named."""
    tape = recorded()
    place, record = one_of(tape, log)
    tape.swap(place, record.offset, record.offset + 1)
    said = f"swapped: {place} at {record.offset}: it was swapped with the record at {record.offset + 1}"
    assert (await first(tape)).startswith(said)


@LOGS
async def test_an_inserted_event(log: str) -> None:
    """One that nobody has decided on, with those behind it moved on."""
    tape = recorded()
    place, record = one_of(tape, log)
    tape.insert(place, tape.there(log)[3][1]._replace(offset=record.offset))
    said = await first(tape)
    assert said.startswith(f"forged: {place} at {record.offset}: a record was inserted")


async def test_a_changed_decision() -> None:
    """The next one has hashed what it was."""
    tape = recorded()
    place, record = one_of(tape, AUDIT)
    at = (record.value or b"").index(b'"rules"') + 10
    tape.put(place, record._replace(value=flipped(record.value, at)))
    said = f"changed: {place} at {record.offset}: the decision was changed: with bit 0 of byte {at} flipped"
    assert (await first(tape)).startswith(said)


async def test_the_last_decision_changed_or_removed() -> None:
    """The state has its hash."""
    tape = recorded()
    place, record = tape.there(AUDIT)[-1]
    at = (record.value or b"").index(b'"rules"') + 10
    tape.put(place, record._replace(value=flipped(record.value, at)))
    assert (await first(tape)).startswith(f"changed: {place} at {record.offset}: the decision was changed")
    tape.remove(place, record.offset)
    assert "the chain is not the one of the agent's state" in await first(tape)


async def test_a_removed_decision() -> None:
    """The next one goes on from what is not there."""
    tape = recorded()
    place, record = one_of(tape, AUDIT)
    tape.remove(place, record.offset)
    (fault,) = (one for one in await faults(tape) if one.place == place)
    assert fault.kind is Kind.MISSING
    assert fault.offset is not None
    assert fault.offset > record.offset
    assert "does not go on from the one before" in fault.text


async def test_the_first_decision_removed() -> None:
    """A chain begins with the name of its log."""
    tape = recorded()
    place, record = tape.there(AUDIT)[0]
    tape.remove(place, record.offset)
    assert "is not the first of this log" in await first(tape)


async def test_two_swapped_decisions() -> None:
    """They are taken in the right order again: nothing else is told of."""
    tape = recorded()
    own = tape.there(AUDIT, chosen=lambda one: orjson.loads(one.value or b"")["topic"] == EVENTS)
    (place, one), (_, other) = own[20:22]
    tape.swap(place, one.offset, other.offset)
    (fault,) = await faults(tape)
    assert str(fault).startswith(
        f"swapped: {place} at {one.offset}: the decision was swapped with the one at {other.offset}"
    )


async def test_a_decision_that_was_inserted() -> None:
    """Linked to the one before it, as a forger would, it is still unknown to the one behind."""
    tape = recorded()
    place, record = one_of(tape, AUDIT)
    said = orjson.loads(record.value or b"")
    said["previous"] = hashlib.sha256(record.value or b"").hexdigest()
    tape.insert(place, record._replace(value=encode(said), offset=record.offset + 1))
    assert (await first(tape)).startswith(f"forged: {place} at {record.offset + 1}: a decision was inserted")


def rewritten(tape: Tape, place: Place, since: int) -> None:
    """Do what a forger with all rights does: change an event, and make all hashes behind it anew, the state's too."""
    number, head, roll = place.partition, "", Chain("", "0" * 64)
    audit, state = Place(AUDIT, number), Place("txpush-agent-control-changelog", number)
    record = tape.records[place][since]
    assert record is not None
    tape.put(place, record._replace(value=(record.value or b"") + b" "))
    inbound = [one for one in tape.records[place] if one is not None]
    for offset, link in enumerate(tape.records[audit]):
        if link is None:
            continue
        said = orjson.loads(link.value or b"")
        if said["topic"] != place.topic:
            continue
        while inbound and inbound[0].offset <= said["offset"]:
            roll.absorb(inbound.pop(0))
        said |= {"inputs_sha256": roll.inputs, "previous": head or said["previous"]}
        value = encode(said)
        tape.records[audit][offset] = link._replace(value=value)
        head, roll = hashlib.sha256(value).hexdigest(), Chain("", "0" * 64)
    control = next(one for one in reversed(tape.records[state]) if one is not None)
    kept = orjson.loads(control.value or b"") | {"audit_head": head, "inputs": roll.inputs}
    tape.put(state, control._replace(value=orjson.dumps(kept)))


async def test_a_chain_that_was_rewritten_to_its_end() -> None:
    """It is whole in itself, state and all: who has checkpoints sees it, see tests/component/audit."""
    tape = recorded()
    rewritten(tape, Place(EVENTS, 0), 30)
    assert await faults(tape) == []
