"""Holds what lies in the topics against what should, and counts every difference by its kind."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas.times import to_epoch_ms
from tests.chaos.check.books import Books, Expected, Message
from tests.chaos.check.export import Place, Record

EXAMPLES = 12
FAULTS = (
    "lost",
    "doubled",
    "unexpected",
    "out_of_order",
    "state_wrong",
    "disk_wrong",
    "health_wrong",
    "audit_wrong",
    "chain_broken",
    "dead_letters_unexplained",
    "http_200_missing",
    "accepted_doubled",
    "accepted_out_of_order",
    "ends_unexplained",
    "too_mild",
    "memory_grows",
    "lookups_unanswered",
    "vendor_asked_again",
    "unread",
    "replay_differs",
    "audit_not_whole",
)
"""What must not happen, each a counter."""


@dataclass(slots=True)
class Findings:
    """Counters of faults, and the first examples of each in words."""

    faults: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(FAULTS, 0)))
    compared: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether nothing was found."""
        return not self.faults.total()

    def found(self, fault: str, times: int, example: object = "") -> None:
        """Count a fault."""
        self.faults[fault] += times
        if times and len(self.examples) < EXAMPLES:
            self.examples.append(f"{fault}: {example}"[:400])


def compare_messages(
    findings: Findings, topic: str, place: object, expected: Sequence[Message], actual: Sequence[Record]
) -> None:
    """Compare what was said in one place of a topic: the same messages, byte for byte, in the same order."""
    found = [Message(record.key or b"", record.value or b"", record.headers, record.timestamp) for record in actual]
    findings.compared[topic] += len(expected)
    if found == list(expected):
        return
    wanted, had = Counter(map(_whole, expected)), Counter(map(_whole, found))
    missing, extra = wanted - had, had - wanted
    findings.found("lost", missing.total(), f"{place}: {next(iter(missing), '')!r}")
    doubled = sum(times for message, times in extra.items() if message in wanted)
    findings.found("doubled", doubled, f"{place}: {next((m for m in extra if m in wanted), '')!r}")
    findings.found(
        "unexpected", extra.total() - doubled, f"{place}: {next((m for m in extra if m not in wanted), '')!r}"
    )
    if not missing and not extra:
        moved = sum(one != other for one, other in zip(expected, found, strict=True))
        findings.found("out_of_order", moved, f"{place}")


def _whole(message: Message) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...], int]:
    return message.key, message.value, message.headers, message.timestamp


def compare_last(
    findings: Findings, fault: str, place: object, expected: Mapping[str, bytes], actual: Iterable[Record]
) -> None:
    """Compare the last value of every key of a compacted topic, byte for byte."""
    last = {(record.key or b"").decode(): record.value for record in actual}
    held = {key: value for key, value in last.items() if value is not None}
    findings.compared[str(place)] += len(expected)
    for key in sorted(expected.keys() | held.keys()):
        if expected.get(key) != held.get(key):
            findings.found(fault, 1, f"{place} {key}: should be {expected.get(key)!r}, is {held.get(key)!r}")


def compare_audit(findings: Findings, books: Books, log_name: str, actual: Sequence[Record]) -> str:
    """Compare the audit records and walk their chain; gives the hash of the last one, empty where there is none."""
    head = hashlib.sha256(f"{log_name}/{books.partition}".encode()).hexdigest()
    findings.compared["audit_records"] += len(actual)
    for record in actual:
        link = orjson.loads(record.value or b"{}").get("previous")
        findings.found("chain_broken", link != head, f"{books.log}/{books.partition} audit offset {record.offset}")
        head = hashlib.sha256(record.value or b"").hexdigest()
    found, wanted = [_audited(record) for record in actual], books.expected.audits
    wrong = sum(one != other for one, other in zip(wanted, found, strict=False)) + abs(len(wanted) - len(found))
    first = next(
        ((one, other) for one, other in zip(wanted, found, strict=False) if one != other), (len(wanted), len(found))
    )
    findings.found("audit_wrong", wrong, f"{books.log}/{books.partition}: should be {first[0]}, is {first[1]}")
    return head if actual else ""


def _audited(record: Record) -> dict[str, Any]:
    audit: dict[str, Any] = orjson.loads(record.value or b"{}")
    audit.pop("previous", None)
    at = datetime.fromisoformat(audit["event_time"])
    return audit | {"key": record.key.decode() if record.key else None, "event_time": to_epoch_ms(at)}


def of_log(records: Iterable[Record], log: str) -> list[Record]:
    """Give the audit records of one log: both agents write into the same partitions."""
    return [record for record in records if orjson.loads(record.value or b"{}").get("topic") == log]


def compare_letters(findings: Findings, expected: Expected, log: str, partition: int, actual: Sequence[Record]) -> None:
    """Compare the dead letters of one partition of a log: reason, and hash of what was set aside."""
    found = []
    for record in actual:
        letter = orjson.loads(record.value or b"{}")
        if letter["origin"].startswith(f"{log}/{partition}/"):
            found.append((letter["reason"], letter["body_sha256"]))
    wrong = sum((Counter(found) - Counter(expected.letters)).values()) + sum(
        (Counter(expected.letters) - Counter(found)).values()
    )
    wrong += sum(reason == "decision_failed" for reason, _ in found)
    findings.compared["dead_letters"] += len(found)
    findings.found("dead_letters_unexplained", wrong, f"{log}/{partition}: {found} for {expected.letters}")


def doubled_for_naive_readers(uncommitted: Mapping[Place, Sequence[Record]]) -> int:
    """Count the messages that a reader at `read_uncommitted` sees again: those of aborted transactions."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for (topic, _), records in uncommitted.items():
        seen[topic].update(record.header("ce_id") for record in records)
    return sum(times - 1 for ids in seen.values() for times in ids.values())
