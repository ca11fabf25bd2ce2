"""The reader of look-ups: many in hand, and the group's offset before the first that is not done with."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from streams.executor.lookups.attempts import Attempts
from streams.executor.lookups.hand import Hand
from streams.executor.lookups.work import Work
from streams.executor.settings import LookupSettings
from streams.kafka.refusals import LOOK_AT_BROKERS
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.errors import KafkaUnavailableError, TopicMissingError
from streams.subscribe.sources.base import Extent, Source, SourceUnavailableError

log = logging.getLogger(__name__)

OUTAGE_PAUSE_SECONDS = 1.0


class LookupReader:
    """Reads `remediation.lookup` as one of a group; a look-up is acknowledged once it is done with.

    What is no look-up, or cannot be answered by a fault of ours, is done with when its dead letter stands. One that has
    to wait holds up no other: up to `max_in_hand` are open beside up to `max_waiting` that wait, and the group's offset
    stays before the first of them all. After a crash some are answered twice, which changes nothing (R1).
    """

    def __init__(
        self,
        new_source: Callable[[], Source],
        attempts: Attempts,
        settings: LookupSettings,
        *,
        on_unreadable: Callable[[], None],
    ) -> None:
        self._new_source = new_source
        self._source = new_source()
        self._attempts = attempts
        self._settings = settings
        self._on_unreadable = on_unreadable
        self._hand = Hand()
        self._tasks: dict[tuple[Partition, int], asyncio.Task[None]] = {}
        self._committed: dict[Partition, int] = {}
        self._why = "look-ups are not read yet; wait for topics that fit, `txpush topics check` tells whether they do"

    @property
    def in_hand(self) -> int:
        """How many are read and not done with."""
        return len(self._hand)

    @property
    def waiting(self) -> int:
        """How many of those stand in the line of an institution."""
        return len(self._attempts.waiting)

    def refusals(self) -> list[str]:
        """Say in words that the vendor refuses us; nothing when it does not."""
        refusal = self._attempts.refusal
        return [f"{refusal.why}; see `txpush doctor --component executor`"] if refusal.stands else []

    def problems(self) -> list[str]:
        """Say in words why look-ups are not read now, and what to do; nothing when they are."""
        return [self._why] if self._why else self._attempts.waiting.problems()

    async def run(self) -> None:
        """Read until cancelled; a broker that is away, or topics that are not there yet, are waited for."""
        while not await self._read():
            self._source = self._new_source()

    async def _read(self) -> bool:
        """Read from one source; False when only another can help: it has failed for long, fenced for example."""
        try:
            while not await self._started():  # noqa: ASYNC110 - a broker that is away tells nobody
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
            failures = 0
            while not self._source.exhausted and failures < self._settings.source_failures:
                failures = 0 if await self._step() else failures + 1
            if self._source.exhausted:
                await self._drained()
            return self._source.exhausted
        finally:
            self._give_up(set(self._hand.positions()))
            await self._source.stop()

    async def _drained(self) -> None:
        """Be done with what is in hand: where nothing more will come there is an end."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        await self._commit()

    async def _started(self) -> bool:
        try:
            await self._source.start(self._revoked)
        except (KafkaUnavailableError, TopicMissingError) as error:
            self._say(f"{error}; {LOOK_AT_BROKERS}")
            return False
        return True

    async def _step(self) -> bool:
        try:
            await self._turn()
        except SourceUnavailableError as error:
            self._say(f"look-ups cannot be read: {error}; {LOOK_AT_BROKERS}")
            self._give_up(set(self._hand.positions()))
            self._source.again()
            await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
            return False
        self._why = ""
        return True

    def _say(self, why: str) -> None:
        if why != self._why:
            log.warning("%s", why)
        self._why = why

    async def _turn(self) -> None:
        if (extents := await self._source.assigned()) is not None:
            self._open(extents)
        for record in await self._source.poll(self._settings.poll_seconds, hold=self._is_full()):
            if record.partition in self._committed:
                self._take(record)
        await self._commit()

    def _is_full(self) -> bool:
        """Tell whether to read no more; while refused, with one in hand that goes on trying."""
        if self._attempts.refusal.stands:
            return len(self._hand) >= 1
        return self.in_hand - self.waiting >= self._settings.max_in_hand or self._attempts.waiting.is_full

    def _open(self, extents: Mapping[Partition, Extent]) -> None:
        """Read each partition on from where the group is."""
        self._give_up(set(self._hand.positions()))
        self._committed = {partition: extent.committed or 0 for partition, extent in extents.items()}
        self._source.seek(self._committed)

    async def _revoked(self, partitions: Collection[Partition]) -> None:
        self._give_up(partitions)
        for partition in partitions:
            self._committed.pop(partition, None)

    def _give_up(self, partitions: Collection[Partition]) -> None:
        """Let go of what is in hand there: it is read again, by us or by another."""
        self._hand.forget(partitions)
        for place in [place for place in self._tasks if place[0] in partitions]:
            self._tasks.pop(place).cancel()

    async def _commit(self) -> None:
        positions = self._hand.positions()
        behind = {one: at for one, at in positions.items() if at > self._committed.get(one, 0)}
        if behind:
            await self._source.commit(behind)
            self._committed |= behind

    def _take(self, record: RawRecord) -> None:
        self._hand.take(record.partition, record.offset)
        work = Work.of(record)
        if work.lookup is None:
            log.error("%s is no look-up", work)
            self._on_unreadable()
        self._tasks[work.place] = asyncio.create_task(self._see_through(work), name=f"lookup-{work}")

    async def _see_through(self, work: Work) -> None:
        await self._attempts.see_through(work)
        self._hand.done(*work.place)
        self._tasks.pop(work.place, None)
