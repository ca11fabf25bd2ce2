"""Tables in memory, partition by partition: the same as Faust's to a fold, without Faust."""

from collections.abc import Callable, Mapping, MutableMapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from schemas.state import Record, encode
from streams.fold.effects import Table
from streams.kafka.topics import changelog

REMEMBERED = 64
"""Decoded values kept of a table whose records are large and few, such as the rules in force."""


class MemoryTable:
    """A table of one record type (see streams.fold.Table)."""

    def __init__(
        self, name: str, topic: str, decode: Callable[[bytes], Any] = bytes, encode: Callable[[Any], bytes] = bytes
    ) -> None:
        self.name = name
        self.topic = topic
        self.decode = decode
        self.encode = encode
        self._parts: dict[int, MutableMapping[str, Any]] = {}

    @classmethod
    def of(cls, application: str, name: str, record: type[Record]) -> "MemoryTable":
        """Give an empty table of an application's, of records of one type, coded as its changelog has them."""
        return cls(name, changelog(application, name), msgspec.json.Decoder(record).decode, encode)

    @classmethod
    def like(cls, table: Table) -> "MemoryTable":
        """Give an empty table with the name, changelog and coding of another."""
        return cls(table.name, table.topic, table.decode, table.encode)

    @classmethod
    def remembering(cls, table: Table) -> "MemoryTable":
        """Give the same for large immutable values: equal bytes are decoded once."""
        return cls(table.name, table.topic, _remembering(table.decode), table.encode)

    @classmethod
    def alone(cls, name: str, partition: int) -> "MemoryTable":
        """Give an empty table of one partition that no changelog stands behind."""
        table = cls(name, name)
        table.take(partition, {})
        return table

    def partition(self, partition: int) -> Mapping[str, Any]:
        """Give the values of one partition, live; raises KeyError where it is not owned."""
        return self._parts[partition]

    def take(self, partition: int, values: MutableMapping[str, Any]) -> None:
        """Own a partition with its restored values."""
        self._parts[partition] = values

    def drop(self, partition: int) -> None:
        """Give a partition up."""
        self._parts.pop(partition, None)

    def apply(self, partition: int, changes: Mapping[str, Any]) -> None:
        """Show what a transaction has committed."""
        apply_changes(self._parts[partition], changes)


def apply_changes(values: MutableMapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Change the values of a table; None drops a key."""
    for key, value in changes.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value


@cache
def _remembering(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lru_cache(REMEMBERED)(decode)
