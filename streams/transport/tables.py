"""Faust tables whose values change with the transaction of a partition, never by assignment."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NoReturn

import faust
from faust.stores.memory import Store
from faust.tables.manager import TableManager

from streams.fold.memory import apply_changes
from streams.observe.logs import INHERITED
from streams.transport.state.values import Decode

Encode = Callable[[Any], bytes]


class JoinedPartitions(MutableMapping[str, Any]):
    """All partitions of a table read as one mapping; a key is in one partition only."""

    def __init__(self, parts: Mapping[int, Mapping[str, Any]]) -> None:
        self._parts = parts

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - values have the table's own type
        """Look the key up in each partition."""
        for part in self._parts.values():
            if key in part:
                return part[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        """Give the keys of all partitions."""
        for part in list(self._parts.values()):
            yield from list(part)

    def __len__(self) -> int:
        """Count the keys of all partitions."""
        return sum(map(len, self._parts.values()))

    def __setitem__(self, key: str, value: object) -> NoReturn:
        """Refuse assignment."""
        _refuse_write()

    def __delitem__(self, key: str) -> NoReturn:
        """Refuse deletion."""
        _refuse_write()


def _refuse_write() -> NoReturn:
    raise TypeError("a state table changes with its partition's transaction only: return the change from the fold")


class PartitionedStore(Store):  # type: ignore[misc] # Faust ships no usable types for stores
    """Table storage that can take and drop whole partitions."""

    logger = INHERITED

    def __post_init__(self) -> None:
        """Start empty, without any partition."""
        self.parts: dict[int, MutableMapping[str, Any]] = {}
        self.data = JoinedPartitions(self.parts)


class StateTable(faust.Table):  # type: ignore[misc] # the same for tables
    """A table of one record type: read it by key anywhere, or by partition on the hot path."""

    logger = INHERITED

    def __init__(self, app: faust.App, *, name: str, decode: Decode, encode: Encode, help: str) -> None:  # noqa: A002 - Faust's name
        super().__init__(app, name=name, help=help, partitions=app.conf.topic_partitions)
        self.decode = decode
        self.encode = encode
        self.topic = f"{app.conf.id}-{name}-changelog"

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore("memory://", self.app, self, table_name=self.name)

    async def on_start(self) -> None:
        """Start the store; the changelog topic is checked elsewhere, never declared."""
        await self.add_runtime_dependency(self.data)

    def on_key_set(self, key: str, value: object) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Refuse assignment."""
        _refuse_write()

    def on_key_del(self, key: str) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Refuse deletion."""
        _refuse_write()

    def partition(self, partition: int) -> Mapping[str, Any]:
        """Give the values of one partition, live; raises KeyError where it is not owned."""
        part: Mapping[str, Any] = self.data.parts[partition]
        return part

    def take(self, partition: int, values: MutableMapping[str, Any]) -> None:
        """Own a partition with its restored values."""
        self.data.parts[partition] = values

    def drop(self, partition: int) -> None:
        """Give a partition up."""
        self.data.parts.pop(partition, None)

    def apply(self, partition: int, changes: Mapping[str, Any]) -> None:
        """Show what a transaction has committed."""
        apply_changes(self.data.parts[partition], changes)


class StateTables(TableManager):  # type: ignore[misc] # the same for the manager
    """Faust's table manager without its recovery: partitions restore themselves when they open.

    Faust's recovery (0.15.3) waits for a last changelog record that is a transaction marker and is never delivered, and
    lets source events flow before it has seeked back: it is not in the path at all.
    """

    logger = INHERITED

    async def on_start(self) -> None:
        """Start the tables at once; nothing is read yet."""
        await self._update_channels()

    async def on_stop(self) -> None:
        """Stop fetching, then the tables."""
        await self.app._fetcher.stop()  # noqa: SLF001 - as Faust's own manager does
        for table in self.values():
            await table.stop()

    async def _update_channels(self) -> None:
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Do nothing: the consumer has closed the partitions before."""

    async def on_rebalance(
        self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0
    ) -> None:
        """Open the assigned partitions and let the flow go on; each restores its state in a task of its own."""
        del revoked, newly_assigned, generation_id
        self._recovery_started.set()
        consumer = self.app.consumer
        consumer.resume_partitions(assigned)
        self.app.flow_control.resume()
        consumer.resume_flow()
        consumer.open_partitions(assigned)
        await self.app._fetcher.maybe_start()  # noqa: SLF001 - as Faust's own recovery does
        self.on_actives_ready()
        self.on_standbys_ready()

    async def wait_until_recovery_completed(self) -> bool:
        """Not wait: a partition takes no event before its own state is restored."""
        return False
