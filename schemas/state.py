"""The state that the agents keep in their tables: immutable records, encoded as compact JSON.

These are ours alone, so they are msgspec structs: a fold makes several a record, and their cost is the agent's speed.
Absent fields stand for their defaults.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

__all__ = [
    "AccountState",
    "ControlState",
    "CustomerState",
    "EpisodeState",
    "InstitutionState",
    "LoginState",
    "Record",
    "StandingState",
    "TicketState",
    "encode",
    "replace",
]


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable record, changed only by `replace`."""


class AccountState(Record, frozen=True):
    """One account, keyed `customerId/accountId`; `heard_at`, `healthy_at`, `deleted_at` are event times."""

    heard_at: datetime
    """The latest record about the account that was neither stale nor a repetition."""
    institution_id: str | None = None
    login_id: str | None = None
    code: int | None = None
    """The last observed code; None: never aggregated."""
    standing: int | None = None
    """The last observed code that says something about the login: 0, or one that a customer can mend (R2)."""
    failing_since: datetime | None = None
    """The first attempt of the present stretch of codes of one kind; None while the standing needs no command."""
    attempted_at: datetime | None = None
    codes_at_attempt: tuple[int, ...] = ()
    """The latest attempt and the codes seen at it, in order."""
    updated_at: datetime | None = None
    """The latest lastUpdatedDate seen."""
    succeeded_at: datetime | None = None
    """The latest aggregationSuccessDate seen."""
    healed_at: datetime | None = None
    """The latest attempt that gave code 0."""
    healthy_at: datetime | None = None
    """Event time of the latest observation of code 0."""
    fix_heard: bool = False
    """A strong fix event was heard since the last observation (R1)."""
    authorization_end: datetime | None = None
    authorization_expires: bool | None = None
    deleted_at: datetime | None = None


class EpisodeState(Record, frozen=True):
    """An open episode of a case and kind, and the command that speaks for it (R3, R4)."""

    opened_at: datetime
    """The first failing attempt's time: part of the episode's identity."""
    ordinal: int
    command_id: str
    sequence: int
    """Of the command's latest message."""
    reason_code: int
    steps: tuple[str, ...]
    account_ids: tuple[str, ...]
    """The accounts that need the kind, ascending."""
    fixed_at: datetime | None = None
    """Time of the latest strong fix event that counts for it (R5)."""


class LoginState(Record, frozen=True):
    """A case, keyed `customerId/institutionLoginId`: from its first episode on; its ordinal outlives its accounts."""

    institution_id: str | None = None
    ordinal: int = 0
    """Episodes of the case so far, all kinds."""
    episodes: Mapping[str, EpisodeState] = {}
    """Open episodes by kind."""
    closed_ids: tuple[str, ...] = ()
    """The latest closed commands, oldest first: the id of a closed command still names its case (R5)."""


class CustomerState(Record, frozen=True):
    """What belongs to the customer as a whole, keyed `customerId`."""

    event_time: datetime
    """The largest event time among the customer's own records."""
    seen: Mapping[str, datetime] = {}
    """Digests of the `ce_id`s of the last days with the event time of each, oldest first."""
    account_ids: tuple[str, ...] = ()
    login_ids: tuple[str, ...] = ()


class ControlState(Record, frozen=True):
    """What belongs to a partition as a whole: its clock and the head of its audit chain."""

    ticked_at: datetime | None = None
    audit_head: str = ""
    """SHA-256 of the last audit record, hex; empty before the first."""
    inputs: str = "0" * 64
    """The rolling hash over the inbound records since the last audit record."""
    looked_at: int = 0
    """How many of the latest records the share of dead letters is over (guarantee 4)."""
    dead_ago: tuple[int, ...] = ()
    """Which of them are dead letters: how many records ago, oldest first; 0 is the latest record."""


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


encode = msgspec.json.Encoder(order=None).encode
