"""`txpush sweep`: the command."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import NoReturn

import click
import uvloop
from aiokafka.errors import KafkaError

from schemas.vendor import valid_identifier
from streams.exits import EXIT_OTHERWISE, refuse
from streams.kafka.access import Access, ClusterError
from streams.kafka.refusals import keep_to_words, start_one
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, read_settings
from streams.subscriptions.choice import ChoiceError, lines_in
from streams.sweep.process import Options, sweep_all
from streams.sweep.report import Report, told
from streams.sweep.resume import StateError, write_whole

EXIT_STOPPED = 3
MAX_FAULTS = 10
"""Faulty lines of a file that are told at once."""


@click.command()
@click.option(
    "--customers", "listed", type=click.Path(path_type=Path), help="More customers to read, one id a line; - is stdin."
)
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="Keep here how far it is, and go on.")
@click.option("--dry-run", is_flag=True, help="Print the events, one a line, and publish nothing.")
@click.option("--report", "written", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JSON.")
@click.option("--at-once", type=click.IntRange(1, 20), default=8, show_default=True, help="Customers read at once.")
@click.option(
    "--max-deletions",
    type=click.IntRange(min=0),
    help="Deletions to be told of, at most; by default 1 % of the known accounts, at least 20.",
)
def sweep(
    listed: Path | None,
    state: Path | None,
    written: Path | None,
    at_once: int,
    max_deletions: int | None,
    *,
    dry_run: bool,
) -> None:
    """Read the accounts of all known customers at the vendor, and publish what differs from account.health.

    For what was lost while the bridge was away for over six hours: the vendor tells nobody again. An account that was
    never heard of before and fails for two days already opens its case without contact (R17). Needs the vendor's
    settings, TXPUSH_APP_KEY and on; TXPUSH_VENDOR_PER_SECOND bounds the calls.

    Ends with 0 when all customers were read, 1 when some could not be, 2 when it could not begin, 3 when it was stopped
    before all were read; after 1 and 3 the same command goes on, if it has --state.

    \b
    Examples:
      txpush sweep --state sweep.json
      txpush sweep --dry-run | txpush simulate - --summary
      txpush sweep --customers all-customers.txt --state first.json --report first-report.json
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    at_least = logging.ERROR if sys.stderr.isatty() else logging.DEBUG  # a bar says the same on a terminal
    log_to_stderr(settings.log_options("sweep", at_least=at_least))
    keep_to_words()
    named = frozenset[str]() if listed is None else _customers(listed)
    options = Options(named, state, dry_run, at_once, max_deletions)
    report = _swept(settings, options)
    for line in told(report, is_dry=dry_run):
        click.echo(line, err=dry_run)
    if written is not None:
        _write(written, report)
    _end(report, state)


def _swept(settings: Settings, options: Options) -> Report:
    """Sweep, or end with why it cannot begin."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(sweep_all(settings, options))
    except (ClusterError, StateError) as error:
        refuse(str(error))
    except (KafkaError, OSError, TimeoutError) as error:
        refuse(f"Kafka at {settings.bootstrap} does not answer: {error}; {start_one(Access.of(settings))}")
    except KeyboardInterrupt:
        refuse("interrupted before anything was read", EXIT_STOPPED)


def _end(report: Report, state: Path | None) -> NoReturn:
    """End by how much was read, and say how to go on."""
    go_on = "run it again from the beginning; with --state it would go on" if state is None else "run the same to go on"
    if report.stopped is not None:
        refuse(f"stopped before all were read: {report.stopped}\n{go_on}", EXIT_STOPPED)
    if report.failed:
        refuse(f"{len(report.failed)} customers could not be read: {go_on}", EXIT_OTHERWISE)
    sys.exit(0)


def _customers(path: Path) -> frozenset[str]:
    """Read a file with one customer id a line; empty lines and those that begin with `#` are passed by."""
    try:
        text = lines_in(path, "one customer id a line")
    except ChoiceError as error:
        refuse(str(error))
    lines = [(number, line.strip()) for number, line in enumerate(text, 1)]
    ids = [(number, valid_identifier(line)) for number, line in lines if line and not line.startswith("#")]
    faults = [f"{path}:{number}: not a customer id" for number, one in ids if one is None]
    if faults:
        more = [f"and {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
        refuse("\n".join([*faults[:MAX_FAULTS], *more]))
    return frozenset(one for _, one in ids if one is not None)


def _write(path: Path, report: Report) -> None:
    try:
        write_whole(path, report.json())
    except OSError as error:
        click.echo(f"{path}: the report cannot be written: {error}", err=True)
