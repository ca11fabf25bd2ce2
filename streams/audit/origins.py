"""Where what is proven is read from: a cluster, or a folder of files."""

from pathlib import Path
from typing import NoReturn

from streams.history import History, HistoryError, Origin
from streams.history.cluster import ClusterOrigin
from streams.kafka.access import Access
from streams.settings import Settings


def origin_of(settings: Settings, folder: Path | None) -> Origin:
    """Give the origin of a history; raises HistoryError where a folder is no export."""
    return ClusterOrigin(Access.of(settings)) if folder is None else _export(folder)


def _export(folder: Path) -> NoReturn:
    raise HistoryError(f"{folder}: this release reads no exports; leave --file out to read the cluster")


def is_altered(history: History) -> bool:
    """Tell whether names were replaced in what is read, so that hashes of records do not fit."""
    return bool(getattr(history, "is_pseudonymised", False))
