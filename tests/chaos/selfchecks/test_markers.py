"""Control markers are read as Kafka writes them, and each cut-off transaction finds its cause."""

import struct
from pathlib import Path

import pytest

from tests.chaos.actors.workers import Opening
from tests.chaos.check.markers import HEADER, LENGTH_END, Marker, cuts, read_markers, recoveries
from tests.chaos.faults.plan import Done, Kind

COMMIT, ABORT = 1, 0


def batch(offset: int, at_ms: int, payload: bytes, attributes: int = 0, epoch: int = 3) -> bytes:
    """A record batch, version 2, of one record of producer 77."""
    length = HEADER.size - LENGTH_END + len(payload)
    return HEADER.pack(offset, length, 0, 2, 0, attributes, 0, at_ms, at_ms, 77, epoch, -1, 1) + payload


def control(kind: int) -> bytes:
    """A control record: varints (zigzag) for length, deltas and sizes, the key's version and type, an empty value."""
    body = b"\x00" + b"\x00" + b"\x00" + b"\x08" + struct.pack(">hh", 0, kind) + b"\x00\x00"
    return bytes([2 * len(body)]) + body


def test_markers_of_a_segment(tmp_path: Path) -> None:
    """Records are skipped, commits and aborts told apart, other topics and a torn end left alone."""
    folder = tmp_path / "topic-2"
    folder.mkdir()
    data = batch(0, 1_000, b"x" * 90, attributes=0x10)
    written = data + batch(1, 2_000, control(COMMIT), 0x30) + data + batch(3, 4_000, control(ABORT), 0x30, epoch=4)
    (folder / "0.log").write_bytes(written + data[:20])
    (tmp_path / "topic-other-1").mkdir()
    (tmp_path / "topic-other-1" / "0.log").write_bytes(written)
    assert list(read_markers(tmp_path, ["topic"])) == [
        Marker("topic", 2, (77, 3), committed=True, at=2.0),
        Marker("topic", 2, (77, 4), committed=False, at=4.0),
    ]


def marker(at: float, *, committed: bool = False, epoch: int = 1) -> Marker:
    """The end of a transaction of partition 0."""
    return Marker("topic", 0, (77, epoch), committed, at)


OPENINGS = [Opening("a", "app", 0, 1.0), Opening("b", "app", 0, 9.0)]


@pytest.mark.parametrize(
    ("killed", "at", "caused"), [("a", 5.0, True), ("b", 5.0, False), ("a", 0.5, False), ("a", 8.5, False)]
)
def test_causes(killed: str, at: float, caused: bool) -> None:  # noqa: FBT001 - a column of the table
    """An abort is the owner's, and its cause lies between the opening and the marker."""
    done = [Done(Kind.KILL, killed, "app", at)]
    found = list(cuts([marker(8.0), marker(8.1)], "app", OPENINGS, done))
    assert [cut.cause is not None for cut in found] == [caused]


def test_a_broker_is_a_cause_where_the_owner_was_left_alone() -> None:
    """A transaction may end with its broker; the owner's own disturbance comes first."""
    broker, own = Done(Kind.BROKER_KILL, "broker-1", "", 4.0), Done(Kind.KILL, "a", "app", 5.0)
    assert [cut.cause for cut in cuts([marker(8.0)], "app", OPENINGS, [broker])] == [broker]
    assert [cut.cause for cut in cuts([marker(8.0)], "app", OPENINGS, [broker, own])] == [own]


def test_recovery() -> None:
    """From the kill to the first commit after somebody has opened the partition again."""
    commits = [marker(5.1, committed=True), marker(9.5, committed=True), marker(9.9, committed=True)]
    kill = Done(Kind.KILL, "a", "app", 5.0)
    assert recoveries(commits, OPENINGS, [kill]) == [4.5]
    assert recoveries(commits, OPENINGS, [kill, Done(Kind.KILL, "b", "app", 9.1)]) == []
