"""`txpush pseudonym`: what the log calls somebody."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from schemas.vendor import valid_identifier
from streams.exits import refuse
from streams.history import Content, HistoryError
from streams.history.exports.history import ExportOrigin
from streams.history.exports.placed import placed
from streams.pseudonyms import Kind, Pseudonyms
from streams.settings import read_settings

NO_KEYS = (
    "TXPUSH_PSEUDONYM_KEYS is not set, so each process names people under a key that it makes up and tells nobody: "
    "give all processes, and this command, a key of `openssl rand -hex 32`"
)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--kind",
    type=click.Choice([kind.name.lower() for kind in Kind]),
    help="Print the names alone, of an id of this kind.",
)
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Print names as this export has them: customers may have a number behind theirs.",
)
def pseudonym(ids: tuple[str, ...], kind: str | None, folder: Path | None) -> None:
    """Print the name that the log has for a customer, an account or a login, to find the lines about it.

    Needs the TXPUSH_PSEUDONYM_KEYS that the processes have; under a second key it prints the older name too. With - ids
    are read from standard input, one a line, and so stay out of the shell's history. From a name nobody gets back to an
    id but by trying all ids under the key.

    Ends with 2 where the key is missing, an id is none, or the export cannot be read.

    \b
    Examples:
      txpush pseudonym 7000000042
      grep -F "$(txpush pseudonym --kind customer 7000000042)" agent.log
      txpush pseudonym --export shared/2026-11 7000000042
    """  # noqa: D301 - click wants the real character
    names = Pseudonyms(read_settings().log_options("pseudonym").keys)
    if names.is_own:
        refuse(NO_KEYS)
    kinds = list(Kind) if kind is None else [Kind[kind.upper()]]
    partitions = None if folder is None else _partitions(folder)
    for identity in _ids(ids):
        for one in kinds:
            for name in names.every_name(one, identity):
                told = name if partitions is None or one is not Kind.CUSTOMER else placed(name, identity, partitions)
                click.echo(f"{one.name.lower()} {told}" if kind is None else told)


def _partitions(folder: Path) -> int:
    try:
        export = ExportOrigin(folder).opened()
    except HistoryError as error:
        refuse(str(error))
    if export.content is Content.WHOLE:
        refuse(f"{folder} is a whole export: everybody has their id in it")
    return export.partitions


def _ids(told: tuple[str, ...]) -> Iterator[str]:
    lines = sys.stdin.read().split() if told == ("-",) else told
    for number, line in enumerate(lines, 1):
        if valid_identifier(line) is None:
            refuse(f"ID {number} is no id: it has neither spaces nor slashes, and at most 64 characters")
        yield line
