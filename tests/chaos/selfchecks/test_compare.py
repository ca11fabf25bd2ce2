"""The check finds what it is for: each fault, made by hand, is counted as that fault."""

import hashlib
import json
from dataclasses import replace

import pytest
from aiokafka.partitioner import murmur2

from tests.chaos.check.books import Books, Message, place_of
from tests.chaos.check.compare import (
    Findings,
    compare_audit,
    compare_last,
    compare_letters,
    compare_messages,
    doubled_for_naive_readers,
)
from tests.chaos.check.export import Record

SAID = [Message(b"7", b"%d" % number, (("ce_id", b"%d" % number),), 1_000 + number) for number in range(4)]


def lying(*messages: Message) -> list[Record]:
    """Give messages as they lie in a topic, with gaps where transactions ended."""
    return [Record(2 * at, said.key, said.value, said.headers, said.timestamp) for at, said in enumerate(messages)]


def faults(*messages: Message) -> dict[str, int]:
    """Give the counters that are not 0 for what lies in place of SAID."""
    findings = Findings()
    compare_messages(findings, "topic", "topic/0", SAID, lying(*messages))
    return {name: times for name, times in findings.faults.items() if times}


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ([0, 1, 2, 3], {}),
        ([0, 1, 3], {"lost": 1}),
        ([0, 1, 1, 2, 3], {"doubled": 1}),
        ([0, 2, 1, 3], {"out_of_order": 2}),
        ([0, 0, 2, 3], {"lost": 1, "doubled": 1}),
        ([], {"lost": 4}),
    ],
)
def test_messages(lies: list[int], fault: dict[str, int]) -> None:
    """Messages that are missing, there twice, or in another order are told apart."""
    assert faults(*(SAID[number] for number in lies)) == fault


@pytest.mark.parametrize("change", [{"value": b"x"}, {"key": b"x"}, {"headers": ()}, {"timestamp": 0}])
def test_a_message_counts_whole(change: dict[str, object]) -> None:
    """A byte of value, key, headers or time that differs makes another message."""
    changed = replace(SAID[0], **change)  # type: ignore[arg-type] # one field each
    assert faults(changed, *SAID[1:]) == {"lost": 1, "unexpected": 1}


LAST = [
    ({"a": b"1", "b": b"2"}, 0),
    ({"a": b"1", "b": b"3"}, 1),
    ({"a": b"1"}, 1),
    ({"a": b"1", "b": b"2", "c": b"3"}, 1),
    ({"a": b"1", "b": b"2", "c": None}, 0),
]


@pytest.mark.parametrize(("last", "wrong"), LAST)
def test_last_values(last: dict[str, bytes | None], wrong: int) -> None:
    """The last value of each key counts; a tombstone is no value."""
    findings = Findings()
    records = [Record(0, key.encode(), b"before", (), 0) for key in last]
    records += [Record(1, key.encode(), value, (), 0) for key, value in last.items()]
    compare_last(findings, "state_wrong", "table", {"a": b"1", "b": b"2"}, records)
    assert findings.faults["state_wrong"] == wrong


def audited(books: Books, record: Record, previous: str) -> Record:
    """Give the audit record that a worker would write for the last one that the books expect."""
    wanted = dict(books.expected.audits[-1])
    key, at = wanted.pop("key"), wanted.pop("event_time")
    assert at == 0
    written = wanted | {"event_time": "1970-01-01T00:00:00Z", "previous": previous}
    return Record(record.offset, key, json.dumps(written).encode(), (), 0)


@pytest.mark.parametrize(("partition", "broken"), [(0, 0), (1, 1)])
def test_a_chain_begins_with_the_name_of_its_log(partition: int, broken: int) -> None:
    """The first link is the hash of cluster id, topic id and partition; any other is a broken chain."""
    books, findings = Books("log", 0, 1, {}), Findings()
    record = Record(0, b"7", b"{}", (), 0)
    books.audit(record, "event")
    first = hashlib.sha256(f"cluster/topic/{partition}".encode()).hexdigest()
    compare_audit(findings, books, "cluster/topic", [audited(books, record, first)])
    assert (findings.faults["chain_broken"], findings.faults["audit_wrong"]) == (broken, 0)


def test_an_audit_record_too_few() -> None:
    """A decision without its audit record is counted."""
    books, findings = Books("log", 0, 1, {}), Findings()
    books.audit(Record(0, b"7", b"{}", (), 0), "event")
    compare_audit(findings, books, "cluster/topic", [])
    assert findings.faults["audit_wrong"] == 1


def test_letters_need_a_reason_of_ours() -> None:
    """A dead letter that the fold does not ask for is counted, and one that is missing as well."""
    letter = {"reason": "bad_data", "body_sha256": "00", "origin": "log/0/5"}
    found = [Record(0, None, json.dumps(letter).encode(), (), 0)]
    books, findings = Books("log", 0, 1, {}), Findings()
    books.expected.letters = [("bad_time", "00")]
    compare_letters(findings, books.expected, "log", 0, found)
    assert findings.faults["dead_letters_unexplained"] == 2


def test_naive_readers() -> None:
    """A message id that lies in a topic twice is seen twice by a reader that does not ask for committed records."""
    assert doubled_for_naive_readers({("topic", 0): lying(*SAID, SAID[0])}) == 1


@pytest.mark.parametrize("length", range(1, 14))
def test_placement_is_that_of_the_producers(length: int) -> None:
    """Our own murmur2 places keys of all lengths as aiokafka does."""
    key = b"7000000042abc"[:length]
    assert place_of(key, 12) == (murmur2(key) & 0x7FFFFFFF) % 12
