"""Inbound records: what the bridge, the executor and operators put on `aggregation.events`, as CloudEvents 1.0."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

import msgspec
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from schemas.base import Inbound, Model
from schemas.catalogue import Catalogue
from schemas.policy import Policy
from schemas.signals import HealthyLogins, Signal, TicketWanted

SCHEMA_VERSION = 1
"""Version of the messages, part of the ids of their JSON Schemas."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-.0-~]+$")]
"""An id of the vendor's: printable ASCII without spaces, and without the slashes that keys are joined with."""

StatusCode = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
"""An aggregation status code: what the vendor's int32 can hold."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{at} is out of range in UTC") from error


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time in Python's own UTC: comparing with pydantic's takes ten times as long."""


class EventType(StrEnum):
    """The `ce_type` of the records that decisions know, but for Data Connect events: see `CONNECT_PREFIX`."""

    ACCOUNT_MODIFIED = "txpush.account.modified"
    ACCOUNT_DELETED = "txpush.account.deleted"
    ACCOUNT_OBSERVED = "account.observed"
    ACCOUNT_CHALLENGED = "account.challenged"
    COMMAND_REPORTED = "command.reported"
    CANARY_SENT = "canary.sent"
    INCIDENT_OPENED = "institution.incident.opened"
    INCIDENT_CLOSED = "institution.incident.closed"
    OPERATOR_OVERRIDE = "operator.override"
    CUSTOMER_FORGOTTEN = "customer.forgotten"
    POLICY_ACTIVATED = "policy.activated"
    CLOCK_TICK = "clock.tick"
    SNAPSHOT_MARKED = "snapshot.marked"
    SNAPSHOT_TAKEN = "snapshot.taken"


CONNECT_PREFIX = "connect."
"""Data Connect events are `connect.<eventType>` with the vendor's own event type behind the dot."""


class Source(StrEnum):
    """The `ce_source` of a record: the component that may write it."""

    BRIDGE = "/remediation/bridge"
    EXECUTOR = "/remediation/executor"
    SWEEP = "/remediation/sweep"
    AGENT = "/remediation/agent"
    INSTITUTIONS = "/remediation/institutions"
    OPERATOR = "/remediation/operator"


class AccountSnapshot(Inbound):
    """One account as the vendor reported it, reduced to what decisions need; ids are text, times aware UTC.

    Source: `CustomerAccount` of the vendor's OpenAPI file. Names, numbers and balances never get here.
    """

    customer_id: Identifier
    account_id: Identifier
    institution_id: Identifier | None = None
    institution_login_id: Identifier | None = None
    aggregation_status_code: StatusCode | None = None
    aggregation_attempt_date: UtcTime | None = None
    aggregation_success_date: UtcTime | None = None
    last_updated_date: UtcTime | None = None
    authorization_end_date: UtcTime | None = None
    authorization_expires: bool | None = None
    account_type: str | None = None
    baseline: bool = Field(default=False, exclude_if=lambda value: not value)
    """Read by a sweep, not heard of as news (R17)."""


class WebhookData(Inbound):
    """What our own Fix link carries through the vendor and back."""

    command_id: str = Field(alias="command_id", max_length=64)


class ConnectEvent(Inbound):
    """A Data Connect webhook, reduced; `event_id` is `<epoch ms>-<24 hex>` in every sample seen."""

    customer_id: Identifier
    institution_id: Identifier | None = None
    institution_login_ids: tuple[Identifier, ...] = ()
    account_ids: tuple[Identifier, ...] = ()
    event_type: str = Field(max_length=64)
    event_id: str | None = Field(default=None, max_length=128)
    code: int | None = None
    reason: str | None = Field(default=None, max_length=64)
    webhook_data: WebhookData | None = None


class AccountChallenged(Inbound):
    """A live call of the user's own was answered with a security challenge (R7); names an account, a login, or both."""

    customer_id: Identifier
    account_id: Identifier | None = None
    institution_login_id: Identifier | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.account_id is None and self.institution_login_id is None:
            raise ValueError("accountId or institutionLoginId is needed")
        return self


class Incident(Model):
    """An incident of an institution and code (R9); `sequence` rises with each opening and closing of that pair.

    It is the event time in milliseconds, or one more than the last: an agent that has lost its state goes on above it.
    """

    institution_id: Identifier
    code: StatusCode
    sequence: int = Field(ge=1)
    opened_at: UtcTime
    logins_failing: int = Field(ge=0)
    logins_seen: int = Field(ge=0)


class OverrideAction(StrEnum):
    """What an operator may decide (R16)."""

    SILENCE = "silence"
    MARK_OTP = "mark_otp"
    UNMARK_OTP = "unmark_otp"
    CLOSE_CASE = "close_case"
    RELEASE_BASELINE = "release_baseline"
    RESUME = "resume"
    """For a whole partition: what it was paused for is accepted up to this record (streams: guarantee 4)."""


class Override(Inbound):
    """An operator's decision (R16), about a customer, a login or an account of it, an institution, or all."""

    action: OverrideAction
    customer_id: Identifier | None = None
    account_id: Identifier | None = None
    institution_login_id: Identifier | None = None
    institution_id: Identifier | None = None
    all: bool = False
    until: UtcTime | None = None
    rate_per_hour: int | None = Field(default=None, ge=1, le=1_000_000, alias="rate_per_hour")
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _has_a_scope(self) -> Self:
        if problem := _scope_problem(self):
            raise ValueError(problem)
        return self

    @property
    def is_partition_wide(self) -> bool:
        """Whether it is about customers of many: written to every partition, without a key."""
        return self.customer_id is None

    @property
    def apart(self) -> timedelta:
        """How far apart the released cases are contacted: whole milliseconds, none without a rate."""
        return timedelta() if self.rate_per_hour is None else timedelta(milliseconds=HOUR_MS // self.rate_per_hour)


HOUR_MS = 3_600_000
_CASE_ACTIONS = (OverrideAction.MARK_OTP, OverrideAction.UNMARK_OTP, OverrideAction.CLOSE_CASE)


def _scope_problem(override: Override) -> str | None:
    wide = override.all or override.institution_id is not None
    of_customer = override.account_id is not None or override.institution_login_id is not None
    if override.action is OverrideAction.RESUME and (override.customer_id or override.institution_id or of_customer):
        return "resume is about a partition: it goes with all alone"
    if override.customer_id is None and (of_customer or not wide):
        return "customerId is needed, or institutionId or all alone"
    if override.customer_id is not None and wide:
        return "customerId goes with neither institutionId nor all"
    if override.action in _CASE_ACTIONS and override.institution_login_id is None and override.account_id is None:
        return f"{override.action} needs customerId with institutionLoginId or accountId"
    return None


class CustomerForgotten(Inbound):
    """A customer is to be forgotten (R18)."""

    customer_id: Identifier
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=500)


class CommandReported(Inbound):
    """What a service made of a command: kept in the log, changes no decision."""

    command_id: str = Field(min_length=1, max_length=64, alias="command_id")
    report: str = Field(min_length=1, max_length=64)
    """`delivered`, `bounced`, `contacted`, `ticket_opened`: the reader's own word."""
    customer_id: Identifier | None = None
    reference: str | None = Field(default=None, max_length=200)


class CanarySent(Inbound):
    """A sign of life through bridge, log and agent: it changes no state, and comes out on a topic of its own.

    `customer_id` is made up, one a partition; it is no id of the vendor's, which are numbers.
    """

    customer_id: Identifier
    canary_id: str = Field(min_length=1, max_length=64, alias="canary_id")


class PolicyActivated(Model):
    """The rules in force from here on, whole, so that any decision can be derived again.

    `who` and `why` are an operator's; an agent that announces the rules it was shipped with has neither.
    """

    policy: Policy
    policy_sha256: str
    catalogue: Catalogue
    catalogue_sha256: str
    engine_version: str
    who: str | None = Field(default=None, min_length=1, max_length=200, exclude_if=lambda value: value is None)
    why: str | None = Field(default=None, min_length=1, max_length=500, exclude_if=lambda value: value is None)


class ClockTick(Model):
    """Time has passed on this partition; the event time is the record's own."""


class SnapshotMarked(Model):
    """A snapshot is being taken of the state that the records before this one lead to."""


class SnapshotTaken(Model):
    """What the state was at a mark of this partition; it changes no decision, and whoever folds the log can tell.

    Attributes:
        offset: of the mark; everything before it is in the state, and the mark is not.
        state_sha256: over the lines of all its records, lower-case hex (streams/snapshots/README.md).
        records: how many there are.
        state_version: of the release that has derived it; another one may write the same state in other bytes.
        audit_head: hash of the last decision before the mark, as derived; empty before the first.
    """

    offset: int = Field(ge=0)
    state_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    records: int = Field(ge=0)
    state_version: int = Field(ge=0)
    audit_head: str = Field(pattern=r"^([0-9a-f]{64})?$")


EventData = (
    AccountSnapshot
    | ConnectEvent
    | AccountChallenged
    | CommandReported
    | CanarySent
    | Incident
    | Override
    | CustomerForgotten
    | PolicyActivated
    | ClockTick
    | SnapshotMarked
    | SnapshotTaken
    | Signal
    | HealthyLogins
    | TicketWanted
    | Mapping[str, Any]
)
"""A mapping is the data of a type that this version stores and counts but does not decide on."""


class Event(msgspec.Struct, frozen=True):
    """One CloudEvent of the inbound log; `time` is the event time, aware UTC, milliseconds."""

    id: str
    type: str
    source: str
    time: datetime
    data: EventData
    subject: str | None = None
    partition_key: str | None = None
