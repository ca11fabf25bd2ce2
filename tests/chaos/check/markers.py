"""Reads the control markers out of a broker's own files: which transactions were committed, which were cut off.

Format: Kafka's record batch version 2; bit 5 of a batch's attributes says that it holds one control record, whose key
is a version and a type, both int16: 0 is ABORT, 1 is COMMIT.
"""

import mmap
import statistics
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.actors.workers import Opening
from tests.chaos.faults.plan import Done, Kind

HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH_END = 12
CONTROL = 1 << 5
ABORT = 0


@dataclass(frozen=True, slots=True)
class Marker:
    """The end of a transaction as written into one partition, at epoch seconds `at`."""

    topic: str
    partition: int
    producer: tuple[int, int]
    """Producer id and epoch."""
    committed: bool
    at: float


def read_markers(data: Path, topics: Iterable[str]) -> Iterator[Marker]:
    """Give the markers of all partitions of topics, from the data folder of one broker that has them all."""
    for topic in topics:
        for folder in sorted(data.glob(f"{topic}-[0-9]*")):
            number = folder.name.removeprefix(f"{topic}-")
            if number.isdigit():
                for segment in sorted(folder.glob("*.log")):
                    yield from _segment(segment, topic, int(number))


def _segment(path: Path, topic: str, partition: int) -> Iterator[Marker]:
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        at = 0
        while at + HEADER.size <= len(held):
            _, length, _, magic, _, attributes, _, _, latest, producer, epoch, _, _ = HEADER.unpack_from(held, at)
            if length <= 0 or magic != 2:
                return
            if attributes & CONTROL:
                kind = _control_type(held[at + HEADER.size : at + LENGTH_END + length])
                yield Marker(topic, partition, (producer, epoch), kind != ABORT, latest / 1000)
            at += LENGTH_END + length


def _control_type(record: bytes) -> int:
    """Give the type of a control record: behind length, attributes, two deltas and the key's length, all varints."""
    at = 0
    for skipped in ("length", "attributes", "timestamp delta", "offset delta", "key length"):
        while skipped != "attributes" and record[at] & 0x80:
            at += 1
        at += 1
    _, kind = struct.unpack_from(">hh", record, at)
    return int(kind)


@dataclass(frozen=True, slots=True)
class Cut:
    """A transaction that was aborted, and the disturbance that cut it off; None where a worker ended by itself."""

    application: str
    partition: int
    cause: Done | None


def cuts(
    markers: Sequence[Marker], application: str, openings: Sequence[Opening], done: Sequence[Done]
) -> Iterator[Cut]:
    """Give each aborted transaction of an application once, with its cause.

    All is about one application. An abort belongs to the worker that opened the partition last before it, and to
    that worker's first disturbance after the opening, or else to the first one of a broker since. The partition of a
    transaction is that of the topics it always writes to.
    """
    aborted: dict[tuple[int, int], Marker] = {}
    for marker in markers:
        if not marker.committed:
            aborted.setdefault(marker.producer, marker)
    for marker in aborted.values():
        owned = [o for o in openings if o.partition == marker.partition and o.at < marker.at]
        owner = max(owned, key=lambda opening: opening.at, default=None)
        since = [d for d in done if owner and owner.at <= d.at < marker.at]
        own = [d for d in since if owner and d.victim == owner.worker]
        causes = own or [d for d in since if d.kind.is_of_brokers]
        yield Cut(application, marker.partition, min(causes, key=lambda cause: cause.at, default=None))


def recoveries(markers: Sequence[Marker], openings: Sequence[Opening], done: Sequence[Done]) -> list[float]:
    """Give the seconds from each kill to the next commit in every partition that the killed worker had.

    Of one application; a kill that was followed by another disturbance before that commit tells nothing of one.
    """
    took = []
    for kill in done:
        if kill.kind is Kind.KILL:
            for number in {opening.partition for opening in openings}:
                at = _recovered(kill, number, [o for o in openings if o.partition == number], markers)
                if at is not None and not any(kill.at < other.at < at for other in done):
                    took.append(at - kill.at)
    return took


def _recovered(kill: Done, partition: int, openings: Sequence[Opening], markers: Sequence[Marker]) -> float | None:
    before = max((o for o in openings if o.at <= kill.at), key=lambda o: o.at, default=None)
    opened = min((o.at for o in openings if o.at > kill.at), default=None)
    if before is None or before.worker != kill.victim or opened is None:
        return None
    return min((m.at for m in markers if m.committed and m.partition == partition and m.at >= opened), default=None)


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """Give number, median and worst."""
    if not seconds:
        return {"number": 0}
    return {"number": len(seconds), "median_s": round(statistics.median(seconds), 1), "worst_s": round(max(seconds), 1)}
