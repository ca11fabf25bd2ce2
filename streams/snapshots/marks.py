"""Marks and announcements of snapshots in a log, and the states that a replay has at them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from schemas.cloudevents import attribute
from schemas.events import EventType, SnapshotTaken, Source
from schemas.state.partitions import STATE_VERSION
from streams.fold.effects import SourceRecord, Table, type_of
from streams.snapshots.state import control_of, digest_of, lines_of

MARKED, TAKEN = EventType.SNAPSHOT_MARKED.encode(), EventType.SNAPSHOT_TAKEN.encode()
_SOURCE = Source.OPERATOR.encode()


def is_mark(record: SourceRecord) -> bool:
    """Tell whether a record is a mark: the state before it is what a snapshot has."""
    return _is_of_operator(MARKED, record)


def taken_of(record: SourceRecord) -> SnapshotTaken | None:
    """Read an announcement; None for what is none that the log takes."""
    if not _is_of_operator(TAKEN, record):
        return None
    try:
        return SnapshotTaken.model_validate_json(record.value or b"")
    except ValidationError:
        return None


def _is_of_operator(event_type: bytes, record: SourceRecord) -> bool:
    return type_of(record) == event_type and attribute(record.headers, "ce_source") == _SOURCE


class StateAtMark(NamedTuple):
    """An announcement, and the state that was derived at its mark: its hash, and the last decision in it.

    Both are None where there is no such mark.
    """

    announced: SnapshotTaken
    derived: str | None = None
    audit_head: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether both are alike."""
        return self.announced.state_sha256 == self.derived

    @property
    def is_of_same_chain(self) -> bool:
        """Whether both are behind the same decisions; a state has the last one's hash in it."""
        return self.announced.audit_head == self.audit_head


class StatesAtMarks:
    """Hashes the state of a partition at each mark, for the announcement that comes behind it.

    Args:
        tables: of the fold, before the next poll.
        partition: its number.
        begin: the first offset that is folded; what is announced of a mark before it cannot be told.
    """

    def __init__(self, tables: Iterable[Table], partition: int, begin: int) -> None:
        self._tables = list(tables)
        self._partition = partition
        self._begin = begin
        self._derived: dict[int, tuple[str, str]] = {}

    def before(self, poll: Sequence[SourceRecord]) -> StateAtMark | None:
        """Look at a poll that is about to be folded, and give what its first record announces, held against the state.

        Marks and announcements begin a poll. What a release with other records of state has announced is not held
        against this one's.
        """
        first = poll[0]
        if is_mark(first):
            digest = digest_of(lines_of(self._tables, self._partition))
            self._derived[first.offset] = digest.sha256, control_of(self._tables, self._partition).audit_head
            return None
        taken = taken_of(first)
        if taken is None or taken.offset < self._begin or taken.state_version != STATE_VERSION:
            return None
        return StateAtMark(taken, *self._derived.get(taken.offset, ()))
