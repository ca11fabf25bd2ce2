"""What decisions about institutions read and give: the agent's tables by key, and the changes to them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from schemas.events import Event
from schemas.state import GatheringState, IncidentState, Record, StandingState, TicketState
from streams.domain.institutions.window import Window
from streams.domain.messages import Outgoing
from streams.domain.rules import Rules

NO_CODE = "null"
"""What stands for the code in the key of the ticket that has none (R14)."""


class Moment(Record, frozen=True):
    """When, under which rules and by what something is decided."""

    at: datetime
    """The institution's event time, or when the timer was due."""
    rules: Rules
    event_ids: tuple[str, ...] = ()
    """The events of customers that led here."""


class InstitutionView(Protocol):
    """What the decisions read of the institution agent's tables."""

    def event_time(self, institution_id: str, /) -> datetime | None:
        """Give the largest event time so far among the institution's signals and its partition's ticks."""

    def ticket(self, key: str, /) -> TicketState | None:
        """Give the ticket at a case's key."""

    def standing(self, key: str, /) -> StandingState | None:
        """Give the record of a login at a code, keyed by the case's key and the login's name."""

    def gathering(self, key: str, /) -> GatheringState | None:
        """Give the logins that failed with the unknown code of a case."""

    def incident(self, key: str, /) -> IncidentState | None:
        """Give the incident of a case."""

    def open_incidents(self, institution_id: str, /) -> tuple[int, ...]:
        """Give the codes with an open incident of an institution, ascending."""

    def window(self, institution_id: str, /) -> Window:
        """Give the window of an institution, the same object until it is written: decisions change it in place."""


class Outcome(StrEnum):
    """What a signal or a timer came to; the most telling where it was more than one."""

    IGNORED = "ignored"
    COUNTED = "counted"
    GATHERED = "gathered"
    LEFT = "left"
    STANDING = "standing"
    AFFECTED = "affected"
    DROPPED = "dropped"
    OPENED = "opened"
    COMPLETED = "completed"
    INCIDENT_CLOSED = "incident_closed"
    INCIDENT_OPENED = "incident_opened"


_TELLING = {outcome: place for place, outcome in enumerate(Outcome)}


class InstitutionDecision(Record, frozen=True):
    """What to write, by table key (None: a tombstone), what to send, and what to tell every partition before that.

    `event_time` is the institution's from here on, None where it does not move; like the window it is no part of
    `changed`.
    """

    outcome: Outcome = Outcome.IGNORED
    tickets: Mapping[str, TicketState | None] = {}
    standings: Mapping[str, StandingState | None] = {}
    gatherings: Mapping[str, GatheringState | None] = {}
    incidents: Mapping[str, IncidentState] = {}
    messages: tuple[Outgoing, ...] = ()
    announced: tuple[Event, ...] = ()
    rules: tuple[str, ...] = ()
    event_time: datetime | None = None

    @property
    def changed(self) -> bool:
        """Whether state but clock and window changes: what an audit record is for, and no message goes without."""
        return bool(self.tickets or self.standings or self.gatherings or self.incidents)

    @property
    def size(self) -> int:
        """How many records it changes, clock and window apart."""
        return len(self.tickets) + len(self.standings) + len(self.gatherings) + len(self.incidents)

    def then(self, other: "InstitutionDecision") -> "InstitutionDecision":
        """Give both in one; they are about different records."""
        if other is IGNORED:
            return self
        if self is IGNORED:
            return other
        return InstitutionDecision(
            max(self.outcome, other.outcome, key=_TELLING.__getitem__),
            {**self.tickets, **other.tickets},
            {**self.standings, **other.standings},
            {**self.gatherings, **other.gatherings},
            {**self.incidents, **other.incidents},
            (*self.messages, *other.messages),
            (*self.announced, *other.announced),
            (*self.rules, *(rule for rule in other.rules if rule not in self.rules)),
        )


IGNORED = InstitutionDecision()


def case_key(institution_id: str, code: int | None) -> str:
    """Give the table key of an institution and code; ids hold no slash, so no two share one."""
    return f"{institution_id}/{NO_CODE if code is None else code}"


def case_of(key: str) -> tuple[str, int | None]:
    """Give institution and code of a case's key."""
    institution_id, _, code = key.rpartition("/")
    return institution_id, None if code == NO_CODE else int(code)
