"""A reader of look-ups on sources in memory, with a vendor, a log and a clock that tests hold."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry

from schemas.commands import Lookup, LookupAction
from schemas.times import to_epoch_ms
from streams.executor.lookups.answer import Answerer
from streams.executor.lookups.attempts import Attempts
from streams.executor.lookups.letters import Letters
from streams.executor.lookups.reader import LookupReader
from streams.executor.meters import ExecutorMeters
from streams.executor.settings import LookupSettings
from streams.observe.metrics import Instruments
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.sources import base
from streams.subscribe.sources.base import Extent
from streams.subscribe.sources.memory import MemoryLog, MemorySource
from tests.unit.executor.double import AT, CUSTOMER, LOGIN, FakeLog, FakeVendor, HandClock, snapshot

TOPIC = "remediation.lookup"
ASKED_MS = to_epoch_ms(AT)
PLACE = Partition(TOPIC, 0)
A, B = "5900000001", "5900000002"
QUICK = LookupSettings(first_pause_seconds=0.001, longest_pause_seconds=0.002, refused_pause_seconds=0.001)


def lookup(*accounts: str, action: LookupAction = LookupAction.LOCATE, login: str = LOGIN) -> bytes:
    """Give a look-up as the agent writes it."""
    asked = Lookup(action=action, customer_id=CUSTOMER, institution_login_id=login, account_ids=accounts)
    return asked.model_dump_json().encode()


class World:
    """A reader on a log in memory, with a vendor that has two accounts."""

    def __init__(self, settings: LookupSettings = QUICK, source: base.Source | None = None) -> None:
        self.topic, self.vendor, self.log, self.clock = MemoryLog(), FakeVendor(), FakeLog(), HandClock()
        self.vendor.accounts = {A: snapshot(A), B: snapshot(B)}
        self.registry = CollectorRegistry()
        meters = ExecutorMeters(Instruments("executor", self.registry))
        answerer = Answerer(self.vendor, self.log, self.clock, 5.0, meters.observed)
        self.institutions: dict[str | None, str] = {}
        attempts = Attempts(
            answerer,
            Letters(self.log, 5.0),
            settings,
            institution_of=lambda asked: self.institutions.get(asked.institution_login_id),
            clock=self.clock,
            meters=meters,
        )
        self.reader = LookupReader(
            lambda: source or MemorySource(self.topic, [TOPIC]), attempts, settings, on_unreadable=meters.unreadable.inc
        )

    def ask(self, value: bytes, at: datetime = AT) -> None:
        """Put a look-up on the topic."""
        self.topic.put_raw(TOPIC, value, at)

    async def run(self) -> None:
        """Read all that is there, and be done with it."""
        async with asyncio.timeout(10):
            await self.reader.run()

    def count(self, outcome: str, action: str = "locate") -> float:
        """Give how many look-ups came to something."""
        labels = {"action": action, "outcome": outcome}
        return self.registry.get_sample_value("txpush_executor_lookups_total", labels) or 0.0

    def last_done(self) -> float | None:
        """Give when a look-up was last done with."""
        return self.registry.get_sample_value("txpush_executor_last_lookup_timestamp_seconds")

    def value(self, name: str) -> float:
        """Give another counter."""
        return self.registry.get_sample_value(f"txpush_executor_{name}_total") or 0.0


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks run until it is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0)


class EndlessSource:
    """A source that gives its records once, then nothing, and never ends; it fails where it is told to."""

    exhausted = False

    def __init__(self, records: Sequence[RawRecord] = ()) -> None:
        self.records = list(records)
        self.committed: dict[Partition, int] = {}
        self.held = 0
        self.sought: list[Mapping[Partition, int]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.changed = True
        self.at = 0
        self.is_stopped = False
        self.starts = 0
        self.revoke: Callable[[Collection[Partition]], Awaitable[None]]

    def _fail(self, step: str) -> None:
        if self.failures.get(step):
            raise self.failures[step].pop(0)

    async def start(self, revoked: base.Revoked) -> None:
        self.revoke = revoked
        self.starts += 1
        self.changed = True
        self._fail("start")

    async def stop(self) -> None:
        self.is_stopped = True

    async def assigned(self) -> Mapping[Partition, Extent] | None:
        if not self.changed:
            return None
        self.changed = False
        return {PLACE: Extent(self.committed.get(PLACE), len(self.records))}

    def seek(self, starts: Mapping[Partition, int]) -> None:
        self.sought.append(dict(starts))
        self.at = starts[PLACE]

    def again(self) -> None:
        self.changed = True

    async def poll(self, seconds: float, *, hold: bool) -> Sequence[RawRecord]:
        assert seconds > 0
        await asyncio.sleep(0)
        self._fail("poll")
        self.held += hold
        given = [] if hold else self.records[self.at : self.at + 5]
        self.at += len(given)
        return given

    async def position(self, partition: Partition) -> int:
        raise NotImplementedError(partition)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        self._fail("commit")
        self.committed |= offsets


def asked(count: int) -> list[RawRecord]:
    """Give look-ups that are new."""
    return [RawRecord(PLACE, number, lookup(A), ASKED_MS) for number in range(count)]


async def ended(running: "asyncio.Task[None]") -> None:
    """End a reader and look that it ended so."""
    running.cancel()
    await asyncio.wait([running], timeout=5)
    assert running.cancelled()
