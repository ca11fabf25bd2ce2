"""What no agent writes: a proof comes to its end, whatever is in the place of a decision or of the state."""

import hashlib
from typing import Any

import orjson
import pytest

from streams.audit.faults import Kind
from streams.audit.partition import MOST_FAULTS
from streams.audit.plan import LinkKeys, Ways
from streams.audit.planning import STATE
from streams.audit.telling import lines
from streams.audit.walking import tries
from streams.audit.walking.tries import mended
from streams.history import HistoryError
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EVENTS
from streams.testing.broker import Record
from tests.unit.audit.tape import faults, recorded, verdict

ODD: tuple[dict[str, Any], ...] = (
    {"event_time": "soon"},
    {"event_time": 1},
    {"event_id": [[]]},
    {"topic": []},
    {"partition": "0"},
    {"offset": -1},
    {"messages": [{"topic": [], "id": {}, "sha256": 1}]},
    {"previous": None},
)


def saying(record: Record, **fields: Any) -> Record:  # noqa: ANN401 - fields of an object
    """Give a record with other fields in its value."""
    return record._replace(value=orjson.dumps(orjson.loads(record.value or b"{}") | fields))


async def test_many_odd_decisions_are_some_faults() -> None:
    """What is kept of them does not grow with what somebody writes, nor what is said of one."""
    tape = recorded(1, 50)
    place, record = tape.there(AUDIT)[-1]
    for _ in range(100):
        tape.append(place, record._replace(value=b"{"))
        tape.append(place, saying(record, topic="x" * 10_000))
    found = await faults(tape)
    assert len([one for one in found if one.place == place]) == MOST_FAULTS
    assert max(len(one.text) for one in found) < 1000


@pytest.mark.parametrize("fields", ODD)
async def test_an_odd_decision_is_named(fields: dict[str, Any]) -> None:
    """By its place, as one that cannot be read."""
    tape = recorded(1, 50)
    place, record = tape.there(AUDIT)[3]
    tape.put(place, saying(record, **fields))
    found = await faults(tape)
    assert (Kind.CHANGED, place, record.offset) in [(one.kind, one.place, one.offset) for one in found]


@pytest.mark.parametrize("fields", [{"audit_head": 1}, {"next_offset": "1"}, {"next_offset": -1}, {"inputs": []}])
async def test_an_odd_state_is_refused(fields: dict[str, Any]) -> None:
    """As an agent would refuse it."""
    tape = recorded(1, 50)
    place, record = tape.there(STATE[EVENTS])[-1]
    tape.put(place, saying(record, **fields))
    with pytest.raises(HistoryError, match="cannot be read"):
        await verdict(tape)


async def test_a_link_on_what_can_have_none_is_a_fault() -> None:
    """A command that was renamed together with its decision."""
    tape = recorded(1, 50)
    place, record = tape.there(CUSTOMER_COMMANDS[0])[0]
    name = next(value.decode() for header, value in record.headers if header == "ce_id")
    renamed = tuple((header, b"x:1" if header == "ce_id" else value) for header, value in record.headers)
    value = (record.value or b"{")[:-1] + b',"fix_url":"https://fix.example.com/fix/x"}'
    tape.put(place, record._replace(headers=renamed, value=value))
    for at, one in tape.there(AUDIT, chosen=lambda one: name.encode() in (one.value or b"")):
        tape.put(at, one._replace(value=(one.value or b"").replace(name.encode(), b"x:1")))
    found = (await verdict(tape, ways=Ways(links=LinkKeys((bytes(32),), ("https://fix.example.com",))))).faults
    assert any(one.place == place and one.offset == record.offset for one in found)


async def test_what_is_told_moves_no_cursor() -> None:
    """Ids that others have written are shown, not obeyed."""
    tape = recorded(1, 50)
    place, record = tape.there(CUSTOMER_COMMANDS[0])[0]
    tape.append(place, record._replace(headers=(("ce_id", b"\x1b[2J"),)))
    told = [*lines(await verdict(tape))]
    assert told
    assert all(line.isprintable() for line in told)


def test_a_long_decision_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a megabyte with one bit flipped that would be days: so many bytes are hashed, and no more."""
    hashed: list[int] = []

    def sha256(value: bytes) -> Any:  # noqa: ANN401 - as hashlib gives it
        hashed.append(len(value))
        return hashlib.new("sha256", value)

    monkeypatch.setattr(tries, "MENDED_BYTES", 3_000_000)
    monkeypatch.setattr("streams.audit.walking.tries.hashlib.sha256", sha256)
    assert mended(bytes(1_000_000), "0" * 64) is None
    assert hashed == [1_000_000] * 3
