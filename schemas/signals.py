"""The second log: what the agent tells the institution agent about logins (`institution.signals`)."""

from datetime import datetime
from enum import StrEnum

from schemas.base import Model
from schemas.commands import TicketCause


class SignalType(StrEnum):
    """The `ce_type` of a signal."""

    FAILING = "institution.login.failing"
    LEFT = "institution.login.left"
    HEALTHY = "institution.logins.healthy"
    TICKET_WANTED = "institution.ticket.wanted"


class Signal(Model):
    """A login's standing at a code of its institution; the event time is the record's own.

    `failing` is one per failing observation, `entered` true where no account of the login stood at the code before;
    `left` says that no account of the login stands at the code any more. Code null is the wait for an account's login
    (R14): the account stands for itself, and `left` is the end of its wait.
    """

    institution_id: str
    code: int | None
    customer_id: str
    institution_login_id: str | None
    account_id: str
    entered: bool
    otp: bool = False
    """The login is marked OTP (R7): it counts for no incident."""
    counted_at: datetime | None = None
    """Event time at which the login was last in a count of healthy ones, where that was within the last 30 min (R9)."""
    event_id: str
    source_partition: int
    source_offset: int


class HealthyLogins(Model):
    """Logins of an institution that were seen to succeed, counted once a transaction (R9).

    A login that was counted or reported within the last 30 min is not counted again. The place is that of the last
    record that is counted.
    """

    institution_id: str
    logins: int
    source_partition: int
    source_offset: int


class TicketWanted(Model):
    """An account that support should hear of: `unknown_code` (R11), or `login_unknown` (R14) with code null."""

    institution_id: str
    cause: TicketCause
    code: int | None
    customer_id: str
    institution_login_id: str | None
    account_id: str
    event_id: str
    source_partition: int
    source_offset: int
