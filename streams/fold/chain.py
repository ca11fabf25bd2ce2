"""The audit chain of a partition: every inbound record rolls into it, every decision is a link."""

import hashlib
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from schemas.state import encode
from streams.fold.effects import SourceRecord

NO_INPUTS = "0" * 64
PLACE = struct.Struct(">Qq")
"""Offset and timestamp of an inbound record."""
SHORT = 1024
_LENGTHS = tuple(b"%d:" % length for length in range(SHORT))
"""How lengths are written, of most parts that there are: this is done some ten times a record."""


def first_link(log_identity: str, partition: int) -> str:
    """Name the chain: the `previous` of its first record."""
    return hashlib.sha256(f"{log_identity}/{partition}".encode()).hexdigest()


class Chain:
    """The head of the chain and the roll over the inputs since it; both are part of the partition's state."""

    __slots__ = ("_roll", "head", "links")

    def __init__(self, head: str, inputs: str) -> None:
        self.head = head
        self._roll = bytes.fromhex(inputs)
        self.links = 0

    @property
    def inputs(self) -> str:
        """The roll, hex."""
        return self._roll.hex()

    def absorb(self, record: SourceRecord) -> None:
        """Roll an inbound record in, all of it: sha256(roll + place + parts), see `schemas.audit`."""
        rolled = [self._roll, PLACE.pack(record.offset, record.timestamp), *_framed(record.key), *_framed(record.value)]
        for name, value in record.headers:
            rolled.append(_framed_name(name))
            rolled += _framed(value)
        self._roll = hashlib.sha256(b"".join(rolled)).digest()

    def link(self, decision: dict[str, Any]) -> bytes:
        """Close a decision into the chain and give the bytes of its audit record."""
        decision["inputs_sha256"] = self.inputs
        decision["previous"] = self.head
        written = encode(decision)
        self.head = hashlib.sha256(written).hexdigest()
        self._roll = bytes.fromhex(NO_INPUTS)
        self.links += 1
        return written


def _framed(part: bytes | None) -> tuple[bytes, ...]:
    """Give a part with its length before it."""
    if part is None:
        return (b"-",)
    length = len(part)
    return (_LENGTHS[length] if length < SHORT else b"%d:" % length, part)


@lru_cache(256)
def _framed_name(name: str) -> bytes:
    """Give the name of a header likewise; there are few."""
    return b"".join(_framed(name.encode()))


def sha256_hex(parts: Sequence[bytes]) -> str:
    """Hash parts in order, lower-case hex."""
    return hashlib.sha256(b"".join(parts)).hexdigest()
