"""Whatever single change is made to any record of the logs, the decisions or the messages: it is found."""

import asyncio
from collections.abc import Callable
from functools import cache

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streams.audit.plan import LOGS, SAID_OF
from streams.history import Place
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS
from streams.testing.broker import Record
from tests.unit.audit.tape import Tape, faults, recorded, verdict

TOPICS = (*LOGS, AUDIT, *SAID_OF[EVENTS], *SAID_OF[SIGNALS])
EXAMPLES = 90

Change = Callable[[Tape, Place, Record, int], None]


def flip_value(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Flip one bit of the value."""
    tape.put(place, record._replace(value=_flipped(record.value or b"\0", number)))


def flip_header(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Flip one bit of a header, or add one where there is none."""
    headers = list(record.headers) or [("x", b"y")]
    at = number % len(headers)
    name, value = headers[at]
    headers[at] = name, _flipped(value, number) if record.headers else value
    tape.put(place, record._replace(headers=tuple(headers)))


def drop_header(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Leave one header out, or add one where there is none."""
    kept = list(record.headers)
    if kept:
        del kept[number % len(kept)]
    tape.put(place, record._replace(headers=tuple(kept) if record.headers else (("x", b"y"),)))


def change_key(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Flip one bit of the key, or give one where there is none; the key of a tick's decision nobody can know."""
    if place.topic == AUDIT and (record.offset in ticked(place) or record.key is None):
        flip_value(tape, place, record, number)
    else:
        tape.put(place, record._replace(key=_flipped(record.key or b"\0", number)))


def change_time(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Make it earlier or later."""
    tape.put(place, record._replace(timestamp=record.timestamp + number % 1000 + 1))


def remove(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Leave nothing in its place."""
    del number
    tape.remove(place, record.offset)


def cut_out(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Remove it, and move up what is behind."""
    del number
    tape.cut_out(place, record.offset)


def double(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Write it once more right behind itself."""
    del number
    tape.insert(place, record)


def overwrite(tape: Tape, place: Place, record: Record, number: int) -> None:
    """Put another record of the topic in its place."""
    others = [one for _, one in tape.there(place.topic) if one[1:] != record[1:]]
    if not others:
        remove(tape, place, record, number)
    else:
        tape.put(place, others[number % len(others)]._replace(offset=record.offset))


CHANGES: tuple[Change, ...] = (
    *(flip_value, flip_header, drop_header, change_key, change_time),
    *(remove, cut_out, double, overwrite),
)


@cache
def ticked(place: Place) -> frozenset[int]:
    """Give the offsets of decisions on records without a key: of ticks, and of what concerns a whole partition."""
    tape = recorded(1, 50)
    keyless = {(one, record.offset) for log in LOGS for one, record in tape.there(log) if record.key is None}
    said = [(record.offset, orjson.loads(record.value or b"")) for one, record in tape.there(AUDIT) if one == place]
    return frozenset(at for at, one in said if (Place(one["topic"], one["partition"]), one["offset"]) in keyless)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@given(data=st.data())
@settings(
    max_examples=EXAMPLES // len(CHANGES), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_single_change_is_found(change: Change, data: st.DataObject) -> None:
    """The same holds for every kind of change, wherever it is made."""
    tape = recorded(1, 50)
    topic = data.draw(st.sampled_from([one for one in TOPICS if tape.there(one)]))
    place, record = data.draw(st.sampled_from(tape.there(topic)))
    assume(change is not double or not _is_next_to_come(tape, place, record))
    change(tape, place, record, data.draw(st.integers(0, 1 << 30)))
    assert asyncio.run(faults(tape)), (change.__name__, place, record)


@pytest.mark.parametrize("log", LOGS)
def test_what_is_written_behind_the_last_decision_is_told_as_not_decided_yet(log: str) -> None:
    """A log takes a record at any time, a doubled one too: nothing recorded has changed, and its agent will decide."""
    tape = recorded(1, 50)
    ends = [(place, record) for place, record in tape.there(log) if _is_next_to_come(tape, place, record)]
    for place, last in ends:
        double(tape, place, last, 0)
    found = asyncio.run(verdict(tape))
    undecided = {proof.number: proof.walked[log].undecided for proof in found.proofs}
    assert (found.faults, undecided) == ((), {place.partition: 1 for place, _ in ends})


def _is_next_to_come(tape: Tape, place: Place, record: Record) -> bool:
    """Whether what is written right behind a record is the next that its log takes."""
    return place.topic in LOGS and record.offset == len(tape.records[place]) - 1


def _flipped(value: bytes, number: int) -> bytes:
    changed = bytearray(value or b"\0")
    changed[number % len(changed)] ^= 1 << number // len(changed) % 8
    return bytes(changed)
