"""A store that is slower than its limit: one call at a time all the same."""

import asyncio
import threading
from collections.abc import Mapping

import pytest

from streams.subscribe import MemoryStore, StoreUnavailableError
from streams.subscribe.core import Partition
from streams.subscribe.stores import shelf as shelf_module
from streams.subscribe.stores.shelf import Shelf
from tests.waiting import until

PLACE = Partition("remediation.connect-fix", 0)


class SlowStore(MemoryStore):
    """A store whose first writes wait until they may go on, and that counts how many run at once."""

    def __init__(self, slow: int) -> None:
        super().__init__()
        self.slow = slow
        self.running = 0
        self.most_running = 0
        self.calls = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Keep them, sooner or later."""
        self.calls += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.begun.set()
        if self.calls <= self.slow:
            assert self.go_on.wait(30)
        super().raise_to(numbers)
        self.running -= 1


@pytest.fixture(autouse=True)
def _never_tired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "BACKOFF_SECONDS", (0.0,) * 1000)


async def test_a_call_waits_for_the_one_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """A write beyond the limit goes on in its thread: the next attempt begins when it has ended, not beside it."""
    store = SlowStore(slow=1)
    shelf = Shelf(store, "mailer", 0.05)
    writing = asyncio.create_task(shelf.pass_by({}, {PLACE: 7}))
    await until(lambda: len(caplog.records) > 1)
    assert store.calls == 1
    store.go_on.set()
    await asyncio.wait_for(writing, 30)
    assert (store.calls, store.most_running) == (2, 1)
    assert await shelf.positions([PLACE]) == {PLACE: 7}


async def test_a_cancelled_call_is_waited_for_too() -> None:
    """A caller that is cancelled leaves its thread behind; the next call does not begin beside it."""
    store = SlowStore(slow=1)
    shelf = Shelf(store, "mailer", 30)
    writing = asyncio.create_task(shelf.pass_by({}, {PLACE: 7}))
    await until(store.begun.is_set)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    others = [asyncio.create_task(shelf.pass_by({}, {PLACE: number})) for number in (8, 9)]
    await asyncio.wait(others, timeout=0.02)
    assert store.calls == 1
    store.go_on.set()
    await asyncio.wait_for(asyncio.gather(*others), 30)
    assert (store.calls, store.most_running) == (3, 1)


async def test_a_store_that_hangs_ends_the_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for a call that was given up counts against the limit, and no second thread is begun for it."""
    monkeypatch.setattr(shelf_module, "BACKOFF_SECONDS", (0.0, 0.0))
    store = SlowStore(slow=1)
    shelf = Shelf(store, "mailer", 0.02)
    with pytest.raises(StoreUnavailableError, match="failed 3 times"):
        await asyncio.wait_for(shelf.pass_by({}, {PLACE: 7}), 30)
    assert store.calls == 1
    store.go_on.set()


class FailingLate(SlowStore):
    """A store whose slow write fails in the end."""

    def raise_to(self, numbers: Mapping[str, int]) -> None:
        """Fail when nobody waits any more."""
        super().raise_to(numbers)
        if self.calls <= self.slow:
            raise OSError("late")


async def test_a_late_failure_is_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    """What a call that was given up raises in the end does not fail the next one."""
    store = FailingLate(slow=1)
    shelf = Shelf(store, "mailer", 0.05)
    writing = asyncio.create_task(shelf.pass_by({}, {PLACE: 7}))
    await until(lambda: caplog.records)
    store.go_on.set()
    await asyncio.wait_for(writing, 30)
    assert await shelf.positions([PLACE]) == {PLACE: 7}
