"""Sources that go away and partitions that move, at every await of a subscription."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import pytest

from schemas.commands import Command
from streams.subscribe import KafkaUnavailableError, Kind, MemoryStore, Meters, Options, Subscription
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.sources import base
from streams.subscribe.sources.base import SourceUnavailableError
from streams.subscribe.sources.memory import MemoryLog, MemorySource
from streams.subscribe.testing import START, CommandStory, SettableClock, commands

PLACE = Partition("remediation.connect-fix", 0)


class FlakySource(MemorySource):
    """A source whose calls fail as often as told, by name."""

    def __init__(self, log: MemoryLog, failures: dict[str, int]) -> None:
        super().__init__(log, [PLACE.topic])
        self.failures = failures

    def _may_fail(self, name: str) -> None:
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise SourceUnavailableError(name)

    async def poll(self, seconds: float, *, hold: bool) -> Sequence[RawRecord]:
        """Poll, or fail."""
        self._may_fail("poll")
        return await super().poll(seconds, hold=hold)

    async def position(self, partition: Partition) -> int:
        """Give the position, or fail after the records were taken."""
        self._may_fail("position")
        return await super().position(partition)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit, or fail."""
        self._may_fail("commit")
        await super().commit(offsets)


def subscription_on(source: MemorySource, **options: float) -> Subscription[Command]:
    """Make a subscription on a source of the test's own."""
    given = Options(group="mailer", **options)  # type: ignore[arg-type]
    return Subscription(source, MemoryStore(), given, SettableClock(), Meters())


async def customers(subscription: Subscription[Command]) -> list[str]:
    """Acknowledge all there is, and give the customers."""
    found = []
    async for delivery in subscription:
        async with delivery:
            found.append(delivery.command.customer_id)
    return found


@pytest.mark.parametrize("failing", ["poll", "position", "commit"])
async def test_an_outage_loses_nothing(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever call fails for a while, every command is handed out once."""
    monkeypatch.setattr(base, "OUTAGE_PAUSE_SECONDS", 0.0)
    log = MemoryLog()
    log.put(*(CommandStory(str(number)).issue() for number in range(3)), at=START)
    async with subscription_on(FlakySource(log, {failing: 3})) as subscription:
        assert await customers(subscription) == ["0", "1", "2"]
    assert log.committed == {PLACE: 3}


async def test_an_outage_ends_the_service_when_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than `outage_seconds` is an error in words, for the supervisor."""
    monkeypatch.setattr(base, "OUTAGE_PAUSE_SECONDS", 0.01)
    async with subscription_on(FlakySource(MemoryLog(), {"poll": 10**6}), outage_seconds=0.05) as subscription:
        with pytest.raises(KafkaUnavailableError, match="nothing could be read from Kafka for 0 s: poll"):
            await asyncio.wait_for(anext(subscription), 5)


class Moving:
    """An awaited store during one of whose calls the partition is taken away and given back."""

    def __init__(self, when: str) -> None:
        self.kept = MemoryStore()
        self.when = when
        self.subscription: Subscription[Command] | None = None
        self.moves: list[asyncio.Task[None]] = []

    async def claim(self, owner: str) -> str:
        """As the plain one."""
        return self.kept.claim(owner)

    async def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As the plain one."""
        await self._move(names)
        return self.kept.read(names)

    async def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As the plain one."""
        await self._move(numbers)
        self.kept.raise_to(numbers)

    async def _move(self, names: Collection[str]) -> None:
        if self.subscription is not None and any(name.startswith(self.when) for name in names):
            subscription, self.subscription = self.subscription, None
            self.moves.append(asyncio.create_task(subscription._give_up([PLACE])))
            subscription._source.again()
            await asyncio.wait(self.moves, timeout=0.02)


@pytest.mark.parametrize("when", ["read/", "begun/", "acknowledged/"])
async def test_a_partition_moves_in_the_middle(when: str) -> None:
    """At whatever write or look-up it goes and comes back, each command is handed out, and acknowledged once."""
    log, store = MemoryLog(), Moving(when)
    log.put(*(CommandStory(str(number)).issue() for number in range(3)), at=START)
    async with commands(log, store, Options(group="mailer"), [Kind.CONNECT_FIX]) as subscription:
        store.subscription = subscription
        assert await customers(subscription) == ["0", "1", "2"]
        await asyncio.wait_for(asyncio.gather(*store.moves), 5)
    assert len(store.moves) == 1


async def test_what_a_late_reminder_brought_is_told() -> None:
    """A reminder that came too late is told of, and the update before it still comes, once."""
    log, store, clock, late = MemoryLog(), MemoryStore(), SettableClock(), list[str]()
    story = CommandStory("1")
    options = Options(group="mailer", on_expired=lambda message: late.append(message.id))
    log.put(story.issue(), at=START)
    async with commands(log, store, options, clock=clock) as subscription:
        assert await customers(subscription) == ["1"]
    log.put(story.update(103), story.remind(START + timedelta(hours=24)), at=START)
    clock.advance(timedelta(hours=49))
    async with commands(log, store, options, clock=clock) as subscription:
        delivery = await anext(subscription)
        assert (delivery.action.value, delivery.command.reason.code) == ("update", 103)
        await delivery.done()
    assert late == [f"{story.command_id}:2"]
