"""Messages that no decision names, where not all decisions are read, or nobody asks for them."""

import orjson
import pytest

from schemas.times import from_epoch_ms
from streams.audit.faults import Kind
from streams.audit.planning import Asked
from streams.history import Place
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS
from streams.testing.broker import Record
from tests.unit.audit.tape import Tape, faults, recorded

DAY_MS = 86_400_000


def latest(tape: Tape) -> tuple[int, Asked]:
    """Ask for the last decisions on the log of partition 0; with the time of the first of them."""
    since = [record for place, record in tape.there(AUDIT, chosen=is_of_log) if place.partition == 0][-10].timestamp
    return since, Asked(since=from_epoch_ms(since))


def is_of_log(record: Record) -> bool:
    """Tell a decision on the log of events."""
    said = orjson.loads(record.value or b"")
    return bool(said["topic"] == EVENTS)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"{", ()),
        (b'{"origin":"x","reason":"bad_data","body_sha256":""}', ()),
        (b'{"origin":"aggregation.events/9/7","reason":"bad_data","body_sha256":""}', ()),
        (b'{"origin":"aggregation.events/0/7","reason":"bad_data","body_sha256":""}', (("ce_type", b"x"),)),
        (b'{"letter":"0/0"}', (("ce_type", b"dead-letter.retried"),)),
    ],
)
async def test_a_dead_letter_that_none_of_ours_writes(value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
    """Of neither log here, nor of the bridge or the executor, and no note of an operator."""
    tape = recorded()
    place = Place(DEAD_LETTER, 0)
    tape.append(place, Record(0, 1, None, value, headers))
    (fault,) = await faults(tape)
    assert (fault.kind, fault.place, fault.offset) == (Kind.FORGED, place, len(tape.records[place]) - 1)


@pytest.mark.parametrize("origin", ["/remediation/bridge/txpush", "remediation.lookup/2/77"])
async def test_a_dead_letter_of_others_is_none_of_the_agents(origin: str) -> None:
    """No decision names it, and it is no fault."""
    tape = recorded()
    value = orjson.dumps({"origin": origin, "reason": "bad_data", "body_sha256": ""})
    tape.append(Place(DEAD_LETTER, 0), Record(0, 1, None, value, ()))
    assert await faults(tape) == []


async def test_a_new_message_on_a_topic_that_no_decision_of_the_time_names() -> None:
    """It is too new for those before; an old one may be theirs."""
    tape = recorded()
    since, asked = latest(tape)
    assert await faults(tape, asked) == []
    for topic in CUSTOMER_COMMANDS:
        place, record = Place(topic, 0), tape.there(CUSTOMER_COMMANDS[0])[0][1]
        forged = tape.copy()
        forged.append(place, record._replace(timestamp=since + DAY_MS, headers=(("ce_id", b"forged:1"),)))
        found = await faults(forged, asked)
        assert [(one.kind, one.place, one.offset) for one in found] == [
            (Kind.FORGED, place, len(forged.records[place]) - 1)
        ]


async def test_a_new_dead_letter_where_no_decision_of_the_time_names_one() -> None:
    """Its origin says that its decision would be among those that were read."""
    tape = recorded()
    (_, asked), place = latest(tape), Place(DEAD_LETTER, 0)
    end = len(tape.records[Place(EVENTS, 0)])
    value = orjson.dumps({"origin": f"{EVENTS}/0/{end - 1}", "reason": "bad_data", "body_sha256": ""})
    tape.append(place, Record(0, 1, None, value, ()))
    (fault,) = await faults(tape, asked)
    assert (fault.kind, fault.place) == (Kind.FORGED, place)
