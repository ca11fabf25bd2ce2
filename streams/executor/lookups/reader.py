"""The reader of look-ups: many in hand, each tried until it is answered, hopeless, or too old to matter."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.audit import DeadLetterReason
from schemas.commands import Lookup
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.executor.lookups.answer import Answerer
from streams.executor.lookups.hand import Hand
from streams.executor.lookups.letters import Letters
from streams.executor.lookups.refusal import Refusal
from streams.executor.meters import ExecutorMeters
from streams.executor.settings import LookupSettings
from streams.kafka.log import LogError
from streams.observe.labels import LookupOutcome
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.errors import KafkaUnavailableError, TopicMissingError
from streams.subscribe.sources.base import Extent, Source, SourceUnavailableError
from streams.vendor.errors import InvalidRequestError, MisconfiguredError, RefusedError, TryAgainError, VendorError

log = logging.getLogger(__name__)

OUTAGE_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Work:
    """A record in hand, and the look-up that it is, if it is one."""

    record: RawRecord
    lookup: Lookup | None

    @property
    def place(self) -> tuple[Partition, int]:
        return self.record.partition, self.record.offset

    def __str__(self) -> str:
        return f"{self.record.partition.topic}/{self.record.partition.number}/{self.record.offset}"


class LookupReader:
    """Reads `remediation.lookup` as one of a group; a look-up is acknowledged once it is done with.

    What is no look-up, or cannot be answered by a fault of ours, is done with when its dead letter stands. One that has
    to wait holds up no other: up to `max_in_hand` are open, and the group's offset stays before the first of them.
    After a crash some are answered twice, which changes nothing (R1).
    """

    def __init__(
        self,
        new_source: Callable[[], Source],
        answerer: Answerer,
        letters: Letters,
        settings: LookupSettings,
        *,
        clock: Clock,
        meters: ExecutorMeters,
    ) -> None:
        self._new_source = new_source
        self._source = new_source()
        self._answerer = answerer
        self._letters = letters
        self._settings = settings
        self._clock = clock
        self._meters = meters
        self._hand = Hand()
        self._tasks: dict[tuple[Partition, int], asyncio.Task[None]] = {}
        self._forbidden: set[tuple[Partition, int]] = set()
        self._slots = asyncio.Semaphore(settings.at_once)
        self._refusal = Refusal(settings.refused_pause_seconds)
        self._committed: dict[Partition, int] = {}
        self._why = "look-ups are not read yet"

    @property
    def in_hand(self) -> int:
        """How many are read and not done with."""
        return len(self._hand)

    def refusals(self) -> list[str]:
        """Say in words that the vendor refuses us; nothing when it does not."""
        return [self._refusal.why] if self._refusal.stands else []

    def problems(self) -> list[str]:
        """Say in words why look-ups are not read now; nothing when they are."""
        return [self._why] if self._why else []

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
            self._say(str(error))
            return False
        return True

    async def _step(self) -> bool:
        try:
            await self._turn()
        except SourceUnavailableError as error:
            self._say(f"look-ups cannot be read: {error}")
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
        return len(self._hand) >= (1 if self._refusal.stands else self._settings.max_in_hand)

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
            self._forbidden.discard(place)
            self._tasks.pop(place).cancel()

    async def _commit(self) -> None:
        positions = self._hand.positions()
        behind = {one: at for one, at in positions.items() if at > self._committed.get(one, 0)}
        if behind:
            await self._source.commit(behind)
            self._committed |= behind

    # -- one look-up

    def _take(self, record: RawRecord) -> None:
        self._hand.take(record.partition, record.offset)
        work = _Work(record, _read(record.value))
        if work.lookup is None:
            log.error("%s is no look-up", work)
            self._meters.unreadable.inc()
        task = asyncio.create_task(self._see_through(work), name=f"lookup-{work}")
        self._tasks[work.place] = task

    async def _see_through(self, work: _Work) -> None:
        """Try until it is answered, set aside or too old; then it is done with."""
        pause = self._settings.first_pause_seconds
        while (again := await self._tried(work)) is not None:
            self._meters.retries.inc()
            await asyncio.sleep(min(max(pause, again), self._settings.longest_pause_seconds))
            pause = min(pause * 2, self._settings.longest_pause_seconds)
        self._hand.done(*work.place)
        self._forbidden.discard(work.place)
        self._tasks.pop(work.place, None)

    async def _tried(self, work: _Work) -> float | None:
        """Make one try; None when it is done with, else the seconds before which another makes no sense."""
        if work.lookup is None:
            return await self._set_aside(work, DeadLetterReason.BAD_DATA, "no look-up")
        async with self._slots:
            await self._refusal.wait()
            if self._is_too_old(work.record):
                log.warning("%s is too old: nobody waits for its answer any more, it is passed by", work)
                self._meters.looked_up(work.lookup.action, LookupOutcome.TOO_OLD)
                return None
            try:
                async with asyncio.timeout(self._settings.answer_seconds):
                    seen = await self._answerer.answer(work.lookup)
            except Exception as error:  # noqa: BLE001 - one that fails must not stop the others
                return await self._failed(work, work.lookup, error)
        self._refusal.lift()
        self._meters.looked_up(work.lookup.action, LookupOutcome.ANSWERED if seen else LookupOutcome.GONE)
        return None

    def _is_too_old(self, record: RawRecord) -> bool:
        """Tell whether nobody waits for it any more; one from as long ahead would never grow old."""
        return abs(to_epoch_ms(self._clock.now()) - record.timestamp_ms) > self._settings.oldest_seconds * 1000

    async def _failed(self, work: _Work, lookup: Lookup, error: Exception) -> float | None:
        if isinstance(error, TryAgainError):
            return error.after_seconds
        if isinstance(error, LogError | TimeoutError):
            return 0.0
        if isinstance(error, MisconfiguredError) and error.is_of_one:
            return await self._wait_or_give_up(work, lookup, error)
        if isinstance(error, RefusedError | MisconfiguredError):
            self._refusal.declare(error)
            return 0.0
        again = await self._given_up(work, error)
        if again is None:
            self._meters.looked_up(lookup.action, LookupOutcome.FAILED)
        return again

    async def _wait_or_give_up(self, work: _Work, lookup: Lookup, error: MisconfiguredError) -> float | None:
        """Have one that is forbidden wait, as long as there is room in hand for those that are not."""
        if work.place not in self._forbidden and len(self._forbidden) >= self._settings.max_forbidden:
            log.error("%s is set aside, %d that are forbidden wait already: %s", work, len(self._forbidden), error)
            again = await self._set_aside(work, DeadLetterReason.REQUEST_REFUSED, str(error))
            if again is None:
                self._meters.looked_up(lookup.action, LookupOutcome.FAILED)
            return again
        self._forbidden.add(work.place)
        log.warning("%s has to wait, others do not: %s", work, error)
        return self._settings.longest_pause_seconds

    async def _given_up(self, work: _Work, error: Exception) -> float | None:
        """Say what is hopeless; what is so by a fault of ours is set aside as well, for somebody to look at."""
        if isinstance(error, VendorError):
            log.error("%s cannot be answered: %s", work, error)
            if not isinstance(error, InvalidRequestError):
                return None
            return await self._set_aside(work, DeadLetterReason.REQUEST_REFUSED, str(error))
        log.error("%s failed: %s", work, _where(error))
        detail = f"{type(error).__name__}: the log of the executor has the place"
        return await self._set_aside(work, DeadLetterReason.DECISION_FAILED, detail)

    async def _set_aside(self, work: _Work, reason: DeadLetterReason, detail: str) -> float | None:
        """Write the dead letter; where that is not known to stand, all of it is tried again until it is too old."""
        try:
            await self._letters.write(work.record, reason, detail)
        except LogError as error:
            if self._is_too_old(work.record):
                log.error("%s is passed by, and not set aside: %s", work, error)  # noqa: TRY400 - no trace
                return None
            log.warning("%s cannot be set aside yet: %s", work, error)
            return 0.0
        except Exception as error:  # noqa: BLE001 - one that fails must not stop the others
            log.error("%s cannot be set aside: %s", work, _where(error))  # noqa: TRY400 - the same
        return None


def _where(error: Exception) -> str:
    """Name an error and its place, without what it says: that may name somebody."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}"


def _read(value: bytes | None) -> Lookup | None:
    """Read a look-up; what is wrong with one that is none may quote it, and stays here."""
    try:
        return Lookup.model_validate_json(value or b"")
    except ValidationError:
        return None
