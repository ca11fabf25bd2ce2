"""Where a history is: on the cluster of the settings, or in the folder of an export."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import msgspec

from schemas.problems import UNREADABLE
from streams.history.cluster import ClusterOrigin
from streams.history.exports.files import read_bounded
from streams.history.exports.history import ExportOrigin
from streams.history.history import HistoryError, Origin
from streams.kafka.access import Access
from streams.settings import Settings

RESTORED_BYTES = 1 << 20
"""Far above what an import writes into `restored.json`."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}/[A-Za-z0-9._-]{1,249}")


class _Restored(msgspec.Struct):
    """What an import has written of the chains: by log, the name that each began with."""

    chains: dict[str, str]


def former_names(_: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Give the names of logs that were given, and those of each file that an import has left.

    Raises:
        click.BadParameter: one is neither; says what to give.
    """
    found: list[str] = []
    for value in values:
        found += _names_in(Path(value), param) if value.endswith(".json") else [value]
    for one in found:
        if not _NAME.fullmatch(one):
            raise click.BadParameter(
                f"{one[:80]!r} is no name of a log: give the restored.json of the import, or CLUSTER/TOPIC, the ids of "
                "both, as that file has them",
                param=param,
            )
    return tuple(dict.fromkeys(found))


def _names_in(path: Path, param: click.Parameter) -> Iterable[str]:
    try:
        written = read_bounded(path.parent, path, RESTORED_BYTES)
        return msgspec.json.decode(written, type=_Restored).chains.values()
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be read: {error.strerror}", param=param) from error
    except (HistoryError, *UNREADABLE) as error:
        raise click.BadParameter(f"{path} is no restored.json of an import: {error}", param=param) from error


FORMER = click.option(
    "--former",
    multiple=True,
    metavar="CLUSTER/TOPIC|FILE",
    callback=former_names,
    help="Ids that a log had before it was restored, or the restored.json of the import; repeat it.",
)
"""The option of commands that follow audit chains; see `streams.history.chains`."""


def origin_of(settings: Settings, folder: Path | None = None) -> Origin:
    """Give the export in a folder, or without one the cluster that the settings lead to."""
    return ClusterOrigin(Access.of(settings)) if folder is None else ExportOrigin(folder)
