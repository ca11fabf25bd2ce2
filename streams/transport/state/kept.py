"""The state of a partition between its revocation and its next assignment to the same worker."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.fold import Table
from streams.transport.local.head import Head
from streams.transport.state.values import PartitionValues


@dataclass(frozen=True, slots=True)
class Kept:
    """What was in memory when the partition was given up, after its last transaction."""

    values: Mapping[Table, PartitionValues]
    ends: Mapping[str, int]
    """Where each changelog ended."""
    ownership: tuple[int, int]
    """Producer id and epoch."""
    head: Head | None
    """What this machine's disk holds, if it holds all of it."""

    def follows(self, ownership: tuple[int, int], ends: Mapping[str, int]) -> bool:
        """Tell whether nobody had the partition since: the next epoch is ours, and no changelog has moved.

        Whoever takes a partition fences its former owner, which takes an epoch, even if nothing is written then.
        """
        producer_id, epoch = self.ownership
        return ownership == (producer_id, epoch + 1) and ends == self.ends
