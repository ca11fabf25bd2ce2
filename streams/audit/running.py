"""How the commands of the audit begin, tell and end."""

import logging
import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from streams.audit import telling
from streams.audit.verify import Verdict
from streams.exits import EXIT_NOTHING, EXIT_OTHERWISE, refuse
from streams.kafka.refusals import keep_to_words
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, read_settings

PATIENCE_SECONDS = 35.0
"""How long a transaction may show its messages and not their decision, or the other way round: brokers end it in 30."""
WIDTH = 120
FILE = click.Path(path_type=Path, dir_okay=False)
CHECKPOINT = click.IntRange(min=1)
"""Number of a checkpoint."""
FOLDER = click.Path(path_type=Path, file_okay=False)


def begin() -> Settings:
    """Read the settings, and have the log on standard error, where a bar does not say the same."""
    settings, has_bar = read_settings(), sys.stderr is not None and sys.stderr.isatty()
    log_to_stderr(settings.log_options("audit", at_least=logging.ERROR if has_bar else logging.DEBUG))
    keep_to_words()
    return settings


def tell(verdict: Verdict, *, as_json: bool = False) -> None:
    """Print what came of a proof."""
    if as_json:
        click.echo(telling.as_json(verdict))
        return
    Console(width=None if sys.stdout.isatty() else WIDTH).print(telling.table_of(verdict))
    for line in telling.lines(verdict):
        click.echo(line)
    click.echo(telling.summary(verdict))


def code_of(verdict: Verdict) -> int:
    """Give the exit code: 0 whole, 1 not whole, 2 not read."""
    if verdict.faults:
        return EXIT_OTHERWISE
    return EXIT_NOTHING if verdict.failed else 0


def refuse_as_not_whole(message: str) -> NoReturn:
    """End with what is not as it was signed."""
    refuse(message, EXIT_OTHERWISE)
