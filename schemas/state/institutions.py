"""What the institution agent keeps: tickets, the logins that they counted, and the institution itself."""

from datetime import datetime

from schemas.state.record import Record


class StandingState(Record, frozen=True):
    """A login that the tickets of a code have counted, keyed `institutionId/code/customerId/login`.

    `login` is the institutionLoginId, or, where that is unknown, an empty text and the account id, joined by a slash.
    """

    counted_by: str
    """The ticket (its command id) that has counted this login as affected, the latest of them."""
    left_at: datetime | None = None
    """Event time since when no account of the login stands at the code; None: one does."""
    before: str = ""
    """`customerId/login` of the record made before this one, the next link of the chain from `TicketState.newest`."""


class TicketState(Record, frozen=True):
    """The ticket of an institution and code, keyed `institutionId/code`; gone when its logins are dropped."""

    command_id: str
    opened_at: datetime
    first_seen: datetime
    last_seen: datetime
    """Event times of the first and the last failing signal since the ticket was opened."""
    sequence: int = 0
    standing: int = 0
    """Logins that stand at the code now."""
    quiet_since: datetime | None = None
    """Since when no login has stood at the code; None while one does."""
    affected: int = 0
    """Distinct logins counted since the ticket was opened."""
    sample_ids: tuple[str, ...] = ()
    newest: str = ""
    """`customerId/login` of the record made last: from it every `StandingState` of the code can be reached."""
    drop_at: datetime | None = None
    """When the next of those records are dropped; set means that the ticket is complete."""


class InstitutionState(Record, frozen=True):
    """What belongs to an institution as a whole, keyed `institutionId`."""

    event_time: datetime
    """The largest event time among the institution's signals."""
    codes: tuple[int, ...] = ()
    """The codes that have a ticket record, ascending."""
