"""How many customers may be contacted in an hour that slides."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


class Pace:
    """At most `limit` contacts within any hour; None sets no limit.

    The latest `limit` contacts stand in as many slots, so that a store can keep them and a restart counts them. A
    lower limit than that of the former run forgets some of them.
    """

    def __init__(self, limit: int | None, former: Mapping[int, datetime] | None = None) -> None:
        self.limit = limit
        kept = former or {}
        self._contacts = deque(sorted((at, slot) for slot, at in kept.items()))
        self._unused = iter([slot for slot in range(limit or 0) if slot not in kept])

    def free_at(self, now: datetime) -> datetime | None:
        """Give when the next contact may be made; None when it may be made now."""
        if self.limit is None or len(self._contacts) < self.limit:
            return None
        free = self._contacts[0][0] + HOUR
        return free if free > now else None

    def contacted(self, now: datetime) -> dict[int, datetime]:
        """Count a contact, and give the slot that now holds its time; nothing without a limit."""
        if self.limit is None:
            return {}
        slot = next(self._unused, None)
        if slot is None:
            _, slot = self._contacts.popleft()
        self._contacts.append((now, slot))
        return {slot: now}
