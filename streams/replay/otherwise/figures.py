"""What the commands of one policy come to: contacts, escalations, repairs, incidents and tickets, by day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.catalogue import Kind
from schemas.commands import Action
from streams.replay.otherwise.said import INCIDENT, Said

DAY_MS = 86_400_000
MINUTE_MS = 60_000
SPANS_HOURS = (1, 4, 12, 24, 72, 168)
"""Ends of the spans that repairs are sorted into; one more is what takes longer."""


@dataclass(slots=True)
class Figures:
    """Numbers by day (days since 1970), of one side.

    Attributes:
        contacts: `issue` and `remind` to customers.
        escalations: logins that were found to ask for a passcode every time.
        incidents, tickets: opened; an incident's ticket is the incident's.
        repairs: minutes from the first `issue` of a command to its `complete`, and how many took that long.
        messages: by kind and action.
    """

    contacts: Counter[int] = field(default_factory=Counter)
    escalations: Counter[int] = field(default_factory=Counter)
    incidents: Counter[int] = field(default_factory=Counter)
    tickets: Counter[int] = field(default_factory=Counter)
    repairs: Counter[int] = field(default_factory=Counter)
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Figures") -> None:
        """Add those of another partition."""
        for name in self.__slots__:
            getattr(self, name).update(getattr(other, name))

    @property
    def median_repair_minutes(self) -> int | None:
        """The middle time to repair; None without a repair."""
        half = (self.repairs.total() + 1) // 2
        for minutes in sorted(self.repairs):
            half -= self.repairs[minutes]
            if half <= 0:
                return minutes
        return None

    def repairs_by_span(self) -> list[int]:
        """Give how many repairs took up to each of SPANS_HOURS, and longer than all."""
        found = [0] * (len(SPANS_HOURS) + 1)
        for minutes, count in self.repairs.items():
            found[sum(minutes > hours * 60 for hours in SPANS_HOURS)] += count
        return found


class Counting:
    """Counts the messages of one side as they come; remembers the commands that are open."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._issued: dict[str, int] = {}

    def take(self, messages: Iterable[Said]) -> None:
        """Count messages, those of a command in order."""
        for said in messages:
            self._take(said)

    def _take(self, said: Said) -> None:
        figures, day = self.figures, said.time // DAY_MS
        figures.messages[said.kind, said.action] += 1
        figures.contacts[day] += said.is_contact
        figures.escalations[day] += said.is_escalation
        if said.action == Action.ISSUE:
            self._issued.setdefault(said.command_id, said.time)
            figures.incidents[day] += said.kind == INCIDENT
            figures.tickets[day] += said.kind == Kind.SUPPORT_TICKET
        elif said.action in (Action.COMPLETE, Action.WITHDRAW):
            issued = self._issued.pop(said.command_id, None)
            if said.is_repair and issued is not None:
                figures.repairs[max(0, said.time - issued) // MINUTE_MS] += 1
