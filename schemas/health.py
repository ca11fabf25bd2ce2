"""The present state of every account (`account.health`) and of institutions with tickets (`institution.health`)."""

from datetime import datetime
from enum import StrEnum

from schemas.base import Model
from schemas.commands import TicketCause


class Phase(StrEnum):
    """Where an account stands, in the words of its code's treatment."""

    NEVER_AGGREGATED = "never_aggregated"
    HEALTHY = "healthy"
    CUSTOMER_ACTION = "customer_action"
    OTP = "otp"
    SUPPORT = "support"
    INSTITUTION_TROUBLE = "institution_trouble"
    UNKNOWN = "unknown"
    DELETED = "deleted"


class Otp(StrEnum):
    """Whether a login asks for a one-time passcode at every connection (R7)."""

    NO = "no"
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"


class OpenCommand(Model):
    """A command that is open for the login of an account."""

    kind: str
    command_id: str
    sequence: int


class AccountHealth(Model):
    """One account, keyed `customerId/accountId`; times are event times, the attempt's the vendor's."""

    customer_id: str
    account_id: str
    institution_id: str | None
    institution_login_id: str | None
    phase: Phase
    code: int | None
    attempted_at: datetime | None
    heard_at: datetime
    healthy_at: datetime | None
    otp: Otp = Otp.NO
    is_unresponsive: bool = False
    """Every reminder of its case went out and it still fails (R8)."""
    commands: tuple[OpenCommand, ...]


class OpenTicket(Model):
    """A ticket that is open for an institution; code null is that of logins not found (R14)."""

    cause: TicketCause
    code: int | None
    command_id: str
    opened_at: datetime
    logins_affected: int
    logins_standing: int


class OpenIncident(Model):
    """An incident that is open for an institution (R9), with the logins of its window at the last one that failed."""

    code: int
    sequence: int
    opened_at: datetime
    logins_failing: int
    logins_seen: int


class InstitutionHealth(Model):
    """One institution, keyed `institutionId`."""

    institution_id: str
    incidents: tuple[OpenIncident, ...] = ()
    tickets: tuple[OpenTicket, ...]
