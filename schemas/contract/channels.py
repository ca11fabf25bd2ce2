"""The topics of the contract: key, retention, who writes and who reads, and which messages."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from schemas.canary import CANARY_TOPIC
from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS, LOOKUP_TOPIC
from schemas.events import EventType
from schemas.signals import SignalType

EVENTS = "aggregation.events"
HEALTH = "account.health"
SIGNALS = "institution.signals"
INSTITUTION_HEALTH = "institution.health"
AUDIT = "audit.decisions"
DEAD_LETTER = "aggregation.dead-letter"
LETTER_RETRIED = "dead-letter.retried"
"""The `ce_type` of the notes among the dead letters; a dead letter has none."""

PARTITIONS, REPLICAS = 12, 3
"""Of a production cluster: partitions are for life, and the same for all topics."""
MAX_AHEAD = timedelta(minutes=5)
"""How far ahead of the broker a record may be where the future is refused."""


class Component(StrEnum):
    """A part that writes to topics or reads them; services of the user's own are `downstream`.

    An `auditor` reads everything and writes nothing, as replay does; `snapshot` folds the two logs, and says in them
    what their states are.
    """

    BRIDGE = "bridge"
    AGENT = "agent"
    INSTITUTIONS = "institutions"
    EXECUTOR = "executor"
    SWEEP = "sweep"
    CANARY = "canary"
    OPERATOR = "operator"
    DOWNSTREAM = "downstream"
    AUDITOR = "auditor"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a channel: its name is the `ce_type` where it is a CloudEvent; `schema` names its JSON Schema."""

    name: str
    schema: str
    by: tuple[Component, ...]
    is_cloud_event: bool = True


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic that other programs may see; `kept_days` None is compacted; `to` are its readers."""

    address: str
    text: str
    key: str
    messages: tuple[Message, ...]
    to: tuple[Component, ...] = ()
    kept_days: int | None = None
    refuses_future: bool = False
    """The broker refuses a record that is more than `MAX_AHEAD` ahead of it."""


_BRIDGE, _AGENT, _INSTITUTIONS = (Component.BRIDGE,), (Component.AGENT,), (Component.INSTITUTIONS,)
_OPERATOR, _DOWNSTREAM = (Component.OPERATOR,), (Component.DOWNSTREAM,)
_OURS = "not for others to rely on"
_SNAPSHOTS = (
    Message(EventType.SNAPSHOT_MARKED, "snapshot-marked", (Component.SNAPSHOT,)),
    Message(EventType.SNAPSHOT_TAKEN, "snapshot-taken", (Component.SNAPSHOT,)),
)
"""In each of the two logs."""

_EVENTS = (
    Message(EventType.ACCOUNT_MODIFIED, "account-snapshot", _BRIDGE),
    Message(EventType.ACCOUNT_DELETED, "account-snapshot", (Component.BRIDGE, Component.SWEEP)),
    Message(EventType.ACCOUNT_OBSERVED, "account-snapshot", (Component.EXECUTOR, Component.SWEEP)),
    Message(EventType.ACCOUNT_CHALLENGED, "account-challenged", _BRIDGE),
    Message("connect.*", "connect-event", _BRIDGE),
    Message(EventType.COMMAND_REPORTED, "command-reported", _BRIDGE),
    Message(EventType.CANARY_SENT, "canary-sent", _BRIDGE),
    Message(EventType.INCIDENT_OPENED, "incident", _INSTITUTIONS),
    Message(EventType.INCIDENT_CLOSED, "incident", _INSTITUTIONS),
    Message(EventType.OPERATOR_OVERRIDE, "override", _OPERATOR),
    Message(EventType.CUSTOMER_FORGOTTEN, "customer-forgotten", _OPERATOR),
    Message(EventType.POLICY_ACTIVATED, "policy-activated", (Component.OPERATOR, Component.AGENT)),
    Message(EventType.CLOCK_TICK, "clock-tick", _AGENT),
    *_SNAPSHOTS,
)
_SIGNALS = (
    Message(SignalType.FAILING, "signal", _AGENT),
    Message(SignalType.LEFT, "signal", _AGENT),
    Message(SignalType.HEALTHY, "healthy-logins", _AGENT),
    Message(SignalType.TICKET_WANTED, "ticket-wanted", _AGENT),
    Message(EventType.OPERATOR_OVERRIDE, "override", _OPERATOR),
    Message(EventType.POLICY_ACTIVATED, "policy-activated", (Component.OPERATOR, Component.INSTITUTIONS)),
    Message(EventType.CLOCK_TICK, "clock-tick", _INSTITUTIONS),
    *_SNAPSHOTS,
)


def _command(kind: Kind) -> Channel:
    topic, is_ticket = COMMAND_TOPICS[kind], kind is Kind.SUPPORT_TICKET
    return Channel(
        topic,
        f"Commands of kind {kind}: keep the highest sequence of each command_id, and skip what is at or below it.",
        "institutionId" if is_ticket else "customerId",
        (Message(topic, "ticket" if is_ticket else "command", _INSTITUTIONS if is_ticket else _AGENT),),
        to=_DOWNSTREAM,
        kept_days=400,
    )


CHANNELS: tuple[Channel, ...] = (
    Channel(
        EVENTS,
        "The inbound log: everything that can change a decision.",
        "customerId; none for what is written to every partition",
        _EVENTS,
        to=_AGENT,
        kept_days=430,
        refuses_future=True,
    ),
    *(_command(kind) for kind in Kind),
    Channel(
        LOOKUP_TOPIC,
        "Requests to the executor, answered by account.observed.",
        "customerId",
        (Message(LOOKUP_TOPIC, "lookup", _AGENT),),
        to=(Component.EXECUTOR,),
        kept_days=7,
    ),
    Channel(
        CANARY_TOPIC,
        "Signs of life: an event of each partition, every minute, as far as it can get without being a command.",
        "a made-up customer of the partition",
        (Message(CANARY_TOPIC, "canary-seen", _AGENT),),
        to=(Component.CANARY,),
        kept_days=1,
    ),
    Channel(
        HEALTH,
        "The present state of every account ever seen.",
        "customerId/accountId, in the partition of customerId",
        (Message(HEALTH, "account-health", _AGENT, is_cloud_event=False),),
        to=_DOWNSTREAM,
    ),
    Channel(
        SIGNALS,
        "The second log: what shows across customers.",
        "institutionId; none for what is written to every partition",
        _SIGNALS,
        to=_INSTITUTIONS,
        kept_days=430,
        refuses_future=True,
    ),
    Channel(
        INSTITUTION_HEALTH,
        "Open incidents and tickets of every institution.",
        "institutionId",
        (Message(INSTITUTION_HEALTH, "institution-health", _INSTITUTIONS, is_cloud_event=False),),
        to=_DOWNSTREAM,
    ),
    Channel(
        AUDIT,
        "A chain of decisions for each partition of the two logs.",
        "that of the record decided on",
        (Message(AUDIT, "audit-record", (*_AGENT, *_INSTITUTIONS), is_cloud_event=False),),
        to=_DOWNSTREAM,
        kept_days=430,
    ),
    Channel(
        DEAD_LETTER,
        "What was set aside, with the reason.",
        "as received",
        (
            Message(
                DEAD_LETTER,
                "dead-letter",
                (*_BRIDGE, *_AGENT, *_INSTITUTIONS, Component.EXECUTOR),
                is_cloud_event=False,
            ),
            Message(LETTER_RETRIED, "dead-letter-retried", _OPERATOR),
        ),
        to=_OPERATOR,
        kept_days=14,
    ),
    Channel("txpush.subscriptions", "Signing keys of subscriptions, encrypted: ours alone.", _OURS, ()),
    Channel("vendor.auth", "Refused credentials of the vendor's API, hashed: ours alone.", _OURS, ()),
)
