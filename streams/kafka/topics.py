"""The topics of the contract: their names, partitions and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS, LOOKUP_TOPIC
from schemas.contract import channels
from schemas.contract.channels import CHANNELS, Channel
from streams.settings import Settings

EVENTS = channels.EVENTS
LOOKUP = LOOKUP_TOPIC
TICKETS = COMMAND_TOPICS[Kind.SUPPORT_TICKET]
HEALTH = channels.HEALTH
SIGNALS = channels.SIGNALS
INSTITUTION_HEALTH = channels.INSTITUTION_HEALTH
AUDIT = channels.AUDIT
DEAD_LETTER = channels.DEAD_LETTER
SUBSCRIPTIONS = "txpush.subscriptions"
VENDOR_AUTH = "vendor.auth"

AGENT = "txpush-agent"
INSTITUTIONS = "txpush-institutions"
"""Names of the two folds: consumer groups and first parts of their changelogs."""
EXECUTORS = "txpush-executor"
"""The consumer group of the executors."""

AGENT_TABLES = ("accounts", "logins", "customers", "surroundings", "policies", "control")
INSTITUTION_TABLES = (
    *("tickets", "standings", "gatherings", "incidents", "windows", "institutions"),
    *("policies", "control"),
)
TABLES: Mapping[str, tuple[str, ...]] = {AGENT: AGENT_TABLES, INSTITUTIONS: INSTITUTION_TABLES}
"""The tables of each fold, and so its changelogs; a worker whose tables are others does not start."""

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a cluster carries the topics: 12 partitions for life and three replicas outside the embedded set-up."""

    partitions: int = channels.PARTITIONS
    replication: int = channels.REPLICAS

    @classmethod
    def of(cls, settings: Settings) -> "Layout":
        """Take the layout from the settings."""
        return cls(settings.partitions, settings.replication)

    @property
    def min_insync_replicas(self) -> int:
        """Two of three, or the only one."""
        return 2 if self.replication > 1 else 1


EMBEDDED = Layout(partitions=3, replication=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the contract."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)


COMPACT = {"cleanup.policy": "compact"}
TOMBSTONES_KEPT = timedelta(days=1)
"""Kafka's default, stated as state on a worker's disk depends on it: what is older may have missed a tombstone."""
STATE = COMPACT | {
    "segment.ms": "600000",
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(TOMBSTONES_KEPT // MILLISECOND),
}
CUSTOMER_COMMANDS = tuple(topic for kind, topic in COMMAND_TOPICS.items() if kind is not Kind.SUPPORT_TICKET)

LINKED = tuple(COMMAND_TOPICS[kind] for kind in (Kind.CONNECT_FIX, Kind.CONSENT_RENEWAL, Kind.OTP_ESCALATION))
"""Commands whose links the executor opens."""


def changelog(application: str, table: str) -> str:
    """Name the changelog of a table as Faust does."""
    return f"{application}-{table}-changelog"


def contract() -> tuple[Topic, ...]:
    """Give every topic of the contract with the settings that matter to it."""
    return (
        *(Topic(channel.address, _config(channel)) for channel in CHANNELS),
        *(Topic(changelog(application, table), STATE) for application in TABLES for table in TABLES[application]),
    )


def _config(channel: Channel) -> dict[str, str]:
    config = dict(COMPACT)
    if channel.kept_days is not None:
        config = {"cleanup.policy": "delete", "retention.ms": str(timedelta(days=channel.kept_days) // MILLISECOND)}
    if channel.refuses_future:
        ahead = str(channels.MAX_AHEAD // MILLISECOND)
        config |= {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": ahead}
    return config
