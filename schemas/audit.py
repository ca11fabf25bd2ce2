"""The chain of decisions (`audit.decisions`) and what could not be read (`aggregation.dead-letter`)."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from schemas.base import Model


class DeadLetterReason(StrEnum):
    """Why a record was set aside."""

    NOT_A_CLOUD_EVENT = "not_a_cloud_event"
    BAD_TIME = "bad_time"
    BAD_DATA = "bad_data"
    WRONG_PARTITION = "wrong_partition"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    NO_ACCOUNT = "no_account"
    UNREADABLE_BODY = "unreadable_body"
    DECISION_FAILED = "decision_failed"
    REQUEST_REFUSED = "request_refused"
    """A look-up that the vendor cannot use, or that found no place among those that wait for its institution."""


class DeadLetter(Model):
    """A record or a request that was set aside; the record in `reduced` carries no names, numbers or balances."""

    reason: DeadLetterReason
    detail: str
    origin: str
    received_at: datetime
    reduced: str | None
    body_sha256: str


class LetterRetried(Model):
    """A dead letter whose record an operator has put back into the log, to be decided on anew."""

    letter: str
    """Where the dead letter is, `partition/offset` of `aggregation.dead-letter`."""
    origin: str
    """Where its record was, `topic/partition/offset`."""
    put_back: str
    """Where the record is now, in the same form."""
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=500)


class AuditedMessage(Model):
    """A message that a decision caused."""

    topic: str
    id: str
    sha256: str


class AuditRecord(Model):
    """One decision; hashes are lower-case hex SHA-256.

    `state_sha256` is over the changed table records as they are written, accounts before logins, tickets before the
    logins that they counted. `inputs_sha256` rolls over every inbound record since the previous audit record, this one
    included, from 32 zero bytes: `roll = sha256(roll + offset + timestamp + parts)`, the numbers big endian in 8 bytes;
    the parts are key, value, then name and value of each header, each written as its length in decimal, a colon and its
    bytes, or as `-` where it is null. `previous` is the hash of the previous audit record's bytes, of
    `cluster id/topic id/partition` for the first.
    """

    event_id: str
    topic: str
    partition: int
    offset: int
    event_time: datetime
    phase_before: str | None
    phase_after: str | None
    rules: tuple[str, ...]
    messages: tuple[AuditedMessage, ...]
    dead_letter: DeadLetterReason | None
    policy_sha256: str
    catalogue_sha256: str
    engine_version: str
    state_sha256: str
    inputs_sha256: str
    previous: str
