"""The tables of an application again, in memory."""

from dataclasses import fields
from typing import TypeVar

from streams.fold.memory import MemoryTable

T = TypeVar("T")


def in_memory(declared: T) -> T:
    """Give a dataclass of tables again, with an empty table in memory for each."""
    kind = type(declared)
    tables = {one.name: MemoryTable.like(getattr(declared, one.name)) for one in fields(declared)}  # type: ignore[arg-type] # a dataclass
    return kind(**tables)
