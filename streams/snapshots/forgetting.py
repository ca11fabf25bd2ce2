"""Customers who were forgotten (R18) are in no snapshot: one that has them is removed, and later ones are without."""

import re
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streams.history import History, Place, Span
from streams.history.forgotten import forgotten_by
from streams.kafka.topics import EVENTS
from streams.snapshots.file import Head, read_head, state_lines
from streams.snapshots.folder import snapshots_in

LATER_MS = timedelta(days=1) // timedelta(milliseconds=1)
"""How long after the order a state of institutions may still have a customer: until the agents have come that far."""


class Forgotten(NamedTuple):
    """A customer, and where in the inbound log it was ordered."""

    customer_id: str
    partition: int
    offset: int
    time_ms: int


async def remove_forgotten(
    history: History, folder: Path, looked_to: Mapping[int, int] | None = None
) -> tuple[list[Path], dict[int, int]]:
    """Remove the snapshots that have a customer who was forgotten since they were taken.

    Args:
        history: whose inbound log says who was.
        folder: of the snapshots.
        looked_to: up to which offset of each partition the inbound log was read for this before; {} at first.

    Returns:
        The files that were removed, and up to where the log was read now; {} where there is nothing to remove.

    Raises:
        HistoryError: a log, or a snapshot, cannot be read.
        OSError: a file cannot be removed.
    """
    kept = snapshots_in(folder)
    if not kept:
        return [], {}
    found, ends = [], dict[int, int]()
    for place, span in (await history.spans([EVENTS])).items():
        oldest = min(kept.get(place, (span.begin,)))
        begin = max(oldest, (looked_to or {}).get(place.partition, span.begin))
        ends[place.partition] = span.end
        found += await _forgotten(history, place, Span(begin, span.end).within(span))
    removed: list[Path] = []
    if not found:
        return removed, ends
    for path in (path for paths in kept.values() for path in paths.values()):
        head = read_head(path)
        if (since := [one.customer_id for one in found if _may_have(head, one)]) and has_any(path, since):
            path.unlink()
            removed.append(path)
    return removed, ends


async def _forgotten(history: History, place: Place, span: Span) -> list[Forgotten]:
    found: list[Forgotten] = []
    chunks: Any = history.read(place, span)
    async with aclosing(chunks):
        async for records in chunks:
            for record in records:
                found += (
                    Forgotten(customer_id, place.partition, record.offset, record.timestamp)
                    for customer_id in forgotten_by((record,))
                )
    return found


def _may_have(head: Head, one: Forgotten) -> bool:
    """Tell whether a state is from before the order has reached it; of institutions that shows by its time only."""
    if head.topic == EVENTS:
        return head.partition == one.partition and head.offset <= one.offset
    return head.time_ms <= one.time_ms + LATER_MS


def has_any(path: Path, customers: Iterable[str]) -> bool:
    """Tell whether a state names one of some customers, in a key or in a record; raises HistoryError."""
    named = b"|".join(re.escape(msgspec.json.encode(one)[1:-1]) for one in customers)
    # Ids have no slashes and keys are joined with them.
    pattern = re.compile(rb'["/](?:' + named + rb')["/]')
    return any(pattern.search(line) for line in state_lines(path))
