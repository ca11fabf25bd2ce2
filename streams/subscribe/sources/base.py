"""Where messages come from, as a subscription sees it: a Kafka consumer group, or a list in a test."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from streams.subscribe.core import Partition, RawRecord
from streams.subscribe.errors import KafkaUnavailableError, StoreRefusedError

log = logging.getLogger(__name__)

OUTAGE_PAUSE_SECONDS = 1.0

Revoked = Callable[[Collection[Partition]], Awaitable[None]]


class Extent(NamedTuple):
    """What the source says of a partition when it is assigned: the group's committed offset, and the end."""

    committed: int | None
    end: int


class SourceUnavailableError(Exception):
    """The source does not answer now; the same call may work later."""


class Outage:
    """Waits while a source is away, and knows for how long it has been."""

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._since: float | None = None

    def is_over(self) -> None:
        """Note that the source has answered."""
        self._since = None

    async def wait_out(self, error: SourceUnavailableError) -> None:
        """Wait a second; raises KafkaUnavailableError when it has been too long."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
            log.warning("nothing can be read from Kafka: %s", error)
        if now - self._since > self._longest_seconds:
            raise KafkaUnavailableError(
                f"nothing could be read from Kafka for {self._longest_seconds:.0f} s: {error}"
            ) from error
        await asyncio.sleep(OUTAGE_PAUSE_SECONDS)


class Source(Protocol):
    """Committed records of the partitions that are assigned to this reader, in order within each.

    Every call but `start` may raise SourceUnavailableError, and returns within the limits of the options.
    """

    async def start(self, revoked: Revoked) -> None:
        """Join; `revoked` is awaited before partitions go to someone else. Raises SubscribeError."""

    async def stop(self) -> None:
        """Leave; never raises."""

    async def assigned(self) -> Mapping[Partition, Extent] | None:
        """Give all assigned partitions when they have changed since the last call, else None."""

    def seek(self, starts: Mapping[Partition, int]) -> None:
        """Read on from these offsets."""

    def again(self) -> None:
        """Have `assigned` give the partitions once more: what was read of them is not to be trusted."""

    async def poll(self, seconds: float, *, hold: bool) -> Sequence[RawRecord]:
        """Give what there is, waiting so long for the first; with `hold`, nothing, but stay in the group."""

    async def position(self, partition: Partition) -> int:
        """Give the offset of the next record."""

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Say how far each partition is read."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing more will come: never, but in tests."""


def start_of(partition: Partition, extent: Extent, known: int | None, group: str) -> int:
    """Give where to begin a partition: where the store says; at the beginning when neither has ever read it.

    Raises:
        StoreRefusedError: the group has read what the store knows nothing of, or the topic is not the one it knows.
    """
    place, committed = f"{partition.topic} [{partition.number}]", extent.committed
    if committed is not None and (known is None or committed > known):
        raise StoreRefusedError(
            f"group {group} has read {place} to {committed}, this store to {'nowhere' if known is None else known}: "
            "put the right store back, give all readers of the group one store, or begin with a new group and store"
        )
    if known is not None and known > extent.end:
        raise StoreRefusedError(
            f"this store has read {place} to {known}, but it ends at {extent.end}: the topic was made anew or is "
            "another cluster's; begin with a new group and store"
        )
    return 0 if known is None else known
