"""Which keys of a partition have a timer, earliest first; rebuilt from the state when a partition opens."""

import heapq
from datetime import datetime

SLACK = 16
"""Stale entries that are not worth a rebuild."""


class TimerIndex:
    """A heap with lazy deletion: one live entry a key; rebuilt when stale entries outnumber live ones."""

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def set(self, key: str, due: datetime | None) -> None:
        """Set, move or clear the timer of a key."""
        if due == self._due.get(key):
            return
        if due is None:
            del self._due[key]
        else:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
        if len(self._heap) > 2 * len(self._due) + SLACK:
            self._heap = sorted((at, key) for key, at in self._due.items())

    def first(self) -> datetime | None:
        """Give the earliest due time."""
        while self._heap and not self._is_live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due_by(self, at: datetime) -> list[tuple[datetime, str]]:
        """Give what is due at or before `at`, in the order (due, key); it stays until it is set anew."""
        due: list[tuple[datetime, str]] = []
        while (first := self.first()) is not None and first <= at:
            entry = heapq.heappop(self._heap)
            if not due or due[-1] != entry:
                due.append(entry)
        for entry in due:
            heapq.heappush(self._heap, entry)
        return due

    def _is_live(self, entry: tuple[datetime, str]) -> bool:
        return self._due.get(entry[1]) == entry[0]
