"""The manifest of an export: what there is, of which cluster and range, and checksums of all of it, its own as well."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from streams.history.history import Content, HistoryError, Place, Span

MANIFEST = "manifest.json"
FORMAT = 1
"""Of the folder: raised when an earlier release would misread it."""


class Segment(msgspec.Struct, frozen=True):
    """A file: the records of the offsets from `begin` up to but not with `end`; times in milliseconds since 1970."""

    begin: int
    end: int
    records: int
    bytes: int
    """Of the file."""
    first_ms: int
    last_ms: int
    """The smallest and the largest time of its records."""
    sha256: str
    """Of the file."""
    content_sha256: str
    """Of its lines before they were compressed."""


class Partition(msgspec.Struct, frozen=True):
    """The files of a partition in order; together they have all records of the span."""

    begin: int
    end: int
    segments: tuple[Segment, ...] = ()

    @property
    def span(self) -> Span:
        """Give the offsets that the export speaks for."""
        return Span(self.begin, self.end)


class Topic(msgspec.Struct, frozen=True):
    """A topic by its id, and its partitions by their numbers."""

    id: str
    partitions: tuple[Partition, ...]


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an export is.

    Attributes:
        made_at: when its ends were taken, RFC 3339; all records were there by then.
        made_by: the release that made it.
        cluster_id: the cluster it was made of.
        partitions: of every topic.
        content: what of the records is as it was.
        since, until: the range of time that was asked for, RFC 3339, without the last; None for no bound.
        customers: whose records alone are there; empty for everybody's. Pseudonyms where the export has them.
        forgotten: how many customers were forgotten by then.
        warning: what whoever has it in hand must know.
    """

    made_at: str
    made_by: str
    cluster_id: str
    partitions: int
    content: Content
    topics: Mapping[str, Topic]
    since: str | None = None
    until: str | None = None
    customers: tuple[str, ...] = ()
    forgotten: int = 0
    warning: str = ""


class _File(msgspec.Struct):
    format: int
    sha256: str
    body: msgspec.Raw


def segment_path(folder: Path, place: Place, begin: int) -> Path:
    """Give where the segment that begins at an offset is."""
    return folder / place.topic / str(place.partition) / f"{begin:020}.jsonl.zst"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it by a rename, so that it is there whole or not at all."""
    body = msgspec.json.encode(manifest)
    file = _File(FORMAT, hashlib.sha256(body).hexdigest(), msgspec.Raw(body))
    write_whole(folder / MANIFEST, msgspec.json.encode(file) + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place at once, on disk when this returns."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_manifest(folder: Path) -> Manifest:
    """Read it.

    Raises:
        HistoryError: there is none, it is of a later release, or it is not as it was written.
    """
    path = folder / MANIFEST
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        raise HistoryError(
            f"{folder} is no export: it has no {MANIFEST}; where an export was stopped, run the same again to finish it"
        ) from None
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}; name the folder of an export") from error
    return _checked(path, written)


def _checked(path: Path, written: bytes) -> Manifest:
    try:
        file = msgspec.json.decode(written, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if file.format != FORMAT:
        raise HistoryError(f"{path} is of format {file.format}, and this release reads {FORMAT}: use a later release")
    body = bytes(file.body)
    if hashlib.sha256(body).hexdigest() != file.sha256:
        raise _damaged(path, "it is not as it was written, by its SHA-256")
    try:
        return msgspec.json.decode(body, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> HistoryError:
    return HistoryError(f"{path}:1: damaged: {why}; take it from another copy, or export anew")
