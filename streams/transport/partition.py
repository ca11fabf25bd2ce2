"""One owned partition: fence, restore, then poll, let the agent decide, commit, poll again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ProducerFenced
from structlog.contextvars import bind_contextvars

from streams.exits import exit_now
from streams.fold.effects import Effects, Outbox, OutRecord, PartitionPaused, ShareTooLarge, SourceRecord
from streams.observe.logs.errors import in_words, is_told
from streams.transport.local.frames import Changes
from streams.transport.parts import FoldParts
from streams.transport.place import LogPlace
from streams.transport.poll import Poll
from streams.transport.settings import TICK_LATE
from streams.transport.state.kept import Kept
from streams.transport.state.opening import OpenState, open_state
from streams.transport.transaction import Ends, PartitionTransaction

log = logging.getLogger(__name__)

BREATH_SECONDS = 0.01
"""What others have of the loop between two turns that wait for nothing."""


class Progress:
    """When the latest step was done: those of a transaction may take longer together than a worker may stand still."""

    def __init__(self) -> None:
        self.note()

    def note(self) -> None:
        """Note that a step is done."""
        self.at = time.monotonic()


class OwnedPartition:
    """The life of a partition between assignment and revocation, in a task of its own."""

    def __init__(
        self,
        parts: FoldParts,
        consumer: AIOKafkaConsumer,
        source: TopicPartition,
        deliver: Callable[[Poll], Awaitable[None]],
        kept: Kept | None = None,
    ) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._fold = parts.fold
        self._consumer = consumer
        self._source = source
        self._deliver = deliver
        self._ticks = parts.ticks
        self._metrics = parts.metrics
        self._progress = Progress()
        self._transaction = PartitionTransaction(parts.settings, source, self._progress.note)
        self._place = LogPlace(consumer, source, parts.settings.step_seconds)
        self._kept = kept
        self._state: OpenState | None = None
        self._is_prepared = False
        self._writing = asyncio.Lock()
        self._next_offset = 0
        self._position = 0
        self.is_open = False
        self.paused = ""
        """Why the partition does not go on; empty while it does."""
        self._task = asyncio.create_task(self._live(), name=f"partition {source.partition}")

    @property
    def number(self) -> int:
        """The partition's number."""
        return int(self._source.partition)

    @property
    def progressed_at(self) -> float:
        """When the latest step was done, by a clock that only goes on."""
        return self._progress.at

    async def close(self) -> Kept | None:
        """Give the partition up: let a running transaction end, then stop; exits the process past its time limit.

        Gives the state, for the case that the partition comes back; None where it was not open.
        """
        try:
            async with asyncio.timeout(self._settings.step_seconds), self._writing:
                self._task.cancel()
            _, running = await asyncio.wait({self._task}, timeout=self._settings.step_seconds)
            if running:
                exit_now(f"partition {self.number} does not let go")
            del self._task  # its cancellation leads back here: a cycle, which would keep all state for hours
            await self._transaction.stop()
        except Exception as error:  # noqa: BLE001 - an unknown outcome may not go on
            exit_now(f"partition {self.number} could not be given up", error)
        kept = None if self._state is None else await self._state.closed(self._transaction.ownership)
        self._forget()
        return kept

    def _forget(self) -> None:
        if self.is_open:
            self.is_open = False
            self._fold.closed(self.number)
        for table in self._fold.tables:
            table.drop(self.number)

    async def _live(self) -> None:
        bind_contextvars(topic=self._source.topic, partition=self.number)  # of this task's lines
        try:
            await self._open()
            while True:
                await self._go_on()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            exit_now(f"partition {self.number}: cancelled from below", error)
        except PartitionPaused as pause:
            self._pause(pause)
        except Exception as error:  # noqa: BLE001 - crash-only, see exit_now
            try:
                if isinstance(error, ProducerFenced):  # by another owner: of the group's choice, or under our name
                    await self._parts.member.end_if_replaced()
            finally:  # whatever becomes of the question, and whoever cancels it: nothing may go on from here
                exit_now(f"partition {self.number}: {_plainly(error)}", error)

    async def _go_on(self) -> None:
        try:
            await self._turn()
        except ShareTooLarge as pause:
            self._pause(pause)
            await self._until_resumed()

    def _pause(self, pause: PartitionPaused) -> None:
        self.paused = str(pause)
        self._metrics.paused(self.number)
        log.warning("partition %d is paused: %s", self.number, pause)

    async def _until_resumed(self) -> None:
        """Read ahead, deciding nothing, until an operator's word is found in the log; then go back and on."""
        while not self._is_prepared:  # polls would not wait
            await self._prepare()
        await self._look_ahead()
        self._consumer.seek(self._source, self._next_offset)
        self.paused = ""
        self._progress.note()
        self._metrics.resumed(self.number)
        log.warning("partition %d goes on: an operator has accepted its dead letters", self.number)

    async def _look_ahead(self) -> None:
        """Read on until the word is found, past what cannot be read: there the partition pauses when it comes to it."""
        ahead, is_found = self._next_offset, False
        self._consumer.seek(self._source, ahead)
        while not is_found:
            try:
                records = await self._poll(ahead)
            except PartitionPaused as unreadable:
                log.debug("partition %d looks for an operator's word behind this: %s", self.number, unreadable)
                ahead += 1
                self._consumer.seek(self._source, ahead)
                continue
            is_found = self._fold.resumed(self.number, records)
            ahead = records[-1].offset + 1 if records else ahead
            self._metrics.lag(self.number, self._lag_messages(self._next_offset), ())

    async def _open(self) -> None:
        began = time.monotonic()
        async with self._writing:
            await self._transaction.start()
        self._seek(await self._place.committed())
        kept, self._kept = self._kept, None
        self._state = await open_state(self._parts, self.number, kept, self._transaction.ownership)
        for table, values in self._state.values.items():
            table.take(self.number, values)
        self._fold.opened(self.number)
        self.is_open = True
        committed = self._next_offset
        self._seek(await self._place.of_state(self._fold.next_offset(self.number), committed))
        if self._next_offset != committed:  # or the group seems to lag until something new comes
            await self._commit_place()
        self._progress.note()
        if (announcement := self._fold.announcement(self.number)) is not None:
            await self._ticks.write(self._source, announcement)
        took = time.monotonic() - began
        self._metrics.opened(self.number, took, self._transaction.ownership[1])
        log.debug("partition %d opened at offset %d in %.3f s", self.number, self._next_offset, took)

    def _seek(self, offset: int) -> None:
        self._next_offset = offset
        self._consumer.seek(self._source, offset)

    async def _turn(self) -> None:
        records = await self._poll(self._next_offset)
        async with asyncio.timeout(self._settings.step_seconds):
            self._position = await self._consumer.position(self._source)
        self._ticks.read_up_to(self._source, self._position)
        if records:
            await self._process(records)
        if records or not self._is_prepared:  # new rules among the records have every timer looked at anew
            await self._prepare()
        if self._is_prepared:  # after records, too: where traffic is steady no poll is ever empty
            await self._tick_if_due()
        if not records:
            await self._prove_if_quiet()
        self._progress.note()
        self._metrics.lag(self.number, self._lag_messages(self._position), records)

    async def _prepare(self) -> None:
        self._is_prepared = self._fold.prepare(self.number)
        await asyncio.sleep(0)  # a poll that does not wait lets nobody else have the loop

    async def _poll(self, at: int) -> list[SourceRecord]:
        wait_ms = self._settings.poll_wait_ms if self._is_prepared else 0
        return await self._place.poll(at, wait_ms, self._settings.max_poll_records)

    async def _process(self, records: Sequence[SourceRecord]) -> None:
        """Decide and commit, in as many turns as the decisions take: between two of them others have the loop."""
        while records:
            poll = Poll(self._fold, self.number, records, self._settings.turn_seconds)
            async with asyncio.timeout(self._settings.decide_seconds):
                await self._deliver(poll)
                effects = await poll.effects()
            taken = len(records) - effects.left
            if taken:
                await self._commit(effects, records[:taken])
            else:  # all of the turn went into what opening has left: heartbeats need more than one pass of the loop
                await asyncio.sleep(BREATH_SECONDS)
            records = records[taken:]
            self._progress.note()

    async def _commit(self, effects: Effects, records: Sequence[SourceRecord]) -> None:
        changes = self._write_changes(effects)
        if effects.announced:
            await self._ticks.announce(effects.announced)
        next_offset = records[-1].offset + 1
        began, began_ms = time.monotonic(), self._parts.now_ms()
        async with self._writing:
            ends = await self._transaction.commit(effects.outbox, next_offset)
            self._next_offset = next_offset
            for table, changed in effects.changes.items():
                table.apply(self.number, changed)
            self._fold.committed(self.number, effects)
            self._keep(changes, ends, began_ms)
        self._metrics.committed(len(records), effects.outbox, time.monotonic() - began)

    def _write_changes(self, effects: Effects) -> Changes:
        """Put the changed values into the outbox, and give them as their changelogs get them."""
        written: Changes = {}
        for table, changes in effects.changes.items():
            if changes:
                encode = table.encode
                values = {key: None if value is None else encode(value) for key, value in changes.items()}
                written[table.topic] = values
                effects.outbox.records[table.topic, self.number].extend(
                    OutRecord(key.encode(), value) for key, value in values.items()
                )
        return written

    def _keep(self, changes: Changes, ends: Ends, began_ms: int) -> None:
        if self._state is not None:
            self._state.committed(changes, {topic: ends[topic, self.number] for topic in changes}, began_ms)

    async def _prove_if_quiet(self) -> None:
        """Commit the offset once more where nothing was for long: it shows that the partition is still ours."""
        if self._state is not None and self._state.needs_proof():
            await self._commit_place()

    async def _commit_place(self) -> None:
        began_ms = self._parts.now_ms()
        async with self._writing:
            self._keep({}, await self._transaction.commit(Outbox(), self._next_offset), began_ms)

    async def _tick_if_due(self) -> None:
        due, now = self._fold.next_due(self.number), self._settings.clock.now()
        if due is not None and due <= now and (due <= now - TICK_LATE or not self._lag_messages(self._position)):
            await self._ticks.send(self._source)

    def _lag_messages(self, position: int) -> int:
        end = self._consumer.last_stable_offset(self._source)
        return 0 if end is None else max(0, end - position)


def _is_cancelled() -> bool:
    """Tell whether somebody has cancelled this task; aiokafka lets cancellations of its own work out."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _plainly(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) and is_told(error) else in_words(error)
