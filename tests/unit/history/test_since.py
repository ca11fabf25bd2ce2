"""The first record of a time, found again where a broker has named the offset of a marker."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.fold.effects import SourceRecord
from streams.history import Span
from streams.history.exports.lines import ExportedRecord
from streams.history.since import SKEW_MS, first_since


class Log:
    """Records at some offsets; the others are of markers. Counts how often it is read."""

    def __init__(self, times: dict[int, int], end: int) -> None:
        self.records = [ExportedRecord(offset, at, b"k", b"") for offset, at in sorted(times.items())]
        self.end = end
        self.reads = 0

    async def read(self, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        self.reads += 1
        found = [one for one in self.records if span.begin <= one.offset < span.end]
        for first in range(0, len(found), 7):
            yield found[first : first + 7]

    def expected(self, begin: int, since_ms: int) -> int:
        later = (one.offset for one in self.records if one.offset >= begin and one.timestamp >= since_ms)
        return next(later, self.end)


@pytest.mark.asyncio
@given(
    gaps=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 10 * SKEW_MS), st.integers(0, SKEW_MS)), max_size=60),
    begin=st.integers(0, 5),
    since=st.integers(0, 100 * SKEW_MS),
)
async def test_it_is_the_first_whatever_lies_between(gaps: list[tuple[int, int, int]], begin: int, since: int) -> None:
    """Where times ascend but for the skew, also with markers at any offset."""
    offset, at, times = 0, 0, dict[int, int]()
    for step, later, skew in gaps:
        offset, at = offset + step, at + later
        times[offset] = max(0, at - skew)
    log = Log(times, offset + 2)
    assert await first_since(log.read, Span(begin, log.end), since) == log.expected(begin, since)


@pytest.mark.asyncio
async def test_a_long_log_is_not_read_through() -> None:
    """A million offsets behind the marker take some dozen reads."""
    log = Log({offset: offset * 60_000 for offset in range(0, 100_000, 2)}, 100_000)
    since = 90_001 * 60_000
    assert await first_since(log.read, Span(1, log.end), since) == 90_002
    assert log.reads < 25
