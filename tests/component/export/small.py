"""A small export that was written by nobody's traffic, to be changed at will: with the right checksums."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import msgspec
from backports.zstd import compress

from streams.export.journal import finished
from streams.export.writing import PartitionWriter
from streams.fold.effects import SourceRecord
from streams.history import Content, HistoryError, Place, Span
from streams.history.exports.history import ExportHistory, ExportOrigin
from streams.history.exports.lines import ExportedRecord, lines_of
from streams.history.exports.manifest import MANIFEST, Manifest, Partition, Topic, segment_path, write_manifest
from streams.kafka.topics import EVENTS

AT_MS = 1_793_000_000_000
HERE = Place(EVENTS, 0)


def some(count: int = 4, key: str = "7000000042") -> list[ExportedRecord]:
    """Give records a minute apart."""
    values = (b'{"n":%d}' % number for number in range(count))
    return [ExportedRecord(at, AT_MS + 60_000 * at, key.encode(), value) for at, value in enumerate(values)]


def made(folder: Path, records: Sequence[SourceRecord], *places: Place) -> Manifest:
    """Write records as an export of one partition, the same for every place."""
    topics = {}
    for place in places or (HERE,):
        span = Span(records[0].offset, records[-1].offset + 1)
        with PartitionWriter(folder, place, span) as writer:
            writer.add(records, span.end)
            writer.close()
        topics[place.topic] = Topic("id", (Partition(*span, tuple(finished(folder, place, span))),))
    manifest = Manifest("2026-11-01T03:00:00Z", "0.1", "cluster", 1, Content.WHOLE, topics)
    write_manifest(folder, manifest)
    return manifest


def resealed(folder: Path, body: bytes) -> None:
    """Write a manifest of any body."""
    digest = hashlib.sha256(body).hexdigest().encode()
    (folder / MANIFEST).write_bytes(b'{"format":1,"sha256":"%b","body":%b}' % (digest, body))


def with_lines(folder: Path, manifest: Manifest, lines: bytes, packed: bytes | None = None, **more: object) -> None:
    """Put other lines into the file, or a file that is packed already, and have the manifest say so."""
    file = compress(lines, 3) if packed is None else packed
    segment_path(folder, HERE, 0).write_bytes(file)
    (segment,) = manifest.topics[EVENTS].partitions[0].segments
    sums = {"sha256": hashlib.sha256(file).hexdigest(), "content_sha256": hashlib.sha256(lines).hexdigest()}
    new = msgspec.structs.replace(segment, bytes=len(file), **sums, **more)
    whole = Partition(0, segment.end, (new,))
    topics = {EVENTS: Topic("id", (whole,))}
    resealed(folder, msgspec.json.encode(msgspec.structs.replace(manifest, topics=topics)))


def read_all(folder: Path) -> list[ExportedRecord]:
    """Read the events of it."""
    return [one for piece in ExportOrigin(folder).opened().pieces(HERE) for one in piece]


class Written(ExportHistory):
    """What a cluster has of an export that was written to it: whatever it is told to have."""

    def __init__(self, folder: Path, records: Iterable[SourceRecord]) -> None:
        super().__init__(folder, ExportOrigin(folder).opened().manifest)
        self.records = list(records)
        self.begin = 0
        self.end = max((one.offset + 1 for one in self.records), default=0)
        self.deletes: list[tuple[int, int]] = []
        """At which offset the beginning goes, and up to where."""

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what is left."""
        return {Place(topic, 0): Span(self.begin, self.end) for topic in topics}

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give what is left, one by one; it fails as a cluster does where the beginning is deleted meanwhile."""
        del place
        for one in self.records:
            if self.deletes and one.offset >= self.deletes[0][0]:
                self.begin = self.deletes.pop(0)[1]
                raise HistoryError("its first records were deleted meanwhile")
            if max(span.begin, self.begin) <= one.offset < span.end:
                yield [one]


def as_lines(records: Sequence[SourceRecord]) -> list[bytes]:
    """Give the line of each."""
    return lines_of(records).splitlines(keepends=True)
