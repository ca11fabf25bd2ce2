"""Stores of a subscription that are refused, fail or hang."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from streams.subscribe import MemoryStore, StoreRefusedError, StoreUnavailableError
from streams.subscribe.stores import shelf
from streams.subscribe.testing import START, CommandStory, commands
from tests.unit.subscribe.bench import PLACE, Bench


async def test_a_store_of_another_group_is_refused() -> None:
    """Two services cannot share what they have done."""
    bench = Bench()
    bench.store.claim("group tickets")
    with pytest.raises(StoreRefusedError, match="belongs to 'group tickets', not to 'group mailer'"):
        await bench.run()


@pytest.mark.parametrize(("committed", "known", "words"), [(5, None, "nowhere"), (5, 4, "this store to 4")])
async def test_a_store_that_missed_something_is_refused(committed: int, known: int | None, words: str) -> None:
    """A lost disk, or a second reader with a store of its own, would contact customers again: it is said instead."""
    bench = Bench()
    bench.log.put(*(CommandStory(str(number)).issue() for number in range(6)), at=START)
    bench.log.committed[PLACE] = committed
    if known is not None:
        bench.store.raise_to({"read/remediation.connect-fix/0": known})
    with pytest.raises(StoreRefusedError, match=words):
        await bench.run()


async def test_a_topic_made_anew_is_refused() -> None:
    """A store that has read further than the topic goes belongs to another topic."""
    bench = Bench()
    bench.store.raise_to({"read/remediation.connect-fix/0": 3})
    with pytest.raises(StoreRefusedError, match="made anew"):
        await bench.run()


class Failing(MemoryStore):
    """A store that fails so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Fail, or keep."""
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("database")
        super().raise_to(numbers)


async def test_a_store_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice it is tried again; then the iteration ends in words, and a later one hands out what it could not."""
    monkeypatch.setattr(shelf, "BACKOFF_SECONDS", (0.0, 0.0))
    bench = Bench()
    bench.store = Failing(2)
    bench.log.put(CommandStory("1").issue(), at=START)
    assert await bench.run() == ["1 issue"]
    bench.log.put(CommandStory("2").issue(), at=START)
    bench.store.failures = 3
    async with bench.started() as subscription:
        with pytest.raises(StoreUnavailableError, match=r"failed 3 times: ConnectionError\('database'\)"):
            await anext(subscription)
        delivery = await anext(subscription)
        bench.store.failures = 3
        with pytest.raises(StoreUnavailableError):
            await delivery.done()
        assert await bench.handled(subscription) == ["2 issue"]


class Slow:
    """An awaited store over a plain one, that hangs when told to."""

    def __init__(self) -> None:
        self.kept = MemoryStore()
        self.hangs = False

    async def claim(self, owner: str) -> str:
        """As the plain one."""
        return self.kept.claim(owner)

    async def read(self, names: Collection[str]) -> Mapping[str, int]:
        """As the plain one, or never."""
        if self.hangs:
            await asyncio.Event().wait()
        return self.kept.read(names)

    async def raise_to(self, numbers: Mapping[str, int]) -> None:
        """As the plain one."""
        self.kept.raise_to(numbers)


async def test_a_store_may_be_awaited_and_may_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """An async store works alike; one that hangs is given up after `step_seconds` a call."""
    monkeypatch.setattr(shelf, "BACKOFF_SECONDS", (0.0,))
    bench, store = Bench(step_seconds=0.01), Slow()
    bench.log.put(CommandStory("1").issue(), CommandStory("2").issue(), at=START)
    async with commands(bench.log, store, bench.options, clock=bench.clock) as subscription:
        await (await anext(subscription)).done()
        bench.log.put(CommandStory("3").issue(), at=START)
        store.hangs = True
        with pytest.raises(StoreUnavailableError, match="TimeoutError"):
            await anext(subscription)
        store.hangs = False
        assert await bench.handled(subscription) == ["2 issue", "3 issue"]
