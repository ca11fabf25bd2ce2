"""How records come to lie at the offsets that they had, with nothing to be read at those between them; pure.

A marker of a transaction takes one offset, and records of a transaction that is aborted take offsets that no committed
reader sees.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.fold.effects import SourceRecord


class Run(NamedTuple):
    """Records at offsets in a row, and how many offsets after the last of them have none."""

    records: Sequence[SourceRecord]
    gap: int


class Fill(NamedTuple):
    """What stands at the offsets of a gap.

    Attributes:
        fillers: records of the transaction that is aborted.
        ends: the transaction ends here, and its marker takes the last offset of the gap.
    """

    fillers: int
    ends: bool


def runs(records: Sequence[SourceRecord], end: int) -> list[Run]:
    """Cut records into runs; the last one's gap goes up to `end`, where the next record is, or where the log ends."""
    found: list[Run] = []
    first = 0
    for place, record in enumerate(records):
        after = records[place + 1].offset if place + 1 < len(records) else end
        if after > record.offset + 1 or place + 1 == len(records):
            found.append(Run(records[first : place + 1], after - record.offset - 1))
            first = place + 1
    return found


def fills(gaps: Sequence[int]) -> list[Fill] | None:
    """Say how gaps are filled by one transaction that is aborted in the last of them.

    None where that has nothing to write: a single gap of one offset is the marker of a transaction that is committed,
    around the record before it.
    """
    last = max((place for place, gap in enumerate(gaps) if gap), default=-1)
    if sum(gaps) <= 1:
        return None
    return [Fill(gap - (place == last), place == last) for place, gap in enumerate(gaps)]
