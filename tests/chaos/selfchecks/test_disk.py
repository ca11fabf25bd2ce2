"""State on disk that is not what was committed is told; what is only older is not."""

from pathlib import Path

import pytest

from streams.transport.local.files import PartitionFiles
from streams.transport.local.head import Identity
from tests.chaos.check.compare import Findings
from tests.chaos.check.disk import check_disk
from tests.chaos.check.export import Record

TOPIC = "txpush-agent-accounts-changelog"
RECORDS = [
    Record(offset, key, value, (), 0)
    for offset, (key, value) in enumerate([(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"c", b"1")])
]
"""Without one at 5, where a transaction was aborted, and the end of it."""


def differences(folder: Path, held: dict[str, bytes], end: int, records: list[Record]) -> int:
    """Have a worker keep values up to an offset, and count what the check finds."""
    files = PartitionFiles(
        folder / "agent-0.state" / "txpush-agent", Identity("cluster", "txpush-agent", 0, {TOPIC: "id"})
    )
    files.lock()
    files.write({TOPIC: dict(held)}, {TOPIC: end}, 0)
    files.unlock()
    findings = Findings()
    check_disk(findings, folder, {(TOPIC, 0): records})
    assert findings.compared["files_of_state"] == 1
    return findings.faults["disk_wrong"]


@pytest.mark.parametrize(
    ("held", "end", "times"),
    [
        ({"a": b"2", "c": b"1"}, 7, 0),
        ({"a": b"1", "b": b"1"}, 2, 0),
        ({"a": b"2", "b": b"1"}, 3, 0),
        ({"a": b"1", "c": b"1"}, 7, 1),
        ({"a": b"2", "b": b"1", "c": b"1"}, 7, 1),
        ({"a": b"2"}, 7, 1),
        ({"a": b"2", "c": b"1", "of an aborted transaction": b"1"}, 7, 1),
        ({}, 2, 2),
    ],
)
def test_values_are_those_below_the_offset(tmp_path: Path, held: dict[str, bytes], end: int, times: int) -> None:
    """The last one of each key, no tombstone, nothing that was never committed."""
    assert differences(tmp_path, held, end, RECORDS) == times


def test_what_compaction_has_removed_is_not_missed(tmp_path: Path) -> None:
    """A value that a later one has replaced since need not be in the changelog any more."""
    assert differences(tmp_path, {"a": b"1", "b": b"1"}, 2, RECORDS[2:]) == 0
