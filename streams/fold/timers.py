"""Which keys of a partition have a timer, earliest first; rebuilt from the state when a partition opens."""

import heapq
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

SLICE_KEYS = 100
"""Keys whose timers are looked at in one go: some milliseconds."""
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


class PartitionTimers:
    """The timers of a partition whose state may be large: looked at in slices, and all when one is asked for."""

    __slots__ = ("_index", "_moved", "_unseen")

    def __init__(self, unseen: Iterable[tuple[str, datetime | None]]) -> None:
        self._index = TimerIndex()
        self._unseen: Iterator[tuple[str, datetime | None]] | None = iter(unseen)
        self._moved: set[str] = set()

    def look(self, keys: int | None = None) -> bool:
        """Look at so many more, without a number at all that are left; True when none is left."""
        if self._unseen is None:
            return True
        seen = 0
        for key, due in islice(self._unseen, keys):
            seen += 1
            if key not in self._moved:
                self._index.set(key, due)
        if seen != keys:
            self._unseen, self._moved = None, set()
        return self._unseen is None

    def look_until(self, ends: float) -> bool:
        """Look at what is left until a time of the monotonic clock; True when nothing is left."""
        while not self.look(SLICE_KEYS):
            if time.monotonic() > ends:
                return False
        return True

    def move(self, timers: Mapping[str, datetime | None]) -> None:
        """Take the timers that a poll has set: they stand, whatever is looked at later."""
        for key, due in timers.items():
            self._index.set(key, due)
        if self._unseen is not None:
            self._moved |= timers.keys()

    def first(self) -> datetime | None:
        """Give the earliest due time."""
        self.look()
        return self._index.first()

    def due_by(self, at: datetime) -> list[tuple[datetime, str]]:
        """Give what is due at or before `at`, as the index does."""
        self.look()
        return self._index.due_by(at)
