"""What the institution agent keeps: tickets with the logins that they counted, incidents, and institutions."""

from collections.abc import Mapping

from schemas.commands import TicketCause
from schemas.state.record import Moment, Record


class StandingState(Record, frozen=True):
    """A login that the tickets of a code have counted, keyed `institutionId/code/customerId/login`.

    `login` is the institutionLoginId, or, where that is unknown, an empty text and the account id, joined by a slash.
    """

    counted_by: str
    """The ticket (its command id) that has counted this login as affected, the latest of them."""
    left_at: Moment | None = None
    """Event time since when no account of the login stands at the code; None: one does."""
    before: str = ""
    """`customerId/login` of the record made before this one, the next link of the chain from `TicketState.newest`."""


class TicketState(Record, frozen=True):
    """The ticket of an institution and code, keyed `institutionId/code`; gone when its logins are dropped.

    The key's code is `null` for the ticket of logins that were not found (R14).
    """

    command_id: str
    opened_at: Moment
    first_seen: Moment
    last_seen: Moment
    """Event times of the first and the last failing signal that the ticket knows of."""
    cause: TicketCause = TicketCause.SUPPORT
    sequence: int = 0
    standing: int = 0
    """Logins that stand at the code now."""
    quiet_since: Moment | None = None
    """Since when no login has stood at the code; None while one does."""
    affected: int = 0
    """Distinct logins counted since the ticket was opened."""
    sample_ids: tuple[str, ...] = ()
    newest: str = ""
    """`customerId/login` of the record made last: from it every `StandingState` of the code can be reached."""
    remembered: int = 0
    """How many those are."""
    beyond: int = 0
    """Logins that stand at the code without such a record."""
    drop_at: Moment | None = None
    """When the next of those records are dropped; set means that the ticket is complete."""


class GatheredLogin(Record, frozen=True):
    """A login that failed with an unknown code for which no ticket is open (R11); times are the signals' own."""

    account: str
    """`customerId/accountId` of the account that failed first."""
    first_seen: Moment
    last_seen: Moment
    left_at: Moment | None = None
    """As in `StandingState`."""


class GatheringState(Record, frozen=True):
    """The logins that failed with an unknown code of an institution, keyed `institutionId/code` (R11)."""

    logins: Mapping[str, GatheredLogin] = {}
    """By `customerId/login`, the one heard of last at the end."""


class IncidentState(Record, frozen=True):
    """The incident of an institution and code (R9), keyed `institutionId/code`; a closed one stays for its sequence."""

    sequence: int
    """How many openings and closings there were."""
    opened_at: Moment
    ticket: TicketState | None = None
    """What support was told; `standing` are the logins failing in the window at the last one. None: it is closed."""
    seen: int = 0
    """Logins of the window by then."""


class CodeMark(Record, frozen=True, array_like=True):
    """What the window has of a login at a code; milliseconds since 1970, 0 for never."""

    code: int
    failed_ms: int
    """Its latest failing observation, while the login has not left the code."""
    entered_ms: int
    """When it last entered the code."""
    account: str
    """`customerId/accountId` of the account that entered."""


class WindowLogin(Record, frozen=True, array_like=True):
    """What the window has of a login: `level` says that it stands for 2**level logins."""

    seen_ms: int
    level: int
    marks: tuple[CodeMark, ...] = ()


class WindowState(Record, frozen=True):
    """The logins of an institution seen within the window of incidents (R9), keyed `institutionId`."""

    logins: Mapping[str, WindowLogin] = {}
    """Logins heard of by name, by `customerId/login`, the one heard of last at the end."""
    level: int = 0
    """Only one login in 2**level is remembered from here on."""
    counts: Mapping[int, int] = {}
    """Logins that were only counted, as healthy, by the millisecond of their count."""
    width_ms: int = 1
    """To how many milliseconds the times of the counts are rounded up."""


class InstitutionState(Record, frozen=True):
    """What belongs to an institution as a whole, keyed `institutionId`."""

    event_time: Moment
    """The largest event time among the institution's signals."""
    codes: tuple[int | None, ...] = ()
    """The codes that have a ticket record, ascending, None first."""
    incidents: tuple[int, ...] = ()
    """The codes that have an open incident, ascending."""
