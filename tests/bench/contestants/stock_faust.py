"""Stock Faust doing the agent's job as its documentation teaches: an event at a time, JSON tables, `topic.send`."""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

import faust
import msgspec

from schemas.events import PolicyActivated
from schemas.state import AccountState, ControlState, CustomerState, LoginState, Surroundings
from streams.fold import Effects
from streams.fold.logfold import LogFold
from streams.kafka.topics import AGENT, EVENTS
from streams.settings import read_settings
from streams.transport.tables import StateTable
from tests.bench.contestants.plain import fold_on

RECORDS: dict[str, Any] = {
    "accounts": AccountState,
    "logins": LoginState,
    "customers": CustomerState,
    "surroundings": Surroundings,
    "control": ControlState,
}

settings = read_settings()
app = faust.App(AGENT, broker=f"kafka://{settings.bootstrap}", store="memory://", topic_partitions=settings.partitions)
events = app.topic(EVENTS, key_serializer="raw", value_serializer="raw")


class JsonTable(MutableMapping[str, Any]):
    """A Faust table of JSON values as the fold's records."""

    def __init__(self, name: str) -> None:
        self._values = app.Table(name, partitions=settings.partitions)
        self._record = RECORDS.get(name)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def partition(self, _partition: int) -> "JsonTable":
        """Give the values: a key is in one partition only."""
        return self

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - values have the table's own type
        """Read a value."""
        value = self._values[key]
        return PolicyActivated.model_validate(value) if self._record is None else msgspec.convert(value, self._record)

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - the same
        """Write a value, and so its changelog."""
        plain = value.model_dump(mode="json") if isinstance(value, PolicyActivated) else msgspec.to_builtins(value)
        self._values[key] = plain

    def __delitem__(self, key: str) -> None:
        """Drop a value."""
        self._values.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        """Give the keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._values)


@dataclass(frozen=True, slots=True)
class FaustRecord:
    """A Faust message as a record of the log."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Any


topics: dict[str, Any] = {}
"""Topics by name, declared once."""


def topic(name: str) -> Any:  # noqa: ANN401 - untyped library
    """Give a topic whose records are written as they are."""
    if name not in topics:
        topics[name] = app.topic(name, key_serializer="raw", value_serializer="raw")
    return topics[name]


async def write(effects: Effects) -> None:
    """Send what an event leads to, and change the tables."""
    for (name, place), records in effects.outbox.records.items():
        for record in records:
            at = None if record.timestamp_ms is None else record.timestamp_ms / 1000
            await topic(name).send(
                key=record.key, value=record.value, partition=place, timestamp=at, headers=list(record.headers)
            )
    for table, changes in effects.changes.items():
        values = cast("JsonTable", table)
        for key, value in changes.items():
            if value is None:
                del values[key]
            else:
                values[key] = value


tables: dict[str, JsonTable] = {name: JsonTable(name) for name in (*RECORDS, "policies")}


def declared(name: str, _write: Callable[[Any], bytes] | None = None) -> StateTable:
    """Give a table in the place of the fold's own."""
    return cast("StateTable", tables[name])


@app.agent(events)  # type: ignore[untyped-decorator] # Faust ships no usable types
async def remediation(stream: Any) -> None:  # noqa: ANN401 - untyped library
    """Decide on each event, one after the other."""
    fold: LogFold = await fold_on(settings, declared)
    opened: set[int] = set()
    async for event in stream.events():
        message = event.message
        partition = message.partition
        if partition not in opened:
            opened.add(partition)
            fold.opened(partition)
        at = round(message.timestamp * 1000)
        record = FaustRecord(message.offset, at, message.key, message.value, message.headers)
        effects = fold.fold(partition, [record])
        await write(effects)
        fold.committed(partition, effects)


if __name__ == "__main__":
    app.main()
