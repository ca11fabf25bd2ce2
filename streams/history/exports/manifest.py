"""The manifest of an export: what there is, of which cluster and range, and checksums of all of it, its own as well."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from schemas.problems import UNREADABLE
from schemas.times import parse_rfc3339
from streams.history.exports.files import read_bounded, write_whole
from streams.history.history import LARGEST, Content, HistoryError, Number, Place, Span
from streams.plain import plain

MANIFEST = "manifest.json"
FORMAT = 1
"""Of the folder: raised when an earlier release would misread it."""
MANIFEST_BYTES = 64 << 20
"""A file of an export takes 350 of them."""
FILE_BYTES = 1 << 30
"""Far above what an export writes into one file."""

Time = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""Milliseconds since 1970; whoever has written a record may have set any."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes as the name of a topic, and so what a folder may be called; ids are of fewer characters."""
_SHOWN = 60
"""Characters of a name that is none, in what is said of it."""
REMEDY = "take it from another copy, or export anew"


class Segment(msgspec.Struct, frozen=True):
    """A file: the records of the offsets from `begin` up to but not with `end`; times in milliseconds since 1970."""

    begin: Number
    end: Number
    records: Number
    bytes: Annotated[int, msgspec.Meta(ge=1, le=FILE_BYTES)]
    """Of the file."""
    first_ms: Time
    last_ms: Time
    """The smallest and the largest time of its records."""
    sha256: str
    """Of the file."""
    content_sha256: str
    """Of its lines before they were compressed."""


class Partition(msgspec.Struct, frozen=True):
    """The files of a partition in order; together they have all records of the span."""

    begin: Number
    end: Number
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
    partitions: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    content: Content
    topics: Mapping[str, Topic]
    since: str | None = None
    until: str | None = None
    customers: tuple[str, ...] = ()
    forgotten: Number = 0
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


def read_manifest(folder: Path) -> Manifest:
    """Read it.

    Raises:
        HistoryError: there is none, it is of a later release, it is not as it was written, or says what cannot be.
    """
    path = folder / MANIFEST
    try:
        written = read_bounded(folder, path, MANIFEST_BYTES)
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
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error
    if file.format != FORMAT:
        raise HistoryError(f"{path} is of format {file.format}, and this release reads {FORMAT}: use a later release")
    body = bytes(file.body)
    if hashlib.sha256(body).hexdigest() != file.sha256:
        raise _damaged(path, "it is not as it was written, by its SHA-256")
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error
    if (fault := next(_faults(manifest), None)) is not None:
        raise _damaged(path, fault)
    return manifest


def _damaged(path: Path, why: str) -> HistoryError:
    return HistoryError(f"{path}:1: damaged: {plain(why)}; {REMEDY}")


def _faults(manifest: Manifest) -> Iterator[str]:
    """Say what of it cannot be, though its checksum is right: names that lead elsewhere, files that overlap."""
    yield from _odd_texts(manifest)
    if not manifest.topics:
        yield "it has no topic"
    for name, topic in manifest.topics.items():
        if not _is_name(name):
            yield f"{name[:_SHOWN]!r} is no name of a topic"
        if not _is_name(topic.id):
            yield f"{name}: {topic.id[:_SHOWN]!r} is no id of a topic"
        if len(topic.partitions) != manifest.partitions:
            yield f"{name} has {len(topic.partitions)} partitions, and the export {manifest.partitions}"
        for number, partition in enumerate(topic.partitions):
            for fault in misplaced(partition.span, partition.segments):
                yield f"{Place(name, number)}: {fault}"


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text not in {".", ".."}


def _odd_texts(manifest: Manifest) -> Iterator[str]:
    if not _is_name(manifest.cluster_id):
        yield f"cluster_id: {manifest.cluster_id[:_SHOWN]!r} is no id of a cluster"
    for what, text in {"made_by": manifest.made_by, "warning": manifest.warning}.items():
        if not text.isprintable():
            yield f"{what}: {text[:_SHOWN]!r} is no plain text"
    if any(not one.isprintable() for one in manifest.customers):
        yield "customers: one is no plain text"
    for what, at in {"made_at": manifest.made_at, "since": manifest.since, "until": manifest.until}.items():
        if at is not None and not is_time(at):
            yield f"{what}: {at[:_SHOWN]!r} is no time"


def is_time(text: str) -> bool:
    """Tell whether a text is an RFC 3339 time."""
    try:
        parse_rfc3339(text)
    except ValueError:
        return False
    return True


def misplaced(span: Span, segments: Iterable[Segment]) -> Iterator[str]:
    """Say which files of a partition cannot be, by what is said of them: they lie in its span one behind the other."""
    if span.end < span.begin:
        yield f"it ends at {span.end}, before it begins at {span.begin}"
    after = span.begin
    for one in segments:
        what = f"the file of the offsets from {one.begin} up to {one.end}"
        if not after <= one.begin < one.end <= span.end:
            yield f"{what} does not lie between {after} and {span.end}"
        if not 1 <= one.records <= one.end - one.begin:
            yield f"{what} cannot have {one.records} records"
        if one.last_ms < one.first_ms:
            yield f"{what} has its last time before its first"
        after = one.end
