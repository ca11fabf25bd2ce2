"""Commands one at a time: what waits, the store, and the source, brought together by an async iterator."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Generic, Self

from streams.clock import Clock
from streams.observe.labels import NotHandedOut
from streams.subscribe.core import NO_MARKS, Fate, Inbox, Message, Pace, Partition, RawRecord, message_of
from streams.subscribe.core.inbox import Offer
from streams.subscribe.core.messages import C
from streams.subscribe.delivery import Delivery
from streams.subscribe.errors import (
    NotAcknowledgedError,
    UnreadableCommandError,
)
from streams.subscribe.meters import Meters, Pause
from streams.subscribe.options import Options
from streams.subscribe.sources.base import Extent, Outage, Source, SourceUnavailableError, start_of
from streams.subscribe.stores.base import AsyncStore, Store
from streams.subscribe.stores.shelf import Shelf

log = logging.getLogger(__name__)

SETTLE_EVERY = timedelta(seconds=5)


class Subscription(Generic[C]):
    """An async iterator of `Delivery`, to be used within `async with`; made by `commands` or `tickets`.

    Before the first delivery it reads each partition to the end it had at the start, and keeps of each command only
    how it stands; the same after a rebalance. One command is in hand at a time, those of a partition in the order of
    the log but for what has to wait.

    Iterating raises:
        NotAcknowledgedError: the last delivery is still in hand.
        StoreError: the store fails or does not fit; nothing is handed out or lost.
        UnreadableCommandError: a record cannot be read, and `on_unreadable` is not set; or a whole batch cannot.
        KafkaUnavailableError: away for longer than `outage_seconds`.
    """

    def __init__(
        self, source: Source, store: Store | AsyncStore, options: Options, clock: Clock, meters: Meters
    ) -> None:
        self._source = source
        self._options = options
        self._clock = clock
        self._meters = meters
        self._shelf = Shelf(store, options.group, options.step_seconds)
        self._inbox: Inbox[C] = Inbox()
        self._pace = Pace(options.max_per_hour)
        self._ends: dict[Partition, int] = {}
        self._kept: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._epoch = 0
        self._in_hand: Delivery[C] | None = None
        self._free = asyncio.Event()
        self._stopping = False
        self._pause = Pause()
        self._outage = Outage(options.outage_seconds)
        self._settled_at: datetime | None = None

    async def __aenter__(self) -> Self:
        """Claim the store and join the group; raises StoreError, KafkaUnavailableError, TopicMissingError."""
        await self._shelf.claim()
        limit = self._options.max_per_hour
        self._pace = Pace(limit, await self._shelf.contacts(limit or 0))
        await self._source.start(self._give_up)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the group; a command in hand stays unacknowledged."""
        self.stop()
        self._lose_in_hand()
        await self._source.stop()

    def stop(self) -> None:
        """Have the iteration end at its next step, from a signal handler for example."""
        self._stopping = True

    def __aiter__(self) -> Self:
        """Iterate."""
        return self

    async def __anext__(self) -> Delivery[C]:
        """Give the next command as soon as there is one."""
        if self._in_hand is not None:
            raise NotAcknowledgedError(f"{self._in_hand!r} is still in hand: use `async with delivery`")
        while not self._stopping:
            try:
                delivery = await self._turn()
            except SourceUnavailableError as error:
                self._start_over()
                await self._outage.wait_out(error)
                continue
            except BaseException:
                self._start_over()
                raise
            if delivery is not None:
                return delivery
            if self._source.exhausted:
                break
        raise StopAsyncIteration

    # -- reading

    async def _turn(self) -> Delivery[C] | None:
        """Look at what is there already, then wait a little for more."""
        for seconds in (0.0, self._options.poll_seconds):
            has_news = await self._read(seconds)
            self._outage.is_over()
            may_look = not self._ends and (has_news or seconds <= 0)
            if may_look and (delivery := await self._next_delivery()) is not None:
                return delivery
        return None

    async def _read(self, seconds: float) -> bool:
        """Take in a poll, and tell whether it brought anything."""
        if (extents := await self._source.assigned()) is not None:
            await self._open(extents)
        epoch, is_full = self._epoch, not self._ends and len(self._inbox) >= self._options.max_waiting
        records = await self._source.poll(seconds, hold=is_full)
        messages = self._readable([record for record in records if record.partition in self._inbox])
        ids = {message.command.command_id for message in messages}
        marks = await self._shelf.marks(ids)
        if epoch == self._epoch:  # else they were read for someone else
            taken = [self._inbox.take(message, marks.get(message.command.command_id, NO_MARKS)) for message in messages]
            self._meters.not_handed_out(NotHandedOut.REPEATED, taken.count(False))
            self._settled_at = None if any(taken) else self._settled_at
            await self._look_for_ends(epoch)
        return bool(records)

    async def _open(self, extents: Mapping[Partition, Extent]) -> None:
        """Begin each partition where the store says, and note how far it has to be read before anything goes out."""
        epoch = self._epoch
        known = await self._shelf.positions(extents)
        starts = {one: start_of(one, extent, known.get(one), self._options.group) for one, extent in extents.items()}
        if epoch != self._epoch:
            self._source.again()
            return
        self._inbox.forget(self._inbox.partitions())
        for partition, start in starts.items():
            self._inbox.open(partition, start)
        self._source.seek(starts)
        self._kept, self._committed = dict(known), {}
        self._ends = {partition: extent.end for partition, extent in extents.items()}
        await self._look_for_ends(epoch)

    async def _look_for_ends(self, epoch: int) -> None:
        reached = [one for one, end in self._ends.items() if await self._source.position(one) >= end]
        if epoch != self._epoch or not reached:
            return
        self._ends = {one: end for one, end in self._ends.items() if one not in reached}
        if not self._ends:
            log.info("read to the ends: %d commands wait", len(self._inbox))

    def _readable(self, records: Sequence[RawRecord]) -> list[Message[C]]:
        messages = []
        for record in records:
            try:
                messages.append(message_of(record))
            except UnreadableCommandError as error:
                if self._options.on_unreadable is None:
                    raise
                self._options.on_unreadable(record, error)
                self._inbox.pass_by(record.partition, record.offset)
                self._meters.not_handed_out(NotHandedOut.UNREADABLE)
        return messages

    # -- handing out

    async def _next_delivery(self) -> Delivery[C] | None:
        now = self._clock.now()
        await self._settle(now)
        free_at = self._pace.free_at(now)
        offer = self._inbox.next(now, contacts=free_at is None)
        self._meters.waiting(len(self._inbox))
        self._pause.note(free_at, self._inbox.contacts, self._meters)
        if offer is None:
            await self._keep_positions()
            return None
        return await self._hand_out(offer, now)

    async def _settle(self, now: datetime) -> None:
        """Let go of what needs nothing, after news and every few seconds, and keep that it was seen."""
        if self._settled_at is not None and now - self._settled_at < SETTLE_EVERY:
            return
        settled = self._inbox.settle(now)
        for message, fate in settled:
            self._meters.not_handed_out(NotHandedOut(fate.value))
            if fate is Fate.EXPIRED:
                self._tell_expired(message)
        seen = (one.message.command for one in settled if one.fate is not Fate.SUPERSEDED)
        await self._shelf.pass_by({command.command_id: command.sequence for command in seen}, {})
        self._settled_at = now

    def _tell_expired(self, message: Message[C]) -> None:
        log.warning("%s came too late to contact anyone: its not_after has passed", message.id)
        if self._options.on_expired is not None:
            self._options.on_expired(message)  # type: ignore[arg-type] # a Message of either sort is one of both

    async def _hand_out(self, offer: Offer[C], now: datetime) -> Delivery[C] | None:
        """Keep that it is begun before the caller can begin, so that no end of it is ever forgotten."""
        epoch = self._epoch
        contact = self._pace.contacted(now) if offer.contact else {}
        await self._shelf.begin(offer.command_id, offer.pending.latest.command.sequence, contact)
        if epoch != self._epoch:
            return None
        self._inbox.begun(offer)
        delivery = Delivery(offer, lambda: self._acknowledge(offer), lambda: self._hand_back(offer))
        self._in_hand = delivery
        self._free.clear()
        self._meters.handed_out(offer.action)
        if offer.missed and offer.pending.contact is not None and not offer.repeated:
            self._meters.not_handed_out(NotHandedOut.EXPIRED)
            self._tell_expired(offer.pending.contact)
        return delivery

    async def _acknowledge(self, offer: Offer[C]) -> None:
        epoch = self._epoch
        self._inbox.done(offer)
        positions = self._inbox.positions()
        try:
            await self._shelf.acknowledge(offer.command_id, offer.through, positions)
        except BaseException:
            self._release()
            self._start_over()
            raise
        if epoch == self._epoch:
            self._release()
        self._meters.acknowledged()
        self._kept |= positions
        await self._commit(positions)

    def _hand_back(self, offer: Offer[C]) -> None:
        delay = self._inbox.hand_back(offer, self._clock.now())
        log.warning("%s was handed back, and comes again in %.0f s", offer.id, delay)
        self._meters.handed_back()
        self._release()

    def _release(self) -> None:
        self._in_hand = None
        self._free.set()

    # -- what is read, kept and told

    async def _keep_positions(self) -> None:
        """Keep and commit how far the partitions are read, where that has moved."""
        positions = self._inbox.positions()
        if moved := _beyond(positions, self._kept):
            await self._shelf.pass_by({}, moved)
            self._kept |= moved
        if behind := _beyond(positions, self._committed):
            await self._commit(behind)

    async def _commit(self, positions: Mapping[Partition, int]) -> None:
        """Tell Kafka; a failure costs nothing, as the store is what counts and it is told again later."""
        try:
            await self._source.commit(positions)
            self._committed |= positions
        except SourceUnavailableError as error:
            log.warning("offsets were not committed, the store has them: %s", error)

    # -- trouble

    async def _give_up(self, partitions: Collection[Partition]) -> None:
        """Wait for the command in hand, then forget what is no longer ours."""
        if self._in_hand is not None:
            try:
                await asyncio.wait_for(self._free.wait(), self._options.revoke_seconds)
            except TimeoutError:
                log.warning("%r goes to another reader: it took too long", self._in_hand)
        self._lose_in_hand()
        self._forget(partitions)

    def _lose_in_hand(self) -> None:
        if self._in_hand is not None:
            self._in_hand.lose()
            self._meters.lost()
            self._release()

    def _forget(self, partitions: Collection[Partition]) -> None:
        self._epoch += 1
        self._settled_at = None
        self._inbox.forget(partitions)
        self._ends = {one: end for one, end in self._ends.items() if one not in partitions}

    def _start_over(self) -> None:
        """Read again from what the store knows: records polled before the failure would be missing else."""
        self._forget(self._inbox.partitions())
        self._source.again()


def _beyond(positions: Mapping[Partition, int], known: Mapping[Partition, int]) -> dict[Partition, int]:
    return {partition: at for partition, at in positions.items() if at > known.get(partition, -1)}
