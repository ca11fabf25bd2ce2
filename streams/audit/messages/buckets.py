"""Sums over messages that come in another order than they were decided on, kept apart by the place of their cause.

A signal goes to the partition of its institution, and its decision does not say which one that is. So what the
decisions on one partition name is added up, and so is what all partitions have of it; equal sums are the same messages,
as often. A message is added as a number of 4,096 bits (SHAKE-256): to find others with the same sum takes 2^128 tries.
"""

import hashlib
from collections.abc import Iterable

BYTES = 512
MODULUS = 1 << (8 * BYTES)
MOST = 256
"""Buckets of one sum; where there would be more, neighbours become one."""
FIRST_SHIFT = 10


class Buckets:
    """Sums by the offset of the cause; `first` is where each bucket begins in what is read."""

    __slots__ = ("first", "shift", "sums")

    def __init__(self, shift: int = FIRST_SHIFT) -> None:
        self.shift = shift
        self.sums: dict[int, int] = {}
        self.first: dict[int, int] = {}

    def add(self, offset: int, message_id: str, sha256: str, at: int) -> None:
        """Add a message by the offset of its cause; `at` is where it, or its decision, was read."""
        number = int.from_bytes(hashlib.shake_256(f"{message_id} {sha256}".encode()).digest(BYTES), "big")
        self._put(offset >> self.shift, number, at)
        while len(self.sums) > MOST:
            self._widen()

    def _put(self, bucket: int, number: int, at: int) -> None:
        self.sums[bucket] = (self.sums.get(bucket, 0) + number) % MODULUS
        self.first[bucket] = min(self.first.get(bucket, at), at)

    def _widen(self) -> None:
        sums, first = self.sums, self.first
        self.shift, self.sums, self.first = self.shift + 1, {}, {}
        for bucket, number in sums.items():
            self._put(bucket >> 1, number, first[bucket])

    def widened(self, shift: int) -> "Buckets":
        """Give the same in wider buckets."""
        wide = Buckets(shift)
        for bucket, number in self.sums.items():
            wide._put(bucket >> (shift - self.shift), number, self.first[bucket])
        return wide


def differing(named: Buckets, found: Iterable[Buckets]) -> list[tuple[int, int]]:
    """Give the ranges of offsets, from and up to, in which the sums of what is found are not those of what is named."""
    every = [named, *found]
    shift = max(one.shift for one in every)
    mine, *others = (one.widened(shift) for one in every)
    totals: dict[int, int] = {}
    for other in others:
        for bucket, number in other.sums.items():
            totals[bucket] = (totals.get(bucket, 0) + number) % MODULUS
    wrong = [one for one in sorted(mine.sums.keys() | totals.keys()) if mine.sums.get(one, 0) != totals.get(one, 0)]
    return [(bucket << shift, (bucket + 1) << shift) for bucket in wrong]
