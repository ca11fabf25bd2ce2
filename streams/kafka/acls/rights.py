"""What each component may do, and so what it may not: all that Kafka's authorizer is not told is refused."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from schemas.commands import COMMAND_TOPICS
from schemas.contract.channels import CHANNELS, Component
from streams.kafka import topics
from streams.kafka.topics import AGENT, AGENT_TABLES, EXECUTORS, INSTITUTION_TABLES, INSTITUTIONS, LINKED, changelog

REPLAY = "txpush-replay"
"""First part of the consumer groups of those who only read."""
OWN_NAME = "{name}"
"""Stands for the name of the user: a group of a service of others has it, or begins with it and a dot."""


class Resource(StrEnum):
    """What a right is about, as Kafka's tools name it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """What may be done; who may Read or Write may Describe."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


class Right(NamedTuple):
    """One thing that may be done to one resource, or to all whose names begin so."""

    resource: Resource
    name: str
    operation: Operation
    is_prefix: bool = False


ALL_TOPICS = tuple(topic.name for topic in topics.contract())
COMMANDS = tuple(COMMAND_TOPICS.values())
STATE = {
    Component.AGENT: tuple(changelog(AGENT, table) for table in AGENT_TABLES),
    Component.INSTITUTIONS: tuple(changelog(INSTITUTIONS, table) for table in INSTITUTION_TABLES),
}
HELD = tuple(changelog(AGENT, table) for table in ("accounts", "customers", "logins", "surroundings"))
"""State of the agent that says which overrides are in force."""
RULES = tuple(changelog(application, "policies") for application in (AGENT, INSTITUTIONS))

READ_BESIDE: Mapping[Component, tuple[str, ...]] = {
    Component.BRIDGE: (topics.SUBSCRIPTIONS,),
    Component.EXECUTOR: (*LINKED, topics.VENDOR_AUTH),
    Component.SWEEP: (topics.HEALTH, topics.VENDOR_AUTH),
    Component.OPERATOR: (
        *(topics.EVENTS, topics.SIGNALS, topics.LOOKUP, *RULES, *HELD),
        *(topics.HEALTH, topics.SUBSCRIPTIONS, topics.VENDOR_AUTH),
    ),
    Component.AUDITOR: ALL_TOPICS,
    Component.SNAPSHOT: (topics.EVENTS, topics.SIGNALS, topics.AUDIT),
    **STATE,
}
"""What is read beside what the contract says, by whom: its readers are those who may rely on a topic."""
WRITTEN_BESIDE: Mapping[Component, tuple[str, ...]] = {
    Component.EXECUTOR: (topics.VENDOR_AUTH,),
    Component.SWEEP: (topics.VENDOR_AUTH,),
    Component.OPERATOR: (topics.SUBSCRIPTIONS, topics.VENDOR_AUTH),
    **STATE,
}
"""The same for the topics that are ours alone."""

GROUPS = tuple(Right(Resource.GROUP, name, Operation.DESCRIBE) for name in (AGENT, INSTITUTIONS, EXECUTORS))
"""How far agents and executors have read."""
BESIDE_TOPICS: Mapping[Component, tuple[Right, ...]] = {
    Component.AGENT: (
        Right(Resource.GROUP, AGENT, Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, f"{AGENT}.", Operation.WRITE, is_prefix=True),
    ),
    Component.INSTITUTIONS: (
        Right(Resource.GROUP, INSTITUTIONS, Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, f"{INSTITUTIONS}.", Operation.WRITE, is_prefix=True),
    ),
    Component.EXECUTOR: (Right(Resource.GROUP, EXECUTORS, Operation.READ),),
    Component.OPERATOR: GROUPS,
    Component.AUDITOR: (*GROUPS, Right(Resource.GROUP, REPLAY, Operation.READ, is_prefix=True)),
    Component.DOWNSTREAM: (
        Right(Resource.GROUP, OWN_NAME, Operation.READ),
        Right(Resource.GROUP, f"{OWN_NAME}.", Operation.READ, is_prefix=True),
    ),
}


def reads(component: Component) -> frozenset[str]:
    """Give the topics whose records a component may read; services of others read commands."""
    contract = {channel.address for channel in CHANNELS if component in channel.to}
    if component is Component.DOWNSTREAM:
        contract &= set(COMMANDS)
    return frozenset(contract.union(READ_BESIDE.get(component, ())))


def writes(component: Component) -> frozenset[str]:
    """Give the topics that a component may write to."""
    contract = {channel.address for channel in CHANNELS for message in channel.messages if component in message.by}
    return frozenset(contract.union(WRITTEN_BESIDE.get(component, ())))


def rights(component: Component) -> list[Right]:
    """Give all that a component may do, in a fixed order.

    Our own see that every topic is there, and how it is set, which they check at their start. Nobody has a right on
    the cluster: since Kafka 3.0 who may write to some topic may do so idempotently.
    """
    return [*_topics(component), *BESIDE_TOPICS.get(component, ())]


def _topics(component: Component) -> Iterator[Right]:
    read, written = reads(component), writes(component)
    seen = frozenset(ALL_TOPICS) if component is not Component.DOWNSTREAM else frozenset[str]()
    for operation, names in (
        (Operation.READ, read),
        (Operation.WRITE, written),
        (Operation.DESCRIBE, seen - read - written),
        (Operation.DESCRIBE_CONFIGS, seen),
    ):
        yield from (Right(Resource.TOPIC, name, operation) for name in sorted(names))
