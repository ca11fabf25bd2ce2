"""What happened so far, in order, as rows of the table."""

import time
from dataclasses import dataclass, field

from streams.demo.reading.seen import Message, Seen
from streams.demo.telling.table import Entry, Row, Told, command_of, decision_of, row_of
from streams.kafka.topics import TICKETS


@dataclass(slots=True)
class Board:
    """What happened so far, and since when."""

    began: float = field(default_factory=time.monotonic)
    entries: list[Entry] = field(default_factory=list)
    status: str = ""
    _told: int = 0

    def now(self) -> float:
        """Give the seconds since the demo began."""
        return time.monotonic() - self.began

    def tell(self, event: str, decision: str) -> None:
        """Write down something that needs no record."""
        self.entries.append(Told(self.now(), event, decision))

    def rows(self, seen: Seen) -> list[Row]:
        """Give the rows; what no single notification brings about has rows of its own: tickets, and timers."""
        for message in seen.messages[self._told :]:
            if message.topic == TICKETS or not message.event_ids:
                self.entries.append(_of_itself(message, self.now()))
        self._told = len(seen.messages)
        return [row_of(entry, seen) for entry in self.entries]


def _of_itself(message: Message, at: float) -> Told:
    event = f"signals of bank {message.subject}" if message.topic == TICKETS else f"no news of {message.subject}"
    return Told(at, f"{message.at:%d %b %H:%M}: {event}", decision_of(message), command_of(message))
