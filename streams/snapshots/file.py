"""The file of a snapshot: a line that says whose state it is, then the state's lines, compressed and checksummed."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from backports.zstd import CompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError

from schemas.events import SnapshotTaken
from schemas.state.partitions import STATE_VERSION
from streams.history import HistoryError, Place
from streams.history.exports.files import created, sync_folder
from streams.history.exports.segments import OPTIONS
from streams.snapshots.state import digest_of

FORMAT = 1
"""Of the file: raised when an earlier release would misread it."""
PIECE_BYTES = 1 << 20
"""Of the file, and of what it is unpacked to, that are in memory at once."""
LINE_BYTES = 4 << 20
"""Of the longest line: a record of state has less than a megabyte."""
REMEDY = "take it away, and take another with `txpush snapshot`"
_OPTIONS: Mapping[int, int] = {CompressionParameter.compression_level: 3, CompressionParameter.checksum_flag: 1}


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot is of.

    Attributes:
        format: of the file.
        log: `<cluster id>/<topic id>`.
        topic, partition: which part of it.
        partitions: of every topic, on which the place of a signal depends.
        offset: of the mark, the next record to fold: everything before it is in the state.
        time_ms: of the mark, milliseconds since 1970.
        state_sha256: over the lines behind this one, lower-case hex.
        records: how many lines there are.
        state_version: of their records.
        audit_head: hash of the last decision in the state, the link by which the audit chain goes on; empty before the
            first.
        release, engine_version: what has derived it.
    """

    format: int
    log: str
    topic: str
    partition: int
    partitions: int
    offset: int
    time_ms: int
    state_sha256: str
    records: int
    state_version: int
    audit_head: str
    release: str
    engine_version: str

    @property
    def place(self) -> Place:
        """The partition."""
        return Place(self.topic, self.partition)

    @property
    def taken(self) -> SnapshotTaken:
        """What the log is told of it."""
        return SnapshotTaken(
            offset=self.offset,
            state_sha256=self.state_sha256,
            records=self.records,
            state_version=self.state_version,
            audit_head=self.audit_head,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state that was read: records by key by table, as their changelogs have them."""

    head: Head
    tables: dict[str, dict[str, bytes]]


class _Format(msgspec.Struct):
    format: int


_decode_head = msgspec.json.Decoder(Head).decode
_decode_format = msgspec.json.Decoder(_Format).decode
_decode_line = msgspec.json.Decoder(tuple[str, str, msgspec.Raw]).decode


def write_draft(draft: Path, head: Head, lines: Iterable[bytes]) -> None:
    """Write it under a name that nobody reads, for its owner alone, and have the disk hold it; raises OSError."""
    compressor = ZstdCompressor(options=_OPTIONS)
    with created(draft) as file:
        file.write(compressor.compress(msgspec.json.encode(head) + b"\n"))
        for line in lines:
            file.write(compressor.compress(line))
        file.write(compressor.flush())
        file.flush()
        os.fsync(file.fileno())


def publish(draft: Path, path: Path) -> None:
    """Give a draft its name, at once and for good; raises OSError."""
    draft.replace(path)
    sync_folder(path.parent)


def read_head(path: Path) -> Head:
    """Read the first line.

    Raises:
        HistoryError: the file is missing or damaged, or of another format or a later release.
    """
    with _opened(path) as file:
        return _head(path, next(_lines(path, file), b""))


def read_snapshot(path: Path) -> Snapshot:
    """Read all of it; memory is the state's.

    Raises:
        HistoryError: see `read_head`; or its lines are not those of its head.
    """
    tables: dict[str, dict[str, bytes]] = {}

    def kept(lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            try:
                table, key, value = _decode_line(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise HistoryError(f"{path}: damaged: a line is no record of state: {error}; {REMEDY}") from error
            tables.setdefault(table, {})[key] = bytes(value)
            yield line

    with _opened(path) as file:
        lines = _lines(path, file)
        head = _head(path, next(lines, b""))
        found = digest_of(kept(lines))
    if found != (head.state_sha256, head.records):
        raise HistoryError(f"{path}: damaged: its records do not have the hash that its first line says; {REMEDY}")
    return Snapshot(head, tables)


def state_lines(path: Path) -> Iterator[bytes]:
    """Give the lines of the state, one at a time, their hash not looked at; raises HistoryError, see `read_head`."""
    with _opened(path) as file:
        lines = _lines(path, file)
        next(lines, b"")
        yield from lines


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be read: {error.strerror}; run it as the owner of the file, or name another folder"
        ) from error


def _head(path: Path, line: bytes) -> Head:
    try:
        form = _decode_format(line).format
        if form != FORMAT:
            raise HistoryError(f"{path}: it is of format {form}, and this release reads {FORMAT}; {REMEDY}")
        head = _decode_head(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path} is no snapshot, or damaged: {error}; {REMEDY}") from error
    if head.state_version > STATE_VERSION:
        raise HistoryError(
            f"{path}: a later release has taken it (state version {head.state_version}, this one knows up to "
            f"{STATE_VERSION}): read it with that one, or {REMEDY}"
        )
    return head


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    tail = b""
    for piece in _pieces(path, file):
        *whole, tail = (tail + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(tail) > LINE_BYTES:
            raise HistoryError(f"{path}: damaged: a line is longer than any record of state; {REMEDY}")
    if tail:
        raise HistoryError(f"{path}: damaged: its last line has no end; {REMEDY}")


def _pieces(path: Path, file: BinaryIO) -> Iterator[bytes]:
    decompressor: Any = ZstdDecompressor(options=OPTIONS)
    try:
        while not decompressor.eof:
            given = file.read(PIECE_BYTES) if decompressor.needs_input else b""
            if decompressor.needs_input and not given:
                raise HistoryError(f"{path}: damaged: it is cut off; {REMEDY}")
            yield decompressor.decompress(given, max_length=PIECE_BYTES)
        if decompressor.unused_data or file.read(1):
            raise HistoryError(f"{path}: damaged: there is something behind its end; {REMEDY}")
    except (ZstdError, OSError) as error:
        raise HistoryError(f"{path}: damaged: {error}; {REMEDY}") from error
