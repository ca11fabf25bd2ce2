"""What is moved, and to which partition of any number a record belongs."""

from collections.abc import Callable, Mapping

from schemas.canary import CANARY_TOPIC
from schemas.commands import COMMAND_TOPICS
from streams.fold.intake import partition_of
from streams.kafka.topics import (
    AGENT,
    AGENT_TABLES,
    AUDIT,
    DEAD_LETTER,
    EVENTS,
    HEALTH,
    INSTITUTION_HEALTH,
    INSTITUTION_TABLES,
    INSTITUTIONS,
    LOOKUP,
    SIGNALS,
    SUBSCRIPTIONS,
    VENDOR_AUTH,
    changelog,
)

MERGED_TABLES = ("surroundings", "policies", "control")
"""Tables with a record a partition: they are made anew."""
LEFT = (EVENTS, SIGNALS, AUDIT, DEAD_LETTER, LOOKUP, CANARY_TOPIC)
"""Topics that stay where they are: the logs, what names their offsets, look-ups, answered before, and canaries."""

PartitionOf = Callable[[bytes, int], int]
"""Gives the partition of a key, by the number of partitions."""


def by_key(key: bytes, partitions: int) -> int:
    """Place a record by its whole key, as it was written."""
    return partition_of(key, partitions)


def by_owner(key: bytes, partitions: int) -> int:
    """Place what belongs to a customer or an institution, whose id is the first part of the key: no id has a slash."""
    return by_key(key.partition(b"/")[0], partitions)


def by_pair(key: bytes, partitions: int) -> int:
    """Place a record of a pair of credentials, as the gate does: all of a pair's lie together."""
    return int(key.partition(b"/")[0], 16) % partitions


def copied() -> Mapping[str, PartitionOf]:
    """Give the topics whose records are copied as they are, and where each record belongs."""
    tables = [(AGENT, AGENT_TABLES), (INSTITUTIONS, INSTITUTION_TABLES)]
    state = [changelog(name, table) for name, all_ in tables for table in all_ if table not in MERGED_TABLES]
    return {
        **dict.fromkeys(state, by_owner),
        HEALTH: by_owner,
        INSTITUTION_HEALTH: by_key,
        SUBSCRIPTIONS: by_key,
        VENDOR_AUTH: by_pair,
        **dict.fromkeys(COMMAND_TOPICS.values(), by_key),
    }
