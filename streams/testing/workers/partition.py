"""One owned partition as `streams.transport.partition` lives it, cut into steps that a scheduler takes one by one."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.cloudevents import to_headers, to_value
from schemas.events import ClockTick, Event, EventType
from schemas.times import to_epoch_ms
from streams.clock import Clock
from streams.fold.effects import Effects, OutRecord, PartitionPaused, ShareTooLarge, Table
from streams.fold.logfold import LogFold
from streams.testing.applications import Application
from streams.testing.broker import Cluster, Isolation, Record, TransactionalProducer
from streams.testing.workers.steps import WRITING, Step
from streams.transport.settings import TICK_LATE

Steps = Generator[Step, None, None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the partitions of one worker share, as in `streams.transport.parts`."""

    application: Application
    cluster: Cluster
    clock: Clock
    fold: LogFold
    poll_limit: Callable[[], int]
    """Gives how many records the next poll may have."""
    unread: dict[int, int] = field(default_factory=dict)
    """Offsets of ticks that this worker has written and not read yet."""


class OwnedPartition:
    """The life of a partition between assignment and revocation; `pending` is the step that comes next.

    `life`, `restored`, `turn` and `commit` are the order of steps. Override them to see a fault found.
    """

    polls = Isolation.READ_COMMITTED
    restores = Isolation.READ_COMMITTED

    def __init__(self, parts: Parts, number: int) -> None:
        self.parts = parts
        self.number = number
        self.position = 0
        self.paused = ""
        """Why the partition does not go on; empty while it does."""
        self.polled: Sequence[Record] = ()
        self.is_open = False
        self._log = parts.cluster.log(parts.application.log, number)
        self._producer: TransactionalProducer | None = None
        self._next_offset = 0
        self._life = self.life()
        self.pending: Step | None = next(self._life)

    # -- what the scheduler asks

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is under way, which a revocation waits for."""
        return self.pending in WRITING

    @property
    def is_idle(self) -> bool:
        """Whether the next step would find nothing to do."""
        if self.pending is not Step.POLL:
            return self.pending is None
        if self.paused:
            return self._log.stable_end <= self.position
        has_unread_tick = self.parts.unread.get(self.number, -1) >= self.position
        return self._log.stable_end <= self.position and (has_unread_tick or not self.tick_is_due())

    def advance(self) -> None:
        """Take the pending step; raises ProducerFenced, which ends the worker."""
        try:
            self.pending = next(self._life, None)
        except PartitionPaused as pause:
            self.pending, self.paused = None, str(pause)

    def forget(self) -> None:
        """Drop the partition between two steps, as a revocation does outside of transactions."""
        self._life.close()
        self.pending = None
        if self.is_open:
            self.is_open = False
            self.parts.fold.closed(self.number)
        for table in self.parts.fold.tables:
            table.drop(self.number)

    # -- the order of steps

    def life(self) -> Steps:
        """Open the partition, then take turns for ever."""
        yield Step.FENCE
        self.fence()
        yield Step.OFFSET
        self.seek()
        yield from self.restored()
        while True:
            yield from self.turn()

    def restored(self) -> Steps:
        """Restore the tables and open the fold on them."""
        yield Step.RESTORE
        values = self.restore()
        yield Step.OPEN
        for table, restored in values.items():
            table.take(self.number, restored)
        self.parts.fold.opened(self.number)
        self.is_open = True
        self.seek_to_state()
        announcement = self.parts.fold.announcement(self.number)
        if announcement is not None:
            yield Step.ANNOUNCE
            self.write_to_log(announcement)

    def turn(self) -> Steps:
        """Poll once; decide and commit what there is, and tick where a timer is due."""
        yield Step.POLL
        records = self.polled = self.poll()
        if records:
            yield Step.FOLD
            try:
                effects = self.parts.fold.fold(self.number, records)
            except ShareTooLarge as pause:
                self.paused = str(pause)
                yield from self.look_ahead()
                return
            yield from self.commit(effects, records[-1].offset + 1)
        if self.tick_is_due() and (self.tick_is_due(TICK_LATE) or self.lag() == 0):
            yield Step.TICK
            self.tick()

    def look_ahead(self) -> Steps:
        """Read on, deciding nothing, until an operator ends the pause; then go back."""
        self.position = self._next_offset
        yield Step.POLL
        while not self.parts.fold.resumed(self.number, self.poll()):
            yield Step.POLL
        self.position, self.paused = self._next_offset, ""

    def tell(self, effects: Effects) -> Steps:
        """Write what every partition of a log is told, before the transaction and outside of it."""
        for log, event in effects.announced:
            for partition in range(len(self.parts.cluster.partitions(log))):
                yield Step.TELL
                self.parts.cluster.append(log, partition, as_record(event, None))

    def commit(self, effects: Effects, next_offset: int) -> Steps:
        """Make the effects stand, then show them."""
        self.add_changes(effects)
        yield from self.tell(effects)
        producer, application = self.producer, self.parts.application
        yield Step.BEGIN
        producer.begin()
        for (topic, partition), records in effects.outbox.records.items():
            yield Step.SEND
            producer.send(topic, partition, records)
        yield Step.OFFSETS
        producer.send_offset(application.name, application.log, self.number, next_offset)
        yield Step.COMMIT
        producer.commit()
        yield Step.APPLY
        self.apply(effects, next_offset)

    # -- the steps

    @property
    def producer(self) -> TransactionalProducer:
        """The transactional producer of the partition; raises RuntimeError before it is started."""
        if self._producer is None:
            raise RuntimeError(f"partition {self.number} has no producer yet: fence first")
        return self._producer

    def fence(self) -> None:
        """Start the producer, which fences the former owner."""
        self._producer = self.parts.cluster.producer(self.parts.application.transactional_id(self.number))

    def seek(self) -> None:
        """Go to the committed offset, to the beginning where there is none."""
        application = self.parts.application
        committed = self.parts.cluster.committed(application.name, application.log, self.number)
        self.position = self._next_offset = committed or 0

    def seek_to_state(self) -> None:
        """Go where the state goes on, whatever the group's offset is."""
        known = self.parts.fold.next_offset(self.number)
        if known is not None:
            self.position = self._next_offset = known

    def restore(self) -> dict[Table, dict[str, object]]:
        """Read the last value of every key of every table."""
        cluster = self.parts.cluster
        restored: dict[Table, dict[str, object]] = {}
        for table in self.parts.fold.tables:
            last = {record.key: record.value for record in cluster.read(table.topic, self.number, self.restores)}
            restored[table] = {
                key.decode(): table.decode(value)
                for key, value in last.items()
                if key is not None and value is not None
            }
        return restored

    def poll(self) -> list[Record]:
        """Read on; what lies before the committed offset is not looked at."""
        records, self.position = self._log.read(self.position, self.parts.poll_limit(), committed=self.polls.value)
        unread = self.parts.unread
        if unread.get(self.number, self.position) < self.position:
            del unread[self.number]
        return [record for record in records if record.offset >= self._next_offset]

    def add_changes(self, effects: Effects) -> None:
        """Put the changed table records into the outbox."""
        for table, changes in effects.changes.items():
            if changes:
                effects.outbox.records[table.topic, self.number].extend(
                    OutRecord(key.encode(), None if value is None else table.encode(value))
                    for key, value in changes.items()
                )

    def apply(self, effects: Effects, next_offset: int) -> None:
        """Change the memory as the transaction has it."""
        self._next_offset = next_offset
        for table, changes in effects.changes.items():
            table.apply(self.number, changes)
        self.parts.fold.committed(self.number, effects)

    def tick_is_due(self, since: timedelta = timedelta(0)) -> bool:
        """Tell whether a timer of the partition is due, for so long at least."""
        due = self.parts.fold.next_due(self.number)
        return due is not None and due <= self.parts.clock.now() - since

    def lag(self) -> int:
        """Count the records that are not read yet."""
        return max(0, self._log.stable_end - self.position)

    def tick(self) -> None:
        """Write a tick of the present unless one is still unread."""
        if self.number in self.parts.unread:
            return
        now, application = self.parts.clock.now(), self.parts.application
        tick_id = f"tick:{application.log}/{self.number}/{to_epoch_ms(now)}"
        tick = Event(tick_id, EventType.CLOCK_TICK, application.source, now, ClockTick())
        self.parts.unread[self.number] = self.write_to_log(tick)

    def write_to_log(self, event: Event) -> int:
        """Write an event of our own to the partition's log, outside of any transaction."""
        return self.parts.cluster.append(self.parts.application.log, self.number, as_record(event, None))


def as_record(event: Event, key: str | None) -> OutRecord:
    """Give an event as a record (binary mode) under a key."""
    return OutRecord(
        None if key is None else key.encode(), to_value(event.data), to_headers(event), to_epoch_ms(event.time)
    )
