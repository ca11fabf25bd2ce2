"""Where a history is: on the cluster of the settings, or in the folder of an export."""

from pathlib import Path

import click

from streams.history.cluster import ClusterOrigin
from streams.history.exports.history import ExportOrigin
from streams.history.history import Origin
from streams.kafka.access import Access
from streams.settings import Settings

FORMER = click.option(
    "--former", multiple=True, metavar="CLUSTER/TOPIC", help="Ids that a log had before it was restored; repeat it."
)
"""The option of commands that follow audit chains; see `streams.history.chains`."""


def origin_of(settings: Settings, folder: Path | None = None) -> Origin:
    """Give the export in a folder, or without one the cluster that the settings lead to."""
    return ClusterOrigin(Access.of(settings)) if folder is None else ExportOrigin(folder)
