"""A folder of snapshots: which there are, by place and offset."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.history import HistoryError, Place

NAME = re.compile(r"([a-z.]+)-(\d{1,9})-(\d{1,19})\.jsonl\.zst")
DRAFT = ".part"


def path_of(folder: Path, place: Place, offset: int) -> Path:
    """Name the file of a snapshot."""
    return folder / f"{place.topic}-{place.partition}-{offset:019}.jsonl.zst"


def draft_of(path: Path) -> Path:
    """Name it as long as it is not announced."""
    return path.with_name(path.name + DRAFT)


def snapshots_in(folder: Path) -> Mapping[Place, Mapping[int, Path]]:
    """Give the files by place and offset, ascending.

    Raises:
        HistoryError: the folder cannot be read.
    """
    found: dict[Place, dict[int, Path]] = {}
    for path, match in _named(folder):
        found.setdefault(Place(match[1], int(match[2])), {})[int(match[3])] = path
    return {place: dict(sorted(paths.items())) for place, paths in found.items()}


def _named(folder: Path) -> Sequence[tuple[Path, re.Match[str]]]:
    try:
        return [(path, match) for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    except OSError as error:
        raise HistoryError(
            f"{folder}: snapshots cannot be read: {error.strerror}; name the folder that `txpush snapshot --to` has"
        ) from error


def latest_before(kept: Mapping[int, Path], offset: int) -> tuple[int, Path] | None:
    """Give the last snapshot at or before an offset."""
    return max(((at, path) for at, path in kept.items() if at <= offset), default=None)


def remove_drafts(folder: Path) -> None:
    """Remove what a process that died has left; raises OSError."""
    for path in folder.glob(f"*{DRAFT}"):
        if NAME.fullmatch(path.name.removesuffix(DRAFT)):
            path.unlink(missing_ok=True)
