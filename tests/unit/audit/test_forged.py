"""Messages that no decision names, where not all decisions are read, or nobody asks for them."""

import orjson
import pytest

from schemas.times import from_epoch_ms
from streams.audit.faults import Kind
from streams.audit.messages.incidents import Incidents
from streams.audit.planning import Asked
from streams.fold.intake import partition_of
from streams.history import Place
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, DEAD_LETTER, EVENTS
from streams.testing.broker import Record
from tests.unit.audit.tape import PARTITIONS, Tape, faults, recorded

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


def announcement(tape: Tape, *, at_ms: int) -> Record:
    """Give an announcement that nobody has decided on, of a time that it claims."""
    opened = ("ce_type", b"institution.incident.opened")
    _, record = tape.there(EVENTS, chosen=lambda one: opened in one.headers)[0]
    said = orjson.loads(record.value or b"") | {"sequence": at_ms}
    name = f"incident:102101/102/{at_ms}".encode()
    return record._replace(headers=(record.headers[0], ("ce_id", name), *record.headers[2:]), value=orjson.dumps(said))


@pytest.mark.parametrize("days", [-1000, -30, 0, 1])
async def test_a_forged_incident_where_not_all_decisions_are_read(days: int) -> None:
    """Whatever time it claims: decisions in front of what is read are looked at, too, and name the true ones."""
    tape = recorded()
    since, asked = latest(tape)
    assert await faults(tape, asked) == []
    place = Place(EVENTS, 0)
    tape.append(place, announcement(tape, at_ms=since + days * DAY_MS)._replace(timestamp=since + DAY_MS))
    (fault,) = await faults(tape, asked)
    assert (fault.kind, fault.place, fault.offset) == (Kind.FORGED, place, len(tape.records[place]) - 1)


async def test_a_missing_incident_where_not_all_decisions_are_read() -> None:
    """It may lie in front of what is read, where it is looked for; in each partition there has to be one."""
    tape = recorded()
    opened = ("ce_type", b"institution.incident.opened")
    place, record = tape.there(EVENTS, chosen=lambda one: opened in one.headers)[-1]
    asked = Asked(since=from_epoch_ms(record.timestamp))
    assert await faults(tape, asked) == []
    tape.put(place, record._replace(headers=(record.headers[0], ("ce_id", b"x"), *record.headers[2:])))
    found = [one for one in await faults(tape, asked) if "announcement" in one.text]
    assert (Kind.MISSING, place) in [(one.kind, one.place) for one in found]


async def test_a_forged_incident_where_retention_has_taken_the_beginnings() -> None:
    """It lies too far behind them to be of a decision that is gone."""
    tape = recorded()
    since, _ = latest(tape)
    for place, records in tape.records.items():
        if place.topic in (EVENTS, AUDIT):
            tape.begins[place] = len(records) // 2
    assert await faults(tape) == []
    place = Place(EVENTS, 0)
    tape.append(place, announcement(tape, at_ms=1)._replace(timestamp=since + 30 * DAY_MS))
    found = await faults(tape)
    assert [(one.kind, one.place) for one in found] == [(Kind.FORGED, place)]


def test_whose_agent_decides_on_an_incident() -> None:
    """That of the institution's partition: records that wait there excuse its announcements, and those of no other."""
    heard = Incidents(0, PARTITIONS)
    for _, record in recorded().there(EVENTS):
        heard.hear(record)
    names = {name.split(":")[1].split("/")[0]: one for (name, _), one in heard.found.items()}
    assert {institution: one.decider for institution, one in names.items()} == {
        institution: partition_of(institution, PARTITIONS) for institution in names
    }
    assert len({one.decider for one in names.values()} | {0}) > 1
