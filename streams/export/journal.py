"""The journal of a partition: a line for each of its files that is whole, for as long as the export is under way."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

import msgspec

from schemas.problems import UNREADABLE
from streams.export.choices import ExportError
from streams.history import Place, Span
from streams.history.exports.files import read_bounded, write_whole
from streams.history.exports.manifest import MANIFEST_BYTES, Segment, misplaced, segment_path
from streams.history.exports.segments import is_as_written

FINISHED = "finished.jsonl"


def line_of(segment: Segment) -> bytes:
    """Write the line of a file."""
    return msgspec.json.encode(segment) + b"\n"


def finished(folder: Path, place: Place, span: Span) -> list[Segment]:
    """Give the files of a partition that are whole, in order, as the journal has them.

    Raises:
        ExportError: the journal is damaged.
    """
    journal, found = _journal(folder, place), list(_read(folder, place, span))
    if _lines(found) != (journal.read_bytes() if journal.exists() else b""):
        raise ExportError(f"{journal}:{len(found) + 1} is damaged: run the same again, it makes that part anew")
    return found


def resumed(folder: Path, place: Place, span: Span) -> list[Segment]:
    """Give the files of a partition that are whole, in order, having read each.

    What comes behind a line or a file that is damaged or cut off is removed, to be made anew.

    Raises:
        HistoryError: something stands there that no export has made.
    """
    journal = _journal(folder, place)
    if not journal.parent.exists():
        return []
    found = list(takewhile(lambda one: is_as_written(folder, place, one), _read(folder, place, span)))
    if journal.exists() and _lines(found) != journal.read_bytes():
        write_whole(journal, _lines(found))
    kept = {segment_path(folder, place, one.begin) for one in found}
    for path in journal.parent.iterdir():
        if path.suffix in {".zst", ".part"} and path not in kept:
            path.unlink()
    return found


def sha256_of(folder: Path, spans: Mapping[Place, Span]) -> str:
    """Hash what is whole of some partitions, having read all of it; see `resumed` for what that removes and raises."""
    found = hashlib.sha256()
    for place, span in spans.items():
        found.update(b"%s\n%s" % (str(place).encode(), _lines(resumed(folder, place, span))))
    return found.hexdigest()


def _lines(segments: Sequence[Segment]) -> bytes:
    return b"".join(map(line_of, segments))


def _journal(folder: Path, place: Place) -> Path:
    return folder / place.topic / str(place.partition) / FINISHED


def _read(folder: Path, place: Place, span: Span) -> Iterator[Segment]:
    """Give what the journal says, up to the first line that cannot be."""
    before: list[Segment] = []
    try:
        for text in read_bounded(folder, _journal(folder, place), MANIFEST_BYTES).splitlines():
            before.append(msgspec.json.decode(text, type=Segment))
            if next(misplaced(span, before[-2:]), None) is not None:
                return
            yield before[-1]
    except (FileNotFoundError, *UNREADABLE):
        return
