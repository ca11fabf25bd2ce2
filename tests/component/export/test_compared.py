"""What an import has written is read back: what the brokers have deleted since is told apart from what is wrong."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.times import from_epoch_ms
from streams.export.choices import ExportError
from streams.export.restoring.comparing import KEPT_MS, Compared, Comparing
from streams.fold.effects import SourceRecord
from streams.history import HistoryError, Place
from streams.history.exports.history import ExportOrigin
from streams.history.exports.lines import ExportedRecord
from streams.kafka.topics import EVENTS, HEALTH, LOOKUP
from tests.component.export.small import AT_MS, HERE, Written, made, some

BY_KEY, IN_ORDER = Place(HEALTH, 0), Place(LOOKUP, 0)


def compared(folder: Path, written: Written, place: Place, *, days: float = 0) -> Compared:
    """Compare so many days after the first record."""
    now = from_epoch_ms(AT_MS + round(days * 86_400_000))
    comparing = Comparing(ExportOrigin(folder).opened(), written, {}, lambda: now)
    return asyncio.run(comparing.compared(place, lambda _: None))


def test_what_expires_meanwhile_is_no_fault(tmp_path: Path) -> None:
    """Before it is read back and while it is: it is counted, and the rest compared."""
    records = some(10)
    made(tmp_path, records, HERE, IN_ORDER)
    for place, kept in ((HERE, KEPT_MS[EVENTS] / 86_400_000), (IN_ORDER, KEPT_MS[LOOKUP] / 86_400_000)):
        written = Written(tmp_path, records)
        written.begin = 3
        assert compared(tmp_path, written, place, days=kept) == (7, 3)
        written = Written(tmp_path, records)
        written.begin, written.deletes = 1, [(2, 4)]
        assert compared(tmp_path, written, place, days=kept) == (7, 3)
        written = Written(tmp_path, records)
        written.deletes = [(5, 10)]
        assert compared(tmp_path, written, place, days=kept + 1) == (5, 5)


def test_what_is_gone_before_its_time_is_one(tmp_path: Path) -> None:
    """Deleted by somebody, or never written: the offset is named."""
    records = some(10)
    made(tmp_path, records)
    written = Written(tmp_path, records)
    written.begin = 3
    with pytest.raises(ExportError, match=r"events/0: what was written for offset 0 .* does not come back"):
        compared(tmp_path, written, HERE, days=1)
    lacking = Written(tmp_path, [one for one in records if one.offset != 4])
    with pytest.raises(ExportError, match=r"events/0: what was written for offset 4 .* does not come back"):
        compared(tmp_path, lacking, HERE, days=1000)
    more = Written(tmp_path, [*records, replaced(records[0], 10)])
    more.end = 10
    assert compared(tmp_path, more, HERE) == (10, 0)
    more.end = 11
    with pytest.raises(ExportError, match="ends at 11, not at 10: somebody else writes there"):
        compared(tmp_path, more, HERE)


@pytest.mark.parametrize(
    "other",
    [
        {"value": b"x"},
        {"key": None},
        {"timestamp": AT_MS + 1},
        {"headers": (("ce_id", b"x"),)},
        {"offset": 10},
    ],
)
@pytest.mark.parametrize("place", [HERE, IN_ORDER])
def test_whatever_of_a_record_is_another_is_found(place: Place, other: dict[str, Any], tmp_path: Path) -> None:
    """Value, key, time, headers, and where offsets are referred to the offset: the last record is named."""
    records = some(10)
    made(tmp_path, records, place)
    written = Written(tmp_path, [*records[:-1], msgspec.structs.replace(records[-1], **other)])
    written.end = 10
    with pytest.raises(ExportError, match="what was written for offset 9 of the export does not come back"):
        compared(tmp_path, written, place)


def test_what_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    """A cluster that fails for another reason than that its beginning has gone is not asked for ever."""
    made(tmp_path, some(10))
    written = Written(tmp_path, some(10))
    written.deletes = [(5, 2)]
    with pytest.raises(HistoryError, match="deleted meanwhile"):
        compared(tmp_path, written, HERE, days=1000)


def replaced(record: ExportedRecord, offset: int, value: bytes | None = None) -> ExportedRecord:
    return ExportedRecord(offset, record.timestamp, record.key, record.value if value is None else value)


ONE, OTHER = ExportedRecord(0, AT_MS, b"1/a", b"old"), ExportedRecord(1, AT_MS, b"2/b", b"old")
LATER = [ONE, OTHER, replaced(ONE, 2, b"new"), ExportedRecord(3, AT_MS, b"2/b", None)]


@pytest.mark.parametrize("left", [LATER, LATER[1:], LATER[2:], LATER[2:3]])
def test_a_compacted_topic_is_its_last_values(left: Sequence[SourceRecord], tmp_path: Path) -> None:
    """However far the brokers have compacted it since, a tombstone and what it takes away as well."""
    made(tmp_path, LATER, HERE, BY_KEY)
    assert compared(tmp_path, Written(tmp_path, left), BY_KEY) == (1, 0)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (LATER[:2], "what was written for offset 2"),
        ([LATER[1]], "what was written for offset 2"),
        ([*LATER, replaced(OTHER, 4)], "health/0/4 is none of the export"),
        ([*LATER, replaced(ONE, 4, b"")], "what was written for offset 2"),
    ],
)
def test_another_last_value_is_found(found: Sequence[SourceRecord], why: str, tmp_path: Path) -> None:
    """An older one, none, another's, or an empty one."""
    made(tmp_path, LATER, HERE, BY_KEY)
    with pytest.raises(ExportError, match=why):
        compared(tmp_path, Written(tmp_path, found), BY_KEY)
