"""What may have happened to the inbound records of an interval, tried until their roll fits."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from streams.audit.faults import Kind
from streams.fold.chain import Chain
from streams.fold.effects import SourceRecord

MOST_TRIES = 200_000
"""Hashes of one search, a second or so; a record of 700 bytes has that many with one byte changed."""
MOST_BYTES = 100 << 20
"""The same in bytes that are hashed: rules in force are large records."""
MENDED_BYTES = 512 << 20
"""The same for one decision: one of 1.3 kB has that many with one byte changed."""
BYTE_BITS, TIME_BITS = 8, 64


class Copy(NamedTuple):
    """A record as it may have been."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Suspicion(NamedTuple):
    """What fits: which kind of fault, at which offset, in words; `other` is the second of two records."""

    kind: Kind
    offset: int
    text: str
    other: int | None = None


class _Enough(Exception):  # noqa: N818 - an end, not a fault
    """All tries are used up."""


class Search:
    """Looks for the one change of an interval's records under which they roll to what was recorded.

    Args:
        records: the records of the interval, in order.
        roll: what they roll on from, hex.
        expected: what they have to come to, hex.
        following: the record behind the interval, if there is one: it may belong in it.
        is_moved_on: what follows is one offset further on than it was.
        tries: hashes that may be made.
    """

    def __init__(
        self,
        records: Sequence[SourceRecord],
        roll: str,
        expected: str,
        following: SourceRecord | None = None,
        *,
        is_moved_on: bool = False,
        tries: int = MOST_TRIES,
    ) -> None:
        self._records = [_copy(record) for record in records]
        self._following = None if following is None else _copy(following)
        self._expected = expected
        self._is_moved_on = is_moved_on
        self._left, self._bytes_left = tries, MOST_BYTES
        self._rolls = [roll]
        for record in self._records:
            self._rolls.append(_rolled(self._rolls[-1], (record,)))

    def found(self) -> Suspicion | None:
        """Give what fits; None where nothing of all this does, or there are too many possibilities."""
        try:
            for position, rest, suspicion in self._possibilities():
                if self._fits(position, rest):
                    return suspicion
        except _Enough:
            pass
        return None

    def _fits(self, position: int, rest: Sequence[Copy]) -> bool:
        self._left -= max(1, len(rest))
        self._bytes_left -= sum(len(one.value or b"") for one in rest)
        if min(self._left, self._bytes_left) < 0:
            raise _Enough
        return _rolled(self._rolls[position], rest) == self._expected

    def _possibilities(self) -> Iterator[tuple[int, Sequence[Copy], Suspicion]]:
        """Give each: how many records stay as they are, what follows them instead, and what that would mean."""
        yield from self._inserted()
        yield from self._swapped()
        yield from self._changed(1)
        yield from self._changed(255)

    def _inserted(self) -> Iterator[tuple[int, Sequence[Copy], Suspicion]]:
        for number, record in enumerate(self._records):
            rest = self._records[number + 1 :]
            said = "it was not there when what follows was decided"
            if not self._is_moved_on:
                yield number, rest, Suspicion(Kind.FORGED, record.offset, f"a record was inserted: {said}")
            elif self._following is not None:
                shifted = [one._replace(offset=one.offset - 1) for one in (*rest, self._following)]
                text = f"a record was inserted, and those behind it moved on by one: {said}"
                yield number, shifted, Suspicion(Kind.FORGED, record.offset, text)

    def _swapped(self) -> Iterator[tuple[int, Sequence[Copy], Suspicion]]:
        records = self._records if self._following is None else [*self._records, self._following]
        for distance in range(1, len(records)):
            for number in range(len(records) - distance):
                one, other = records[number], records[number + distance]
                changed = list(records)
                changed[number] = other._replace(offset=one.offset)
                changed[number + distance] = one._replace(offset=other.offset)
                text = f"it was swapped with the record at {other.offset}"
                suspicion = Suspicion(Kind.SWAPPED, one.offset, text, other.offset)
                yield number, changed[number : len(self._records)], suspicion

    def _changed(self, most: int) -> Iterator[tuple[int, Sequence[Copy], Suspicion]]:
        """Give every record with one bit flipped, or with one byte that is another."""
        for number, record in enumerate(self._records):
            rest = self._records[number + 1 :]
            for changed, what in _variants(record, most):
                text = f"it was changed: with {what} it fits"
                yield number, (changed, *rest), Suspicion(Kind.CHANGED, record.offset, text)


def _copy(record: SourceRecord) -> Copy:
    return Copy(record.offset, record.timestamp, record.key, record.value, tuple(record.headers))


def _rolled(roll: str, records: Sequence[SourceRecord]) -> str:
    chain = Chain("", roll)
    for record in records:
        chain.absorb(record)
    return chain.inputs


def _variants(record: Copy, most: int) -> Iterator[tuple[Copy, str]]:
    for changed, what in _other_bytes(record.value, most):
        yield record._replace(value=changed), f"{what} of its value"
    for changed, what in _other_bytes(record.key, most):
        yield record._replace(key=changed), f"{what} of its key"
    for number, (name, value) in enumerate(record.headers):
        before, after = record.headers[:number], record.headers[number + 1 :]
        for changed, what in _other_bytes(value, most):
            yield record._replace(headers=(*before, (name, changed), *after)), f"{what} of its header {name}"
        for changed, what in _other_bytes(name.encode(), most):
            if changed.isascii():
                new = (changed.decode(), value)
                yield record._replace(headers=(*before, new, *after)), f"{what} of the name of its header {name}"
    for bit in range(TIME_BITS - 1):
        yield record._replace(timestamp=record.timestamp ^ 1 << bit), f"bit {bit} flipped of its timestamp"


def _other_bytes(value: bytes | None, most: int) -> Iterator[tuple[bytes, str]]:
    """Give a value with every single bit flipped; with every single byte replaced where `most` is 255."""
    for position, byte in enumerate(value or b""):
        others = (1 << bit for bit in range(BYTE_BITS)) if most == 1 else range(1, most + 1)
        for mask in others:
            before, after = (value or b"")[:position], (value or b"")[position + 1 :]
            what = (
                f"bit {mask.bit_length() - 1} of byte {position} flipped" if most == 1 else f"another byte {position}"
            )
            yield before + bytes((byte ^ mask,)) + after, what


def mended(value: bytes, sha256: str) -> str | None:
    """Say which bit or byte of a value has to be another for its hash to be a given one.

    None where no single one, and where it is too long for all to be tried.
    """
    every = chain.from_iterable(_other_bytes(value, most) for most in (1, 255))
    for changed, what in islice(every, MENDED_BYTES // (len(value) or 1)):
        if hashlib.sha256(changed).hexdigest() == sha256:
            return what
    return None
