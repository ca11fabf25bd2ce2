"""`txpush doctor`: the command."""

import asyncio
import sys
from collections.abc import Sequence

import click
import orjson
from rich.console import Console

from schemas.contract.channels import Component
from streams.doctor.findings import Checked, Status, worst
from streams.doctor.run import examine, without_settings
from streams.doctor.scope import COMPONENTS, Scope
from streams.doctor.telling import as_lines, as_object, as_table, summary
from streams.exits import EXIT_NOTHING, EXIT_OK, EXIT_OTHERWISE
from streams.settings import SettingsError, read_settings


@click.command(name="doctor")
@click.option(
    "--component",
    "components",
    multiple=True,
    type=click.Choice([str(component) for component in COMPONENTS]),
    help="Whom this environment is for; several times for several.  [default: look at all there is to see]",
)
@click.option(
    "--admin", "admin", multiple=True, metavar="URL", help="Admin port of a running process, to be asked too."
)
@click.option("--authenticate", is_flag=True, help="Show the vendor our credentials, once, through the gate.")
@click.option("--json", "as_json", is_flag=True, help="Print one object of JSON.")
def doctor(components: tuple[str, ...], admin: tuple[str, ...], *, authenticate: bool, as_json: bool) -> None:
    """Say what is wrong with this environment, and what to do next.

    Looks at the settings, the brokers, the topics, this user's rights, the clock, the vendor, the signing keys, the
    policy, the disk, the lag, paused partitions and dead letters. It only reads: no record is written, no group is
    joined, no offset moved; what this user may not see is left out, and said to be. Only --authenticate writes, to the
    gate before the credentials, as every call of the vendor does. A terminal gets a table, a pipe a line a finding.

    Exits 0 when nothing is wrong, 1 when something is, 2 when the settings cannot be used.

    \b
    Examples:
      txpush doctor
      txpush doctor --component agent --admin http://127.0.0.1:9102
      txpush doctor | grep ^wrong
      txpush doctor --json | jq '.checks[] | select(.status == "wrong")'
    """  # noqa: D301 - click wants the real character
    try:
        settings = read_settings()
    except SettingsError as error:
        _tell(without_settings(error), as_json=as_json)
        sys.exit(EXIT_NOTHING)
    scope = Scope(settings, frozenset(map(Component, components)), admin, authenticate)
    found = asyncio.run(examine(scope))
    _tell(found, as_json=as_json)
    sys.exit(EXIT_OTHERWISE if worst(one.status for one in found) is Status.WRONG else EXIT_OK)


def _tell(found: Sequence[Checked], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(as_object(found), option=orjson.OPT_INDENT_2))
        return
    if sys.stdout.isatty():
        Console().print(as_table(found))
    else:
        click.echo("\n".join(as_lines(found)))
    click.echo(summary(found), err=True)
