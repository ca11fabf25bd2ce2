"""The history that an export holds: a folder that `txpush export` has made, read without any cluster."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from schemas.times import to_epoch_ms
from streams.fold.effects import SourceRecord
from streams.history.exports.lines import ExportedRecord
from streams.history.exports.manifest import Manifest, Partition, Segment, read_manifest
from streams.history.exports.segments import segment_records
from streams.history.history import Content, HistoryError, Place, Span


@dataclass(frozen=True, slots=True)
class ExportOrigin:
    """The folder of an export as the origin of a history."""

    folder: Path

    def __str__(self) -> str:
        """Give the folder."""
        return str(self.folder)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ExportHistory"]:
        """Read the manifest; see Origin."""
        yield self.opened()

    def opened(self) -> "ExportHistory":
        """Read the manifest, for who waits for nothing; raises HistoryError."""
        return ExportHistory(self.folder, read_manifest(self.folder))


class ExportHistory:
    """See History; made by ExportOrigin."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self.manifest = manifest

    @property
    def cluster_id(self) -> str:
        """The id of the cluster that was exported."""
        return self.manifest.cluster_id

    @property
    def topics(self) -> Mapping[str, str]:
        """The topics that were exported, each with its id."""
        return {name: topic.id for name, topic in self.manifest.topics.items()}

    @property
    def partitions(self) -> int:
        """Of every topic."""
        return self.manifest.partitions

    @property
    def content(self) -> Content:
        """What of the records is as it was."""
        return self.manifest.content

    def identity(self, topic: str) -> str:
        """Give `<cluster id>/<topic id>`; see History."""
        self._partitions(topic)
        return f"{self.cluster_id}/{self.topics[topic]}"

    def _partitions(self, topic: str) -> Sequence[Partition]:
        if topic not in self.manifest.topics:
            raise HistoryError(
                f"there is no topic {topic} in {self._folder}, only {', '.join(sorted(self.topics)) or 'none'}: export "
                "anew with it (`txpush export --help`)"
            )
        return self.manifest.topics[topic].partitions

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what was exported; see History."""
        return {
            Place(topic, number): partition.span
            for topic in topics
            for number, partition in enumerate(self._partitions(topic))
        }

    async def offset_since(self, place: Place, at: datetime) -> int:
        """Give the first offset of a time or later, by the times of the files; see History."""
        since, partition = to_epoch_ms(at), self._partitions(place.topic)[place.partition]
        for segment in partition.segments:
            if segment.last_ms >= since:
                found = (
                    one.offset for piece in self._records(place, segment) for one in piece if one.timestamp >= since
                )
                return next(found, segment.end)
        return partition.end

    def _records(self, place: Place, segment: Segment) -> Iterable[Sequence[ExportedRecord]]:
        return segment_records(self._folder, place, segment)

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give the records of a span; see History."""
        for records in self.pieces(place, span):
            yield records

    def pieces(self, place: Place, span: Span | None = None) -> Iterator[Sequence[ExportedRecord]]:
        """Give the records of a span, of all that there is without one, some at a time, without waiting for anything.

        Raises:
            HistoryError: the span is not in the export, or a file is missing or damaged.
        """
        partition = self._partitions(place.topic)[place.partition]
        wanted = partition.span if span is None else span
        if not wanted.offsets:
            return
        if wanted.within(partition.span) != wanted:
            raise HistoryError(
                f"{self._folder} has {place} from offset {partition.begin} up to {partition.end}, not from "
                f"{wanted.begin} up to {wanted.end}: export more of it"
            )
        for segment in partition.segments:
            if not Span(segment.begin, segment.end).within(wanted).offsets:
                continue
            for piece in self._records(place, segment):
                records = _within(piece, wanted)
                if records:
                    yield records
                if piece[-1].offset >= wanted.end:
                    break


def _within(records: Sequence[ExportedRecord], span: Span) -> Sequence[ExportedRecord]:
    if span.begin <= records[0].offset and records[-1].offset < span.end:
        return records
    return [one for one in records if span.begin <= one.offset < span.end]
