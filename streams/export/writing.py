"""Writes the records of a partition into compressed files, each whole and checksummed once it has its name."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from backports.zstd import CompressionParameter, ZstdCompressor

from streams.export.choices import ExportError
from streams.export.journal import FINISHED, line_of, resumed
from streams.fold.effects import SourceRecord
from streams.history import Place, Span
from streams.history.exports.files import created, require_no_link, sync_folder
from streams.history.exports.lines import LINE_BYTES, lines_of
from streams.history.exports.manifest import Segment, segment_path

SEGMENT_RECORDS = 100_000
SEGMENT_BYTES = 32 << 20
"""Of lines, before they are compressed."""
LEVEL = 3
OPTIONS: Mapping[int, int] = {CompressionParameter.compression_level: LEVEL, CompressionParameter.checksum_flag: 1}


class PartitionWriter:
    """Goes on with the files of a partition behind those that are whole; used as a context, which drops a part file."""

    def __init__(self, folder: Path, place: Place, span: Span) -> None:
        self._folder = folder
        self._place = place
        require_no_link(folder, self._path(0).parent)
        whole = resumed(folder, place, span)
        self.next_offset = whole[-1].end if whole else span.begin
        """From where on records are missing."""
        self._open: _OpenSegment | None = None

    def __enter__(self) -> Self:
        """Go on."""
        self._path(0).parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop a file that is not whole."""
        if self._open is not None:
            self._open.drop()

    def add(self, records: Sequence[SourceRecord], end: int) -> None:
        """Write records; all of the offsets before `end` are done with then, there are records at them or not."""
        if records and self._open is None:
            self._open = _OpenSegment(self._path(self.next_offset), self.next_offset)
        self.next_offset = end
        if self._open is not None:
            self._open.add(records)
            if self._open.is_full:
                self.close()

    def close(self) -> None:
        """Finish the file that is open, if one is."""
        if self._open is None:
            return
        segment = self._open.close(self.next_offset)
        self._open = None
        with (self._path(0).parent / FINISHED).open("ab") as journal:
            journal.write(line_of(segment))
            journal.flush()
            os.fsync(journal.fileno())

    def _path(self, begin: int) -> Path:
        return segment_path(self._folder, self._place, begin)


class _OpenSegment:
    """A file under way."""

    def __init__(self, path: Path, begin: int) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file = created(self._part)
        self._compressor = ZstdCompressor(options=OPTIONS)
        self._content, self._compressed = hashlib.sha256(), hashlib.sha256()
        self._begin = begin
        self._records = self._content_bytes = self._bytes = 0
        self._first_ms: int | None = None
        self._last_ms = 0

    @property
    def is_full(self) -> bool:
        return self._records >= SEGMENT_RECORDS or self._content_bytes >= SEGMENT_BYTES

    def add(self, records: Sequence[SourceRecord]) -> None:
        if not records:
            return
        lines = lines_of(records)
        if len(lines) > LINE_BYTES:
            _require_short(records)
        times = [record.timestamp for record in records]
        first, last = min(times), max(times)
        self._last_ms = last if self._first_ms is None else max(last, self._last_ms)
        self._first_ms = first if self._first_ms is None else min(first, self._first_ms)
        self._records += len(records)
        self._content_bytes += len(lines)
        self._content.update(lines)
        self._write(self._compressor.compress(lines))

    def _write(self, compressed: bytes) -> None:
        self._bytes += len(compressed)
        self._compressed.update(compressed)
        self._file.write(compressed)

    def close(self, end: int) -> Segment:
        self._write(self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        sync_folder(self._path.parent)
        return Segment(
            begin=self._begin,
            end=end,
            records=self._records,
            bytes=self._bytes,
            first_ms=self._first_ms or 0,
            last_ms=self._last_ms,
            sha256=self._compressed.hexdigest(),
            content_sha256=self._content.hexdigest(),
        )

    def drop(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def _require_short(records: Sequence[SourceRecord]) -> None:
    for record in records:
        if len(lines_of([record])) > LINE_BYTES:
            raise ExportError(
                f"the record at offset {record.offset} takes a line of more than {LINE_BYTES} bytes, which no reader "
                "of an export takes: nothing of ours is as large; leave its topic out with --topic"
            )
