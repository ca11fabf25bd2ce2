"""The state of a partition as lines: who derives the same state has the same lines, and so the same hash."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from schemas.state import ControlState
from streams.fold.effects import Table

_encode = msgspec.json.Encoder().encode


class Digest(NamedTuple):
    """What a state is named by: SHA-256 over its lines, lower-case hex, and how many they are."""

    sha256: str
    records: int


def lines_of(tables: Iterable[Table], partition: int) -> Iterator[bytes]:
    """Give the records of a partition as `[table, key, value]`, each with its line's end: by table, then key.

    The value is the record as its changelog has it.
    """
    for table in sorted(tables, key=lambda one: one.name):
        name, values = _encode(table.name), table.partition(partition)
        for key in sorted(values):
            yield b"[%b,%b,%b]\n" % (name, _encode(key), table.encode(values[key]))


def control_of(tables: Iterable[Table], partition: int) -> ControlState:
    """Give what the partition has as a whole: its books, with the head of its audit chain."""
    (control,) = (table for table in tables if table.name == "control")
    return control.partition(partition).get(str(partition)) or ControlState()


def digest_of(lines: Iterable[bytes]) -> Digest:
    """Hash lines in their order."""
    rolled, records = hashlib.sha256(), 0
    for line in lines:
        rolled.update(line)
        records += 1
    return Digest(rolled.hexdigest(), records)
