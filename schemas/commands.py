"""Remediation commands: what downstream services subscribe to."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Model
from schemas.catalogue import Kind, Step

COMMAND_TOPICS: dict[Kind, str] = {kind: f"remediation.{kind.value}" for kind in Kind}
"""One topic a kind."""
LOOKUP_TOPIC = "remediation.lookup"
"""Requests to the executor: no commands, and for nobody else."""

CONTACT_KINDS = (Kind.CONNECT_FIX, Kind.RELINK, Kind.REMOVE_DUPLICATE, Kind.CONSENT_RENEWAL)
"""The customer-facing kinds (R8), in the order in which a case closes and opens them, and in which they go out."""

COMMAND_NAMESPACE = UUID("478f6ea7-0488-4599-8c67-89de73b8fbae")
"""What the name-based ids of all commands, tickets included, are derived under; fixed for good."""


class Action(StrEnum):
    """What a message says about its command; `issue` and `remind` ask for contact, the others do not."""

    ISSUE = "issue"
    UPDATE = "update"
    REMIND = "remind"
    WITHDRAW = "withdraw"
    COMPLETE = "complete"


class WithdrawReason(StrEnum):
    """Why a command ended without a repair of ours."""

    HEALED = "healed"
    OTP = "otp"
    RELEASED = "released"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    OPERATOR = "operator"
    FORGOTTEN = "forgotten"


class Hold(StrEnum):
    """Why a contact of a customer waits (R6, R8, R9, R16, R17)."""

    FIX_PENDING = "fix_pending"
    """A strong fix was heard, and its repair has still to show."""
    COOLDOWN = "cooldown"
    INCIDENT = "incident"
    WEAK_FIX = "weak_fix"
    SILENCE = "silence"
    BASELINE = "baseline"
    """First seen by a sweep, with old news: it waits for its release."""


class TicketCause(StrEnum):
    """What a support ticket is about; part of its identity."""

    INCIDENT = "incident"
    SUPPORT = "support"
    UNKNOWN_CODE = "unknown_code"
    LOGIN_UNKNOWN = "login_unknown"


class Reason(Model):
    """The highest-ranking code among the failing accounts, in the catalogue's words."""

    code: int | None
    cause: str
    text: str


class EpisodeRef(Model):
    """Which episode of the case a command belongs to; `ordinal` counts from 1."""

    opened_at: datetime
    ordinal: int
    relapses: int = 0


class Evidence(Model):
    """The events and rules that led here."""

    event_ids: tuple[str, ...]
    rules: tuple[str, ...]


class Command(Model):
    """One message of a customer's command; `(command_id, sequence)` is unique and the highest sequence holds."""

    command_id: str
    sequence: int
    action: Action
    kind: Kind
    customer_id: str
    institution_login_id: str
    institution_id: str | None
    account_ids: tuple[str, ...]
    reason: Reason
    steps: tuple[Step, ...]
    episode: EpisodeRef
    not_after: datetime | None = Field(default=None, exclude_if=lambda value: value is None)
    withdraw_reason: WithdrawReason | None = Field(default=None, exclude_if=lambda value: value is None)
    evidence: Evidence
    policy_version: str
    catalogue_version: str
    fix_url: str | None = Field(default=None, repr=False, exclude_if=lambda value: value is None)


class LookupAction(StrEnum):
    """What the executor is asked to look up."""

    LOCATE = "locate"
    VERIFY = "verify"


class Lookup(Model):
    """A request to the executor (`remediation.lookup`), answered by `account.observed`.

    `locate` asks for the login of an account (R14), `verify` for accounts whose repair has not shown yet (R6).
    """

    kind: Literal["lookup"] = "lookup"
    action: LookupAction
    customer_id: str
    institution_login_id: str | None
    account_ids: tuple[str, ...]


class Ticket(Model):
    """One message of a support ticket about an institution; times are event times."""

    command_id: str
    sequence: int
    action: Action
    kind: Kind
    institution_id: str
    cause: TicketCause
    opened_at: datetime
    reason: Reason
    steps: tuple[Step, ...]
    codes: tuple[int, ...]
    logins_affected: int
    first_seen: datetime
    last_seen: datetime
    sample_ids: tuple[str, ...]
    evidence: Evidence
    policy_version: str
    catalogue_version: str
