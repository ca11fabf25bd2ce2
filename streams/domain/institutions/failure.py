"""A login that fails, as tickets and windows see it: what a signal says of it, in one form for all signals."""

from datetime import datetime

from schemas.signals import Signal, TicketWanted
from schemas.state import Record
from streams.domain.institutions.view import case_key


class Failure(Record, frozen=True):
    """A login at a code of its institution."""

    key: str
    """The case's: institution and code."""
    login: str
    account: str
    """`customerId/accountId`."""
    seen_at: datetime
    """The signal's own time."""
    enters: bool
    """Whether the login was not at the code before, as the signal says."""


def failure_of(signal: Signal | TicketWanted, seen_at: datetime, *, enters: bool) -> Failure:
    """Read a signal that says of a login that it stands at the code."""
    return Failure(
        case_key(signal.institution_id, signal.code),
        login_of(signal),
        f"{signal.customer_id}/{signal.account_id}",
        seen_at,
        enters,
    )


def login_of(signal: Signal | TicketWanted) -> str:
    """Name the login of a signal; an account of unknown login stands for itself, one that waits for its login always.

    Its name has an empty part where others name the login: no login id is empty or has a slash.
    """
    if signal.institution_login_id is None or signal.code is None:
        return f"{signal.customer_id}//{signal.account_id}"
    return f"{signal.customer_id}/{signal.institution_login_id}"
