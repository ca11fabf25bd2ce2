"""The records of one file of an export: checked, then read a piece at a time."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from backports.zstd import ZstdDecompressor, ZstdError

from streams.history.export_lines import ExportedRecord, first_bad_line, records_of
from streams.history.export_manifest import Segment
from streams.history.history import HistoryError

PIECE_BYTES = 1 << 18
"""Of lines that are in memory at once; the file, compressed, is there whole."""
REMEDY = "take it from another copy, or export anew"


def segment_records(path: Path, segment: Segment) -> Iterator[Sequence[ExportedRecord]]:
    """Give the records of a file in order, some at a time; the first comes only when the whole file is as written.

    Raises:
        HistoryError: it is missing or damaged; with file and, where there is one, line.
    """
    raw = _checked(path, segment)
    content, count, after = hashlib.sha256(), 0, segment.begin
    for piece in _pieces(raw):
        content.update(piece)
        try:
            records = list(records_of(piece))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unreadable(path, raw, str(error)) from error
        count += len(records)
        if records[0].offset < after or records[-1].offset >= segment.end:
            raise HistoryError(
                f"{path}:{count - len(records) + 1}: offsets {records[0].offset} to {records[-1].offset} do not lie "
                f"between {after} and {segment.end} as the manifest says; {REMEDY}"
            )
        after = records[-1].offset + 1
        yield records
    if (count, content.hexdigest()) != (segment.records, segment.content_sha256):
        raise HistoryError(f"{path}:{count}: these are not the {segment.records} records of the manifest; {REMEDY}")


def require_file(path: Path, segment: Segment) -> None:
    """Refuse a file that is missing or damaged; see `segment_records`."""
    _checked(path, segment)


def _checked(path: Path, segment: Segment) -> bytes:
    """Give the file as it is, if it is as it was."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise HistoryError(
            f"{path} is missing: it has {segment.records} records from offset {segment.begin} on; {REMEDY}"
        ) from None
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}; {REMEDY}") from error
    if hashlib.sha256(raw).hexdigest() != segment.sha256:
        lacking = f" ({len(raw)} bytes, not {segment.bytes})" if len(raw) != segment.bytes else ""
        raise _unreadable(path, raw, f"the file is not as it was written, by its SHA-256{lacking}")
    return raw


def _pieces(raw: bytes) -> Iterator[bytes]:
    """Give the lines, as many at a time as fit a piece, or one that is longer."""
    decompressor, tail, given = ZstdDecompressor(), b"", raw
    while not decompressor.eof:
        piece = decompressor.decompress(given, max_length=PIECE_BYTES)
        given = b""
        if not piece and decompressor.needs_input:
            break
        whole, end, tail_of_piece = piece.rpartition(b"\n")
        if end:
            yield tail + whole + end
            tail = tail_of_piece
        else:
            tail += piece
    if tail:
        yield tail


def _unreadable(path: Path, raw: bytes, why: str) -> HistoryError:
    """Say which line is the first that cannot be read, if one cannot."""
    number, detail = 1, why
    try:
        for piece in _pieces(raw):
            if (bad := first_bad_line(piece)) is not None:
                number, detail = number + bad[0] - 1, f"{why}: {bad[1]}" if bad[1] not in why else why
                break
            number += piece.count(b"\n")
        else:
            number = max(1, number - 1)
    except ZstdError as error:
        detail = f"{why}: {error}"
    return HistoryError(f"{path}:{number}: damaged: {detail}; {REMEDY}")
