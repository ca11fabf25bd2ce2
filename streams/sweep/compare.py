"""Tells what the vendor shows from what is known of an account: pure."""

from datetime import UTC, datetime
from enum import StrEnum

from schemas.events import AccountSnapshot
from streams.sweep.book import Known

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Difference(StrEnum):
    """Why the log has to hear of an account."""

    UNKNOWN = "unknown"
    """Nothing was ever heard of it (R17)."""
    RETURNED = "returned"
    """It was deleted, and there was an attempt since (R12)."""
    CODE = "code"
    ATTEMPT = "attempt"
    LOGIN = "login"
    INSTITUTION = "institution"
    DELETED = "deleted"
    """The vendor does not list it any more."""


class Silence(StrEnum):
    """Why the log has nothing to hear of an account."""

    EQUAL = "equal"
    BEHIND = "behind"
    """What is known is of a later attempt than what the vendor showed: it would be stale (R1)."""
    STILL_DELETED = "still_deleted"
    """It was deleted, and no attempt since has brought it back (R12)."""


def compared(known: Known | None, seen: AccountSnapshot, at: datetime) -> tuple[Difference, ...] | Silence:
    """Compare an account with what is known of it.

    An attempt that lies in the future says nothing: R1 would take each reading of it for a new one. What a snapshot
    leaves out says nothing either (R1).

    Args:
        known: the account as it is known; None where nothing was ever heard of it.
        seen: the account as the vendor shows it.
        at: when it was read.
    """
    date = seen.aggregation_attempt_date
    attempted_at = date if date is not None and _EPOCH < date <= at else None
    if known is None:
        return (Difference.UNKNOWN,)
    if known.is_deleted:
        is_back = attempted_at is not None and attempted_at > known.heard_at
        return (Difference.RETURNED,) if is_back else Silence.STILL_DELETED
    if seen.aggregation_status_code is not None and _is_earlier(attempted_at, known.attempted_at):
        return Silence.BEHIND
    return _differences(known, seen, attempted_at) or Silence.EQUAL


def _differences(known: Known, seen: AccountSnapshot, attempted_at: datetime | None) -> tuple[Difference, ...]:
    code = seen.aggregation_status_code
    pairs = {
        Difference.CODE: (code, known.code),
        Difference.ATTEMPT: (None if code is None else attempted_at, known.attempted_at),
        Difference.LOGIN: (seen.institution_login_id, known.login_id),
        Difference.INSTITUTION: (seen.institution_id, known.institution_id),
    }
    return tuple(name for name, (shown, was) in pairs.items() if shown is not None and shown != was)


def _is_earlier(date: datetime | None, known: datetime | None) -> bool:
    return date is not None and known is not None and date < known
