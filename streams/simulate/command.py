"""`txpush simulate`: what the events of a file would have led to, without Kafka."""

import gc
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from schemas.catalogue import Catalogue
from schemas.policy import Policy, PolicyError
from streams.exits import EXIT_NOTHING, drop_output
from streams.fold.inforce import InForce
from streams.observe.logs import LogOptions, log_to_stderr
from streams.simulate.files import STANDARD_INPUT, UnreadableFile
from streams.simulate.lines import UnreadableLine, read_time
from streams.simulate.run import events_of, run, up_to
from streams.simulate.simulation import Simulation
from streams.simulate.summary import Summary

NOTES_SHOWN = 20
COLLECT_OBJECTS = 200_000
"""New objects between two looks for cycles: the customers have none, and walking them all takes its time."""


class ClosedOutput(ValueError):  # noqa: N818 - named for the output
    """The caller has closed standard output; nothing could be said."""


class Notes:
    """Says on standard error what live would put into the dead letter: the first ones, and how many there were."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, note: str) -> None:
        """Say it, unless much was said already."""
        self.count += 1
        if self.count <= NOTES_SHOWN:
            click.echo(f"set aside: {note}", err=True)

    def close(self) -> None:
        """Say how many more there were."""
        if self.count > NOTES_SHOWN:
            click.echo(f"set aside: {self.count - NOTES_SHOWN} more", err=True)


def _time(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    try:
        return None if value is None else read_time(value, "TIME")
    except UnreadableLine as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("file")
@click.option("--until", metavar="TIME", callback=_time, help="End then, inclusive, not with the last event.")
@click.option("--policy", metavar="FILE", type=Path, help="Decide by this policy from first to last.")
@click.option("--summary", is_flag=True, help="Print a table instead of the messages.")
def simulate(file: str, until: datetime | None, policy: Path | None, *, summary: bool) -> None:
    """Print what the events of FILE would have led to: agent, institution agent and timers on a virtual clock.

    FILE has a JSON object a line, gzip or not; - is standard input. Events are CloudEvents in structured mode; raw
    traffic is {"received_at": ..., "source": "txpush", "connect", "api" or "operator", "body": ...}. Or FILE is the
    folder of an export, of which the inbound log is read, by time. Commands, tickets and lookups come out in order, as
    CloudEvents in structured mode. Incidents are derived from raw traffic; from events they are taken as recorded.
    `policy.activated` in FILE changes the rules, unless --policy is given.

    Exits 0; 2 with file and line when FILE cannot be read; 1 when the output cannot be written.

    \b
    Examples:
      txpush simulate events.jsonl
      txpush simulate capture.jsonl.gz --until 2026-12-01T00:00:00Z --summary
      txpush simulate exported/2026-11 --policy stricter.toml --summary
      txpush simulate events.jsonl --policy stricter.toml | jq -c '[.time, .type, .data.action]'
      kcat -C -t raw -e | txpush simulate -
    """  # noqa: D301 - click wants the real character
    gc.set_threshold(COLLECT_OBJECTS)
    log_to_stderr(LogOptions("simulate", level=logging.WARNING))
    try:
        if sys.stdout is None:
            raise ClosedOutput("standard output is closed; let it go to a file, a pipe or /dev/null")  # noqa: TRY301 - refused as the others
        in_force = InForce.of(Policy.load(policy), Catalogue.load())
        simulation = Simulation(in_force, follows_activations=policy is None)
        _print(simulation, file, until, summary=summary)
    except (ClosedOutput, PolicyError, UnreadableFile) as error:
        _refuse(error)
    except BrokenPipeError:
        drop_output()  # whoever reads has seen enough


def _refuse(error: ValueError) -> NoReturn:
    if sys.stdout is not None:
        sys.stdout.flush()
    click.echo(str(error), err=True)
    sys.exit(EXIT_NOTHING)


def _print(simulation: Simulation, file: str, until: datetime | None, *, summary: bool) -> None:
    notes, counted, out = Notes(), Summary(), sys.stdout.buffer
    try:
        events = up_to(until, events_of(file, simulation, notes.add))
        for message in run(simulation, map(counted.hear, events), until):
            if summary:
                counted.add(message)
            else:
                out.write(message.line())
                if file == STANDARD_INPUT:
                    out.flush()
        out.flush()
    finally:
        for aside in simulation.take_asides():
            notes.add(f"{file}: {aside}")
        notes.close()
    if summary:
        click.echo(counted.headline(simulation.clock, notes.count))
        Console().print(counted.table())
