"""Remediation commands for the services that act on them: what a mailer or a ticket opener imports."""

from collections.abc import Collection

from schemas.catalogue import Kind
from schemas.commands import COMMAND_TOPICS, Action, Command, Ticket
from streams.clock import Clock, WallClock
from streams.subscribe.core import Message, RawRecord
from streams.subscribe.delivery import Delivery
from streams.subscribe.errors import (
    CommandLostError,
    InstanceTakenError,
    KafkaUnavailableError,
    NotAcknowledgedError,
    ReportError,
    ReportRefusedError,
    ReportUndeliveredError,
    StoreCorruptError,
    StoreError,
    StoreInUseError,
    StoreRefusedError,
    StoreUnavailableError,
    SubscribeError,
    TopicMissingError,
    UnreadableCommandError,
)
from streams.subscribe.meters import Meters
from streams.subscribe.options import Options
from streams.subscribe.report import HttpReporter, Reporter
from streams.subscribe.sources.kafka import KafkaSource
from streams.subscribe.stores import AsyncStore, FileStore, MemoryStore, Store
from streams.subscribe.subscription import Subscription

__all__ = [
    "CUSTOMER_KINDS",
    "Action",
    "AsyncStore",
    "Command",
    "CommandLostError",
    "Delivery",
    "FileStore",
    "HttpReporter",
    "InstanceTakenError",
    "KafkaUnavailableError",
    "Kind",
    "MemoryStore",
    "Message",
    "Meters",
    "NotAcknowledgedError",
    "Options",
    "RawRecord",
    "ReportError",
    "ReportRefusedError",
    "ReportUndeliveredError",
    "Reporter",
    "Store",
    "StoreCorruptError",
    "StoreError",
    "StoreInUseError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "SubscribeError",
    "Subscription",
    "Ticket",
    "TopicMissingError",
    "UnreadableCommandError",
    "commands",
    "tickets",
]

CUSTOMER_KINDS = tuple(kind for kind in Kind if kind is not Kind.SUPPORT_TICKET)
"""Every kind whose messages are `Command`s; support tickets are `Ticket`s."""


def commands(
    store: Store | AsyncStore,
    options: Options,
    kinds: Collection[Kind] = CUSTOMER_KINDS,
    *,
    clock: Clock | None = None,
    meters: Meters | None = None,
) -> Subscription[Command]:
    """Subscribe to the commands of customers, of these kinds; raises ValueError for a kind that has none.

    Use it as `async with commands(…) as subscription`, then `async for delivery in subscription`.
    """
    if not kinds or not set(kinds) <= set(CUSTOMER_KINDS):
        raise ValueError(f"kinds are one or more of {', '.join(CUSTOMER_KINDS)}; for support tickets use tickets()")
    source = KafkaSource([COMMAND_TOPICS[kind] for kind in kinds], options)
    return Subscription(source, store, options, clock or WallClock(), meters or Meters())


def tickets(
    store: Store | AsyncStore, options: Options, *, clock: Clock | None = None, meters: Meters | None = None
) -> Subscription[Ticket]:
    """Subscribe to the support tickets about institutions; used as `commands` is."""
    source = KafkaSource([COMMAND_TOPICS[Kind.SUPPORT_TICKET]], options)
    return Subscription(source, store, options, clock or WallClock(), meters or Meters())
