"""Which look-ups are in hand: a partition is read up to the first one that is not done."""

from collections.abc import Collection

from streams.subscribe.core import Partition


class Hand:
    """The offsets of each partition that are read and not done; done in any order, told in order."""

    def __init__(self) -> None:
        self._open: dict[Partition, dict[int, None]] = {}
        self._next: dict[Partition, int] = {}

    def __len__(self) -> int:
        """Count what is in hand."""
        return sum(map(len, self._open.values()))

    def take(self, partition: Partition, offset: int) -> None:
        """Take a record, in the order of its partition."""
        self._open.setdefault(partition, {})[offset] = None
        self._next[partition] = offset + 1

    def done(self, partition: Partition, offset: int) -> None:
        """Be done with a record; one that is not in hand any more changes nothing."""
        self._open.get(partition, {}).pop(offset, None)

    def forget(self, partitions: Collection[Partition]) -> None:
        """Let go of partitions: someone reads them from where they were committed."""
        for partition in partitions:
            self._open.pop(partition, None)
            self._next.pop(partition, None)

    def positions(self) -> dict[Partition, int]:
        """Give the offset to go on from, for each partition."""
        return {partition: next(iter(self._open[partition]), end) for partition, end in self._next.items()}
