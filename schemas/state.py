"""The state that the agents keep in their tables: immutable records, encoded as compact JSON.

These are ours alone, so they are msgspec structs: a fold makes several a record, and their cost is the agent's speed.
A state record carries `SCHEMA_VERSION` in its topic's first header; absent fields stand for their defaults.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

__all__ = [
    "SCHEMA_VERSION",
    "AccountState",
    "ControlState",
    "CustomerState",
    "EpisodeState",
    "LoginState",
    "StandingState",
    "TicketState",
    "encode",
    "replace",
]

SCHEMA_VERSION = 1


class AccountState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One account, keyed `customerId/accountId`; `heard_at`, `observed_at` are event times, the rest the vendor's."""

    institution_id: str | None = None
    login_id: str | None = None
    code: int | None = None
    """The last observed code; None: never aggregated."""
    standing: int | None = None
    """The last observed code that says something about the login: 0, or one that a customer can mend (R2)."""
    attempted_at: datetime | None = None
    codes_at_attempt: tuple[int, ...] = ()
    observed_at: datetime | None = None
    updated_at: datetime | None = None
    """The latest lastUpdatedDate seen."""
    succeeded_at: datetime | None = None
    """The latest aggregationSuccessDate seen."""
    healed_at: datetime | None = None
    """The latest attempt that gave code 0."""
    heard_at: datetime | None = None
    healthy_at: datetime | None = None
    """Event time of the latest observation of code 0."""
    authorization_end: datetime | None = None
    authorization_expires: bool | None = None
    deleted_at: datetime | None = None


class EpisodeState(msgspec.Struct, frozen=True, omit_defaults=True):
    """An open episode of a case and kind, and the command that speaks for it (R3, R4)."""

    opened_at: datetime
    """The first failing attempt's time: part of the episode's identity."""
    ordinal: int
    command_id: str
    sequence: int
    reason_code: int
    steps: tuple[str, ...]
    account_ids: tuple[str, ...]
    fixed_at: datetime | None = None
    """The latest strong fix event that counts for it (R5)."""


class LoginState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A case, keyed `customerId/institutionLoginId`."""

    institution_id: str | None = None
    ordinal: int = 0
    """Episodes of the case so far, all kinds."""
    episodes: Mapping[str, EpisodeState] = {}
    """Open episodes by kind."""
    command_ids: tuple[str, ...] = ()
    """The latest commands of the case, open ones included: the id of a closed command still names its case."""
    fixed_at: datetime | None = None
    """Event time at which the latest strong fix event was heard."""


class CustomerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What belongs to the customer as a whole, keyed `customerId`."""

    event_time: datetime
    """The largest event time among the customer's own records."""
    seen: Mapping[str, datetime] = {}
    """Digests of the `ce_id`s of the last days with the event time of each, oldest first."""
    account_ids: tuple[str, ...] = ()
    login_ids: tuple[str, ...] = ()


class ControlState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What belongs to a partition as a whole: its clock and the head of its audit chain."""

    ticked_at: datetime | None = None
    audit_head: str = ""
    """SHA-256 of the last audit record, hex; empty before the first."""
    inputs: str = "0" * 64
    """The rolling hash over the inbound records since the last audit record."""


class StandingState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A login that the tickets of a code have counted, keyed `institutionId/code/customerId/login`.

    `login` is the institutionLoginId, or, where that is unknown, an empty text and the account id, joined by a slash.
    """

    counted_by: str
    """The ticket (its command id) that has counted this login as affected, the latest of them."""
    left_at: datetime | None = None
    """Event time since when no account of the login stands at the code; None: one does."""
    before: str = ""
    """`customerId/login` of the record made before this one, the next link of the chain from `TicketState.newest`."""


class TicketState(msgspec.Struct, frozen=True, omit_defaults=True):
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


encode = msgspec.json.Encoder(order=None).encode
