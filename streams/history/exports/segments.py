"""The records of one file of an export: checked, then read a piece at a time, in a memory that does not grow."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader
from operator import lt
from pathlib import Path

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from schemas.problems import UNREADABLE
from streams.history.exports.files import opened_file
from streams.history.exports.lines import LINE_BYTES, ExportedRecord, first_bad_line, records_of
from streams.history.exports.manifest import REMEDY, Segment, segment_path
from streams.history.history import HistoryError, Place

PIECE_BYTES = 1 << 18
"""Of lines that are in memory at once, or one line that is longer, and of the file."""
WINDOW_LOG = 23
"""8 MiB, four times what an export is written with: a file may ask for that much memory, whatever is in it."""
OPTIONS: Mapping[int, int] = {DecompressionParameter.window_log_max: WINDOW_LOG}


class _Spoilt(Exception):  # noqa: N818 - says what it is
    """The lines go on no further, in words."""


def segment_records(folder: Path, place: Place, segment: Segment) -> Iterator[Sequence[ExportedRecord]]:
    """Give the records of a file in order, some at a time; the first comes only when the whole file is as written.

    Raises:
        HistoryError: it is missing, damaged, or not what the manifest says; with file and, where there is one, line.
    """
    path = segment_path(folder, place, segment.begin)
    try:
        with opened_file(folder, path) as file:
            _require_as_written(path, file, segment)
            yield from _records(path, file, segment)
    except FileNotFoundError:
        raise HistoryError(
            f"{path} is missing: it has {segment.records} records from offset {segment.begin} on; {REMEDY}"
        ) from None
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}; {REMEDY}") from error


def is_as_written(folder: Path, place: Place, segment: Segment) -> bool:
    """Tell whether a file is there, and as it was written; raises HistoryError where something else is."""
    try:
        with opened_file(folder, segment_path(folder, place, segment.begin)) as file:
            return _size(file) == segment.bytes and _sha256(file) == segment.sha256
    except FileNotFoundError:
        return False


def _size(file: BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _require_as_written(path: Path, file: BufferedReader, segment: Segment) -> None:
    size = _size(file)
    lacking = f" ({size} bytes, not {segment.bytes})" if size != segment.bytes else ""
    if lacking or _sha256(file) != segment.sha256:
        raise _unreadable(path, file, segment, f"the file is not as it was written, by its SHA-256{lacking}")


def _records(path: Path, file: BufferedReader, segment: Segment) -> Iterator[Sequence[ExportedRecord]]:
    content, count, after = hashlib.sha256(), 0, segment.begin
    try:
        for piece in _pieces(file):
            content.update(piece)
            records = list(records_of(piece))
            if len(records) != piece.count(b"\n"):
                raise _unreadable(path, file, segment, "a record is a line, and a line a record")
            if count + len(records) > segment.records:
                raise HistoryError(
                    f"{path}:{segment.records + 1}: damaged: there are more lines than the {segment.records} records "
                    f"of the manifest; {REMEDY}"
                )
            if not _fit(records, after, segment):
                place, why = next(_misfits(records, after, segment))
                raise HistoryError(f"{path}:{count + place + 1}: damaged: {why}, as the manifest says; {REMEDY}")
            count += len(records)
            after = records[-1].offset + 1
            yield records
    except (*UNREADABLE, ZstdError, _Spoilt) as error:
        raise _unreadable(path, file, segment, str(error)) from error
    if (count, content.hexdigest()) != (segment.records, segment.content_sha256):
        raise HistoryError(f"{path}:{count}: these are not the {segment.records} records of the manifest; {REMEDY}")


def _fit(records: Sequence[ExportedRecord], after: int, segment: Segment) -> bool:
    """Tell whether the offsets ascend within those of the file, and the times are within its times."""
    offsets, times = [one.offset for one in records], [one.timestamp for one in records]
    return (
        after <= offsets[0]
        and offsets[-1] < segment.end
        and all(map(lt, offsets, offsets[1:]))
        and segment.first_ms <= min(times)
        and max(times) <= segment.last_ms
    )


def _misfits(records: Sequence[ExportedRecord], after: int, segment: Segment) -> Iterator[tuple[int, str]]:
    """Give the places of the records that do not fit, from 0, and why."""
    for place, one in enumerate(records):
        if not after <= one.offset < segment.end:
            yield place, f"offset {one.offset} does not lie between {after} and {segment.end}"
        elif not segment.first_ms <= one.timestamp <= segment.last_ms:
            yield place, f"time {one.timestamp} does not lie between {segment.first_ms} and {segment.last_ms}"
        after = one.offset + 1


def _pieces(file: BufferedReader) -> Iterator[bytes]:
    """Give whole lines, as many at a time as fit a piece, or one that is longer.

    Raises:
        ZstdError: it is not what a compressor has written, or asks for more memory than one of ours.
        _Spoilt: a line is too long, or the file ends too early or too late.
    """
    file.seek(0)
    decompressor, held, size = ZstdDecompressor(options=OPTIONS), list[bytes](), 0
    while not decompressor.eof:
        given = file.read(PIECE_BYTES) if decompressor.needs_input else b""
        if not given and decompressor.needs_input:
            raise _Spoilt("it ends in the middle")
        whole, end, rest = decompressor.decompress(given, max_length=PIECE_BYTES).rpartition(b"\n")
        if end:
            yield b"".join((*held, whole, end))
            held, size = [], 0
        held.append(rest)
        size += len(rest)
        if size > LINE_BYTES:
            raise _Spoilt(f"a line has more than {LINE_BYTES} bytes")
    if size:
        raise _Spoilt("its last line has no end")
    if decompressor.unused_data or file.read(1):
        raise _Spoilt("there is something behind its end")


def _unreadable(path: Path, file: BufferedReader, segment: Segment, why: str) -> HistoryError:
    """Say which line is the first that cannot be read, if one of those that there may be cannot."""
    number, detail = 1, why
    try:
        for piece in _pieces(file):
            if (bad := first_bad_line(piece)) is not None:
                number, detail = number + bad[0] - 1, f"{why}: {bad[1]}" if bad[1] not in why else why
                break
            number += piece.count(b"\n")
            if number > segment.records:
                number = segment.records
                break
        else:
            number = max(1, number - 1)
    except (ZstdError, _Spoilt) as error:
        detail = f"{why}: {error}" if str(error) not in why else why
    return HistoryError(f"{path}:{number}: damaged: {detail}; {REMEDY}")
