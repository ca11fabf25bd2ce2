"""The command topics of a real cluster: a member of a consumer group that reads committed records."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError

from streams.ending import ended
from streams.member import Member
from streams.polling import UnreadableBatchError, polled
from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.errors import (
    InstanceTakenError,
    KafkaUnavailableError,
    TopicMissingError,
    UnreadableCommandError,
)
from streams.subscribe.options import Options
from streams.subscribe.sources.base import Extent, Revoked, SourceUnavailableError

log = logging.getLogger(__name__)

MAX_POLL_RECORDS = 500
RETRY_SECONDS = 1.0
RETRY_BACKOFF_MS = 250
"""aiokafka logs each of its attempts; ten a second fill the log of an outage."""
T = TypeVar("T")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # untyped library
    """Tells the source what the group has decided."""

    def __init__(self, source: "KafkaSource", revoked: Revoked) -> None:
        self._source = source
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish or give up what is in hand before anyone else can get it."""
        await self._revoked({Partition(*place) for place in revoked})

    async def on_partitions_assigned(self, _assigned: Iterable[TopicPartition]) -> None:
        """Have the subscription open them at its next step."""
        self._source.again()


class KafkaSource:
    """A `Source` on aiokafka; offsets are committed by hand alone.

    Args:
        topics: what is read.
        options: how.
        replaced: told group and instance when another process has joined under that; each call but `stop` raises
            InstanceTakenError then, as its partitions are the other's.
    """

    def __init__(
        self, topics: Collection[str], options: Options, replaced: Callable[[str, str], object] | None = None
    ) -> None:
        self._replaced = replaced
        self._taken = ""
        """Why it may not go on; empty while it may."""
        self._topics = tuple(topics)
        self._options = options
        self._changes = 0
        self._seen = 0
        self._consumer: Any = None
        """Of the latest try to connect; one that is made and never ended keeps what it holds."""

    @property
    def exhausted(self) -> bool:
        """Never: commands go on."""
        return False

    async def start(self, revoked: Revoked) -> None:
        """Join the group, waiting for a broker that is away.

        Raises:
            InstanceTakenError: see above.
            KafkaUnavailableError: no broker within `outage_seconds`.
            TopicMissingError: a topic is not there, or may not be read.
        """
        try:
            async with asyncio.timeout(self._options.outage_seconds):
                while not await self._connected():  # noqa: ASYNC110 - a broker that is away tells nobody
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            raise KafkaUnavailableError(
                f"no answer from Kafka at {self._options.bootstrap} for {self._options.outage_seconds:.0f} s"
            ) from None
        self._consumer.subscribe(list(self._topics), listener=_Listener(self, revoked))

    async def stop(self) -> None:
        """Leave the group, within `step_seconds`."""
        if self._consumer is not None:
            await ended(self._consumer, self._options.step_seconds)

    async def assigned(self) -> Mapping[Partition, Extent] | None:
        """Ask the group for its offsets, and the brokers for the ends, when the assignment is a new one."""
        if self._seen == self._changes:
            return None
        change, places = self._changes, [TopicPartition(*place) for place in self._consumer.assignment()]
        ends = await self._step(self._consumer.end_offsets(places)) if places else {}
        committed = {place: await self._step(self._consumer.committed(place)) for place in places}
        self._seen = change
        return {Partition(*place): Extent(committed[place], ends[place]) for place in places}

    def seek(self, starts: Mapping[Partition, int]) -> None:
        """Read on from there; a partition that has just been taken away is left to its new owner."""
        for place, offset in starts.items():
            with contextlib.suppress(IllegalStateError):
                self._consumer.seek(TopicPartition(*place), offset)

    def again(self) -> None:
        """Count a change of what is assigned."""
        self._changes += 1

    async def poll(self, seconds: float, *, hold: bool) -> Sequence[RawRecord]:
        """Poll; polling is also what keeps the membership."""
        places = self._consumer.assignment()
        (self._consumer.pause if hold else self._consumer.resume)(*places)
        polling = polled(self._consumer, timeout_ms=int(seconds * 1000), max_records=MAX_POLL_RECORDS)
        found = await self._step(polling, seconds)
        return [
            RawRecord(Partition(*place), record.offset, record.value, record.timestamp)
            for place, records in found.items()
            for record in records
        ]

    async def position(self, partition: Partition) -> int:
        """Ask for the position rather than the last record: a topic ends in markers that are never seen."""
        return int(await self._step(self._consumer.position(TopicPartition(*partition))))

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit what is still assigned."""
        owned = self._consumer.assignment()
        places = {TopicPartition(*place): offset for place, offset in offsets.items()}
        await self._step(self._consumer.commit({place: at for place, at in places.items() if place in owned}))

    async def _step(self, step: Awaitable[T], more_seconds: float = 0.0) -> T:
        try:
            found = await asyncio.wait_for(step, self._options.step_seconds + more_seconds)
        except UnreadableBatchError as error:
            raise UnreadableCommandError(str(error)) from error
        except (KafkaError, TimeoutError) as error:
            self._refuse_taken()
            raise SourceUnavailableError(repr(error)) from error
        self._refuse_taken()
        return found

    def _take(self, group: str, instance: str) -> None:
        """Go on with nothing: each would take the partitions from the other, for ever."""
        self._taken = f"another process of {group} has joined under the same instance {instance!r}: give each its own"
        if self._replaced is not None:
            self._replaced(group, instance)

    def _refuse_taken(self) -> None:
        if self._taken:
            raise InstanceTakenError(self._taken)

    async def _connected(self) -> bool:
        """Connect and look the topics up; a consumer that failed is not used again."""
        self._consumer = self._made()
        try:
            await self._step(self._consumer.start())
            known = await self._step(self._consumer.topics())
        except SourceUnavailableError as error:
            log.warning("Kafka at %s is not available: %s", self._options.bootstrap, error)
            await self.stop()
            return False
        Member(self._take).listen(self._consumer._coordinator, self._options.instance)  # noqa: SLF001 - no other way in
        if missing := sorted(set(self._topics) - set(known)):
            await self.stop()
            raise TopicMissingError(f"{', '.join(missing)}: not on {self._options.bootstrap}, or not ours to read")
        return True

    def _made(self) -> AIOKafkaConsumer:
        options = self._options
        chosen = {"retry_backoff_ms": RETRY_BACKOFF_MS} | dict(options.kafka)
        return AIOKafkaConsumer(
            bootstrap_servers=options.bootstrap,
            group_id=options.group,
            group_instance_id=options.instance,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=MAX_POLL_RECORDS,
            max_poll_interval_ms=int(options.handling_seconds * 1000),
            rebalance_timeout_ms=int((options.revoke_seconds + options.step_seconds) * 1000),
            **chosen,
        )
