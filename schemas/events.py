"""Inbound records: what the bridge, the executor and operators put on `aggregation.events`, as CloudEvents 1.0."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from schemas.base import Inbound, Model
from schemas.catalogue import Catalogue
from schemas.policy import Policy

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
    """The `ce_type` of the records that change decisions today."""

    ACCOUNT_MODIFIED = "txpush.account.modified"
    ACCOUNT_DELETED = "txpush.account.deleted"
    ACCOUNT_OBSERVED = "account.observed"
    POLICY_ACTIVATED = "policy.activated"
    CLOCK_TICK = "clock.tick"


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


class PolicyActivated(Model):
    """The rules in force from here on, whole, so that any decision can be derived again."""

    policy: Policy
    policy_sha256: str
    catalogue: Catalogue
    catalogue_sha256: str
    engine_version: str


class ClockTick(Model):
    """Time has passed on this partition; the event time is the record's own."""


EventData = AccountSnapshot | ConnectEvent | PolicyActivated | ClockTick | Mapping[str, Any]
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
