"""Faults of customers who were forgotten, told without the ids of their events and commands (R18)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from streams.audit.faults import Fault, without_ids
from streams.fold.intake import partition_of
from streams.history import History
from streams.history.forgotten import forgotten_in


async def withheld(history: History, faults: Sequence[Fault]) -> list[Fault]:
    """Give the faults as they may be told; only where some name ids is it read who was forgotten.

    Raises:
        HistoryError: that cannot be read.
    """
    named = [fault for fault in faults if fault.ids]
    keys = {key for fault in named for key in fault.keys if key is not None}
    numbers = {partition_of(key, history.partitions) for key in keys}
    if any(fault.is_anybodys for fault in named):
        numbers = set(range(history.partitions))
    forgotten = {one.encode() for number in sorted(numbers) for one in await forgotten_in(history, number)}
    return [without_ids(fault) if fault.ids and _may_be_of(fault, forgotten) else fault for fault in faults]


def _may_be_of(fault: Fault, forgotten: AbstractSet[bytes]) -> bool:
    """Tell whether an id may be of who was forgotten."""
    return bool(forgotten) if fault.is_anybodys else not forgotten.isdisjoint(fault.keys)
