"""The transport of a fold: a Faust consumer whose polls reach the agent as one event, and which commits no offsets.

Offsets are part of each partition's transaction, so Faust's acknowledgements, commits and gaps have no work here. The
aiokafka consumer lives on the application's own loop: no thread stands between a poll and its agent.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.ending import ended
from streams.kafka.access import client_arguments
from streams.kafka.silence import Silence
from streams.observe.logs import INHERITED
from streams.transport.partition import OwnedPartition
from streams.transport.parts import FoldParts
from streams.transport.poll import Poll
from streams.transport.state.kept import Kept

log = logging.getLogger(__name__)

NO_POLL_INTERVAL_MS = 2**31 - 1
"""A consumer that polls nothing for five minutes, in a long restore or with all partitions paused, would else leave the
group, and not come back before it polls. `streams/worker/health.py` looks at who makes progress.
"""


LISTEN_SECONDS = 1.0
"""How often it is looked when brokers have answered last; so much may be missing of a silence that is told."""


class PollMessage(ConsumerMessage):  # type: ignore[misc] # Faust ships no usable types for its transport
    """A whole poll of one partition as one Faust message."""

    poll: Poll


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc] # untyped library
    """Hands the group's assignments on to Faust."""

    def __init__(self, consumer: "FoldConsumer") -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Give up what is revoked before anyone else can get it."""
        await self._consumer.revoke(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take what is assigned."""
        await self._consumer.assign(assigned)


class FoldConsumer(Consumer):  # type: ignore[misc] # as above
    """Faust's face of the group membership; the partitions do the polling."""

    logger = INHERITED

    def __init__(self, transport: "FoldTransport", *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's own arguments
        super().__init__(transport, *args, **kwargs)
        self._parts = transport.parts
        self._settings = transport.parts.settings
        self._metrics = transport.parts.metrics
        self._kafka: Any = None
        self.owned: dict[int, OwnedPartition] = {}
        self.away_since: float | None = time.monotonic()
        """Since when the group has given it no partitions, by the monotonic clock; None while it has."""
        self._kept: dict[int, Kept] = {}
        self._answered_at: float | None = None
        self._silence = Silence(self._settings.bootstrap)

    # -- life

    async def on_start(self) -> None:
        """Join nothing yet: Faust subscribes when its agents have started."""
        settings = self._settings
        self._kafka = AIOKafkaConsumer(
            **client_arguments(settings.bootstrap),
            group_id=settings.application,
            group_instance_id=settings.instance,
            client_id=settings.instance or settings.application,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a log that is cut back has to be told of, not read from its beginning
            isolation_level="read_committed",
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            session_timeout_ms=int(settings.session_seconds * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_seconds * 1000),
            rebalance_timeout_ms=int(settings.rebalance_seconds * 1000),
            max_poll_interval_ms=NO_POLL_INTERVAL_MS,
            max_partition_fetch_bytes=4 << 20,
            fetch_max_bytes=16 << 20,
            fetch_max_wait_ms=100,
        )
        await asyncio.wait_for(self._kafka.start(), settings.open_seconds)
        self._parts.member.listen(self._kafka._coordinator, settings.instance)  # noqa: SLF001 - as in `assign`
        self.add_future(self._listen())

    async def on_stop(self) -> None:
        """Let running transactions end, then leave."""
        await self._close_partitions()
        await self._parts.ticks.stop()
        if self._kafka is not None:
            await ended(self._kafka, self._settings.step_seconds)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group."""
        self._kafka.subscribe(list(topics), listener=Rebalances(self))

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401 - Faust's name and argument
        """Wait: each partition polls for itself."""
        await self.wait_first(fetcher.wait_until_stopped(), self.wait_until_stopped())

    # -- membership

    async def revoke(self, revoked: Iterable[TopicPartition]) -> None:
        """Close the partitions, then tell Faust; until others are assigned the worker is not in the group."""
        if self.away_since is None:
            self.away_since = time.monotonic()
        self.app.on_rebalance_start()
        self._kept |= await self._close_partitions()
        await self.on_partitions_revoked({TP(*partition) for partition in revoked})

    async def assign(self, assigned: Iterable[TopicPartition]) -> None:
        """Tell Faust, whose table manager opens the partitions."""
        generation = self._kafka._coordinator.generation  # noqa: SLF001 - the only place where aiokafka keeps it
        self.app.consumer_generation_id = generation
        partitions = {TP(*partition) for partition in assigned}
        await self.on_partitions_assigned(partitions, generation)
        self.app.on_rebalance_end()
        self.away_since = None
        self._metrics.rebalanced(len(partitions))
        log.debug("generation %d: partitions %s", generation, sorted(p.partition for p in partitions))

    def open_partitions(self, assigned: Iterable[TP]) -> None:
        """Start a task for each assigned partition; the state of those that went elsewhere is let go."""
        kept, self._kept = self._kept, {}
        for topic, number in sorted(assigned):
            source = TopicPartition(topic, number)
            self.owned[number] = OwnedPartition(self._parts, self._kafka, source, self._deliver, kept.get(number))

    async def _close_partitions(self) -> dict[int, Kept]:
        owned, self.owned = self.owned, {}
        closed = await asyncio.gather(*(partition.close() for partition in owned.values()))
        for number in owned:
            self._metrics.closed(number)
        return {number: kept for number, kept in zip(owned, closed, strict=True) if kept is not None}

    async def _deliver(self, poll: Poll) -> None:
        tp = TP(self._settings.source_topic, poll.partition)
        last = poll.records[-1]
        message = PollMessage(
            *tp, last.offset, last.timestamp / 1000, 0, (), None, b"", None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        message.poll = poll
        await self.callback(message)

    # -- offsets are the transactions' business

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ANN401, ARG002, FBT001, FBT002 - Faust's signature
        """Commit nothing: each transaction carries its offset."""
        return False

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:  # noqa: ARG002 - Faust's signature
        return False

    def ack(self, message: Any) -> bool:  # noqa: ANN401 - Faust's signature
        """Note that the agent has seen a poll; whether it stands is the transaction's word."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def wait_empty(self) -> None:
        """Wait for nothing: partitions are closed one by one, each after its transaction."""

    async def perform_seek(self) -> None:
        """Seek nothing: a partition seeks when it opens."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek nothing, as above."""
        return {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Seek nothing, as above."""

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek nothing, as above."""

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, Any]:  # noqa: ARG002, ASYNC109 - Faust's signature
        return {}

    @property
    def answered_at(self) -> float | None:
        """When a broker has answered last, by the monotonic clock; None before any was asked."""
        if self._kafka is not None:
            connections = self._kafka._client._conns.values()  # noqa: SLF001 - nothing else tells
            heard = [one._last_action for one in connections]  # noqa: SLF001 - the same
            before = () if self._answered_at is None else (self._answered_at,)
            self._answered_at = max((*heard, *before), default=None)
        return self._answered_at

    async def _listen(self) -> None:
        """Look all the time when a broker has answered last: that connection may be gone when somebody asks."""
        while not self.should_stop:
            await self.sleep(LISTEN_SECONDS)
            answered_at = self.answered_at
            if answered_at is not None:
                self._silence.note(answers=time.monotonic() - answered_at <= self._silent_seconds)

    @property
    def _silent_seconds(self) -> float:
        """How long brokers may say nothing: who waits for partitions hears no word before other members are there."""
        is_away, settings = self.away_since is not None, self._settings
        return max(settings.session_seconds, settings.rebalance_seconds if is_away else 0.0)

    # -- what Faust asks about the group

    def assignment(self) -> set[TP]:
        """Give the partitions that the group has assigned to this worker."""
        return set() if self._kafka is None else {TP(*partition) for partition in self._kafka.assignment()}

    def highwater(self, tp: TP) -> int:
        """Give the end of what a committed reader can see."""
        return int(self._kafka.last_stable_offset(TopicPartition(*tp)) or 0)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Give the same for several partitions."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Give the first offsets that are kept."""
        offsets = await self._kafka.beginning_offsets([TopicPartition(*tp) for tp in partitions])
        return {TP(*tp): offset for tp, offset in offsets.items()}

    async def position(self, tp: TP) -> int | None:
        """Give the next offset to be read."""
        return int(await self._kafka.position(TopicPartition(*tp)))

    def topic_partitions(self, topic: str) -> int | None:
        """Give the number of partitions of a topic."""
        return self._settings.partitions if topic == self._settings.source_topic else None

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:  # noqa: ARG002 - Faust's signature
        """Place nothing: outputs name their partitions."""
        return partition

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Faust's signature
        """Create nothing: topics are applied and checked by `txpush topics`."""

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:  # noqa: ANN401 - never called: polls come whole
        raise TypeError(f"records of {tp} reach the agent as whole polls, got {record!r}")


class FoldTransport(driver.Transport):  # type: ignore[misc] # as above
    """Faust's aiokafka transport with our consumer."""

    Consumer = FoldConsumer

    def __init__(self, app: Any, parts: FoldParts) -> None:  # noqa: ANN401 - untyped library
        super().__init__(app.conf.broker_consumer, app)
        self.parts = parts
