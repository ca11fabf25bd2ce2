"""A log, a store and a clock for subscriptions in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from schemas.catalogue import Kind
from schemas.commands import Command, Ticket
from streams.subscribe import MemoryStore, Message, Meters, Options, Subscription
from streams.subscribe.core import Partition
from streams.subscribe.testing import MemoryLog, SettableClock, commands

PLACE = Partition("remediation.connect-fix", 0)
HOUR = timedelta(hours=1)


class Bench:
    """A log, a store and a clock that outlive the subscriptions on them."""

    def __init__(self, **options: object) -> None:
        self.log = MemoryLog()
        self.store = MemoryStore()
        self.clock = SettableClock()
        self.meters = Meters()
        self.expired: list[str] = []
        self.options = Options(group="mailer", on_expired=self.note, **options)  # type: ignore[arg-type]

    def note(self, message: Message[Command] | Message[Ticket]) -> None:
        """Keep what expired."""
        self.expired.append(message.id)

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Subscription[Command]]:
        """Start a subscription, as a new process would."""
        async with commands(
            self.log, self.store, self.options, [Kind.CONNECT_FIX], clock=self.clock, meters=self.meters
        ) as subscription:
            yield subscription

    async def handled(self, subscription: Subscription[Command]) -> list[str]:
        """Acknowledge all there is, and give it as customer and action."""
        said = []
        async for delivery in subscription:
            async with delivery:
                said.append(f"{delivery.command.customer_id} {delivery.action.value}")
        return said

    async def run(self) -> list[str]:
        """Do the same in a process of its own."""
        async with self.started() as subscription:
            return await self.handled(subscription)

    def count(self, name: str, **labels: str) -> float:
        """Read a metric."""
        value = self.meters.registry.get_sample_value(f"txpush_subscribe_{name}", labels)
        assert value is not None
        return value
