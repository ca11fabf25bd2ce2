"""What a simulation came to, as a table: messages by kind and action."""

from collections import Counter
from datetime import datetime

import orjson
from rich import box
from rich.table import Table

from schemas.commands import Action, LookupAction
from schemas.events import Event
from schemas.times import rfc3339
from streams.simulate.ledger import Message


class Summary:
    """Counts messages as they go by."""

    def __init__(self) -> None:
        self._messages: Counter[tuple[str, str]] = Counter()
        self._events = 0
        self._first: datetime | None = None

    def hear(self, event: Event) -> Event:
        """Count an event and give it on."""
        self._events += 1
        self._first = self._first or event.time
        return event

    def add(self, message: Message) -> None:
        """Count a message."""
        self._messages[message.topic, orjson.loads(message.value)["action"]] += 1

    def headline(self, clock: datetime | None, aside: int) -> str:
        """Say how many there were, of what time, and how many records were set aside."""
        span = "" if self._first is None or clock is None else f", {rfc3339(self._first)} to {rfc3339(clock)}"
        return f"{self._events:,} events{span}: {self._messages.total():,} messages; {aside:,} set aside"

    def table(self) -> Table:
        """Give a row for each topic and a column for each action that came."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        table.add_column("topic")
        used = [action for action in (*Action, *LookupAction) if any(one == action for _, one in self._messages)]
        for action in used:
            table.add_column(action, justify="right")
        for topic in sorted({topic for topic, _ in self._messages}):
            counts = [self._messages[topic, action] for action in used]
            table.add_row(topic, *(f"{count:,}" if count else "" for count in counts))
        return table
