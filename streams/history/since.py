"""The first record of a time or later, where brokers have named an offset by their own time: that of a marker.

A transaction ends with a marker, whose time is the broker's clock; its records have the time of what they are about. So
where these were written late, after a backlog or into a restored cluster, the offset that a broker gives for a time may
lie long before the first record of it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from streams.fold.effects import SourceRecord
from streams.history.history import Span

SKEW_MS = timedelta(minutes=10) // timedelta(milliseconds=1)
"""How far records of a partition may lie behind ones of a later time: twice what the intake allows the future."""

Read = Callable[[Span], AsyncIterator[Sequence[SourceRecord]]]
"""Reads the records of a span."""


async def first_since(read: Read, span: Span, since_ms: int) -> int:
    """Give the offset of the first record of a span that is of a time or later; the span's end where there is none.

    Times are taken to ascend but for SKEW_MS: whatever the span has, a few dozen reads find the place.
    """
    record = await _first(read, span)
    if record is None or record.timestamp >= since_ms:
        return span.end if record is None else record.offset
    low, high = record.offset + 1, span.end
    while low < high:
        middle = (low + high) // 2
        record = await _first(read, Span(middle, span.end))
        if record is None or record.offset >= high or record.timestamp >= since_ms - SKEW_MS:
            high = middle
        else:
            low = record.offset + 1
    record = await _first(read, Span(low, span.end), since_ms)
    return span.end if record is None else record.offset


async def _first(read: Read, span: Span, since_ms: int | None = None) -> SourceRecord | None:
    """Give the first record of a span, of a time or later where one is given; None where there is none."""
    chunks: Any = read(span)
    record: SourceRecord
    async with aclosing(chunks):
        async for records in chunks:
            for record in records:
                if since_ms is None or record.timestamp >= since_ms:
                    return record
    return None
