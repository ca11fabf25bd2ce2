"""What a reader would have seen, record by record, for tests of the demo's verdict and table."""

from collections.abc import Iterable

import orjson

from streams.demo.expected import Course, Expected, Lookup, Said
from streams.demo.reading.seen import Record, Seen
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, HEALTH, LOOKUP

TIME = ("ce_time", b"2026-11-02T03:00:00.000Z")


def command(
    course: Course, sequence: int, *, said: Said | None = None, command_id: str | None = None, fix_url: str = ""
) -> Record:
    """Give a message of a command as it lies in its topic."""
    said = said or course.said[sequence]
    data = {
        "command_id": command_id or f"id-{course.topic}-{course.subject}",
        "sequence": sequence,
        "action": said.action,
        "reason": {"code": said.code},
        "steps": said.steps,
        "evidence": {"event_ids": [f"event-{course.subject}"]},
    }
    if said.withdraw_reason:
        data["withdraw_reason"] = said.withdraw_reason
    if fix_url:
        data["fix_url"] = fix_url
    return Record(course.topic, 0, sequence, course.subject.encode(), orjson.dumps(data), [TIME])


def lookup(one: Lookup) -> Record:
    """Give a look-up."""
    return Record(LOOKUP, 0, 0, one.customer.encode(), orjson.dumps({"action": one.action}))


def health(account: str, phase: str) -> Record:
    """Give a record of `account.health`."""
    return Record(HEALTH, 0, 0, account.encode(), orjson.dumps({"phase": phase}))


def letter(reason: str, body_sha256: str = "") -> Record:
    """Give a dead letter."""
    data = {"reason": reason, "detail": "the body is not JSON", "body_sha256": body_sha256}
    return Record(DEAD_LETTER, 0, 0, b"", orjson.dumps(data))


def event(event_id: str, offset: int, partition: int = 0) -> Record:
    """Give a record of the inbound log that is about nobody."""
    return told(event_id, "clock.tick", {}, offset, partition)


def told(event_id: str, kind: str, data: dict[str, object], offset: int = 0, partition: int = 0) -> Record:
    """Give a record of the inbound log."""
    headers = [("ce_id", event_id.encode()), ("ce_type", kind.encode())]
    return Record(EVENTS, partition, offset, b"", orjson.dumps(data), headers)


def audit(offset: int, phase: str | None = None, partition: int = 0) -> Record:
    """Give the audit record of a decision on the inbound log."""
    data = {"topic": EVENTS, "partition": partition, "offset": offset, "phase_after": phase, "rules": ["R3"]}
    return Record(AUDIT, partition, offset, b"", orjson.dumps(data))


def as_demanded(expected: Expected) -> list[Record]:
    """Give the records that meet an expectation exactly."""
    return [
        *(
            command(course, sequence, command_id=f"id-{number}")
            for number, course in enumerate(expected.courses)
            for sequence in range(len(course.said))
        ),
        *map(lookup, expected.lookups),
        *(health(account, phase) for account, phase in expected.phases.items()),
        *(letter(reason) for reason in expected.dead_letters),
    ]


def seen(records: Iterable[Record]) -> Seen:
    """Give what a reader of these records has seen."""
    reader = Seen()
    for record in records:
        reader.take(record)
    return reader
