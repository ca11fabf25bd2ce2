"""What is due when, in one order: webhooks and what the vendor does by itself."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streams.sandbox.delivery.faults import FaultName, Faults
from streams.sandbox.delivery.webhook import Webhook

HELD_HOURS = 1
"""How long a webhook that is to be overtaken waits for another of its lane."""

Act = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that the vendor does by itself at a time."""

    due: datetime
    act: Act


class Agenda:
    """A bounded queue in the order of time; webhooks get their faults when they enter."""

    def __init__(self, faults: Faults, max_pending: int) -> None:
        self._faults = faults
        self._max_pending = max_pending
        self._entries: list[tuple[datetime, int, Webhook | Errand]] = []
        self._held: dict[str, list[Webhook]] = {}
        self._count = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Give how many webhooks and errands wait."""
        return len(self._entries) + sum(map(len, self._held.values()))

    def errand(self, due: datetime, act: Act) -> None:
        """Have something done at a time."""
        self._push(due, Errand(due, act))

    def send(self, webhook: Webhook) -> None:
        """Take a webhook; past the limit it is dropped and counted."""
        faults, url = self._faults, webhook.url
        if faults.strikes(FaultName.LOST, url):
            return
        webhook.is_garbled = faults.strikes(FaultName.MALFORMED, url) is not None
        webhook.is_forged = faults.strikes(FaultName.WRONG_SIGNATURE, url) is not None
        if late := faults.seconds(FaultName.LATE, url):
            webhook.due = webhook.first_due = webhook.first_due + timedelta(seconds=late)
        duplicated = faults.strikes(FaultName.DUPLICATED, url)
        copies = 1 if duplicated is None else duplicated.copies
        is_overtaken = faults.strikes(FaultName.REORDERED, url) is not None
        for _ in range(copies):
            (self._hold if is_overtaken else self._enter)(replace(webhook))
        if not is_overtaken:
            self._release(webhook.lane, webhook.due)

    def again(self, webhook: Webhook) -> None:
        """Take a webhook that was not acknowledged."""
        self._enter(webhook)

    def next_due(self, now: datetime) -> datetime | None:
        """Give when the next entry is due, None while nothing is due by `now`."""
        self._release_overdue(now)
        return self._entries[0][0] if self._entries and self._entries[0][0] <= now else None

    def pop(self, until: datetime) -> Errand | list[Webhook]:
        """Take what is due first: an errand, or the webhooks that are due by `until` and before the next errand."""
        webhooks: list[Webhook] = []
        while self._entries and self._entries[0][0] <= until:
            entry = self._entries[0][2]
            if isinstance(entry, Errand) and webhooks:
                break
            heapq.heappop(self._entries)
            if isinstance(entry, Errand):
                return entry
            webhooks.append(entry)
        return webhooks

    def _hold(self, webhook: Webhook) -> None:
        webhook.due += timedelta(hours=HELD_HOURS)
        if len(self) < self._max_pending:
            self._held.setdefault(webhook.lane, []).append(webhook)
        else:
            self.dropped += 1

    def _release(self, lane: str, due: datetime) -> None:
        for held in self._held.pop(lane, []):
            held.due = held.first_due = due
            self._enter(held)

    def _release_overdue(self, now: datetime) -> None:
        for lane, held in list(self._held.items()):
            if held[0].due <= now:
                self._release(lane, held[0].due)

    def _enter(self, webhook: Webhook) -> None:
        if len(self) < self._max_pending:
            self._push(webhook.due, webhook)
        else:
            self.dropped += 1

    def _push(self, due: datetime, entry: Webhook | Errand) -> None:
        self._count += 1
        heapq.heappush(self._entries, (due, self._count, entry))
