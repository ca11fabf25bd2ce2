"""`txpush override show`: which overrides are in force for a customer, or for everybody."""

import sys
from collections.abc import Collection, Iterator, Sequence

import click
import msgspec
from rich.console import Console
from rich.table import Table

from schemas.times import rfc3339
from streams.exits import refuse
from streams.kafka.access import Access
from streams.kafka.present import clock_of
from streams.operate.overrides.holding import Holding, holdings, is_told, only
from streams.operate.overrides.scope import Scope
from streams.operate.overrides.snapshot import Snapshot, read_snapshot
from streams.operate.telling import read
from streams.settings import read_settings


@click.command()
@click.option("--customer", "customer_id", metavar="ID", help="A customer; without one, what holds for everybody.")
@click.option("--login", "login_id", metavar="ID", help="Only what bears on this login of the customer.")
@click.option("--account", "account_id", metavar="ID", help="Only what bears on this account of the customer.")
def show(customer_id: str | None, login_id: str | None, account_id: str | None) -> None:
    """List the overrides in force and those that wait to be read, with who decided them and why.

    A table on a terminal, else one JSON object a line. Ends with 0, also where there are none, and with 2 when they
    cannot be read.

    \b
    Examples:
      txpush override show
      txpush override show --customer 7000000042
      txpush override show --customer 7000000042 --account 5900000001 | jq -r .action
    """  # noqa: D301 - click wants the real character
    if customer_id is None and (login_id is not None or account_id is not None):
        refuse("--login and --account need --customer: ids of theirs are a customer's own")
    settings = read_settings()
    now = clock_of(settings).now()
    snapshot = read(
        settings,
        read_snapshot(
            Access.of(settings), settings.partitions, customer_id, lambda snapshot: is_told(snapshot, customer_id, now)
        ),
    )
    found = holdings(only(snapshot, login_id, account_id), customer_id, now)
    _print(found, settings.partitions if customer_id is None else 1)
    for line in _words(snapshot, found, Scope(customer_id, login_id, account_id)):
        click.echo(line, err=True)


def _print(found: Sequence[Holding], partitions: int) -> None:
    console = Console()
    if not console.is_terminal:
        for one in found:
            sys.stdout.write(f"{msgspec.json.encode(one).decode()}\n")
    elif found:
        console.print(_table(found, partitions))


def _table(found: Sequence[Holding], partitions: int) -> Table:
    table = Table("override", "about", "until", "decided", "by", "reason", "taken", box=None, pad_edge=False)
    for one in found:
        until = "" if one.until is None else rfc3339(one.until)
        decided = "not found in the log" if one.decided_at is None else rfc3339(one.decided_at)
        row = (one.action.replace("_", "-"), str(one.scope), until, decided, one.who or "", one.why or "")
        table.add_row(*row, _taken(one, partitions))
    return table


def _taken(one: Holding, partitions: int) -> str:
    """Say whether the agent goes by it."""
    if one.waits_at is not None:
        return f"waits to be read at offset {one.waits_at}"
    if len(one.partitions) < partitions:
        return f"on partitions {', '.join(map(str, one.partitions))} only"
    return "yes"


def _words(snapshot: Snapshot, found: Sequence[Holding], asked: Scope) -> Iterator[str]:
    """Say what a list cannot: that there is none, that an id is not known, that the log was not read to its end."""
    if not found:
        yield f"no override is in force for {asked}"
    if asked.customer_id is None:
        yield "those of single customers: name one with --customer"
        return
    if snapshot.customer is None:
        yield f"the agent knows nothing of customer {asked.customer_id}: see that the id is right"
    elif asked.account_id is not None and asked.account_id not in snapshot.accounts:
        yield f"the agent knows no account {asked.account_id} of the customer, only {_listed(snapshot.accounts)}"
    elif asked.institution_login_id is not None and asked.institution_login_id not in (known := _logins(snapshot)):
        yield f"the agent knows no login {asked.institution_login_id} of the customer, only {_listed(known)}"
    if any(one.decided_at is None for one in found) and not snapshot.is_whole:
        yield "who decided was not found in the part of the log that could be read back in time"


def _logins(snapshot: Snapshot) -> set[str]:
    return {*snapshot.logins, *(one.login_id for one in snapshot.accounts.values() if one.login_id is not None)}


def _listed(ids: Collection[str]) -> str:
    return ", ".join(sorted(ids)) or "none"
