"""What a reader would have seen, record by record, for tests of the demo's verdict and table."""

from collections.abc import Iterable

import orjson

from streams.demo.seen import Record, Seen
from streams.demo.story import Course, Expected, Said
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, HEALTH


def command(course: Course, sequence: int, *, said: Said | None = None, command_id: str | None = None) -> Record:
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
    return Record(course.topic, 0, sequence, course.subject.encode(), orjson.dumps(data))


def health(account: str, phase: str) -> Record:
    """Give a record of `account.health`."""
    return Record(HEALTH, 0, 0, account.encode(), orjson.dumps({"phase": phase}))


def letter(reason: str, body_sha256: str = "") -> Record:
    """Give a dead letter."""
    data = {"reason": reason, "detail": "the body is not JSON", "body_sha256": body_sha256}
    return Record(DEAD_LETTER, 0, 0, b"", orjson.dumps(data))


def event(event_id: str, offset: int, partition: int = 0) -> Record:
    """Give a record of the inbound log."""
    return Record(EVENTS, partition, offset, b"", b"{}", [("ce_id", event_id.encode())])


def audit(offset: int, phase: str | None = None, partition: int = 0) -> Record:
    """Give the audit record of a decision on the inbound log."""
    data = {"topic": EVENTS, "partition": partition, "offset": offset, "phase_after": phase, "rules": ["R3"]}
    return Record(AUDIT, partition, offset, b"", orjson.dumps(data))


def as_demanded(expected: Expected) -> list[Record]:
    """Give the records that meet an expectation exactly."""
    return [
        *(command(course, sequence) for course in expected.courses for sequence in range(len(course.said))),
        *(health(account, phase) for account, phase in expected.phases.items()),
        *(letter(reason) for reason in expected.dead_letters),
    ]


def seen(records: Iterable[Record]) -> Seen:
    """Give what a reader of these records has seen."""
    reader = Seen()
    for record in records:
        reader.take(record)
    return reader
