"""`txpush forget`: have a customer forgotten (R18)."""

import asyncio
import sys

import click
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.events import CustomerForgotten
from streams.exits import EXIT_OTHERWISE
from streams.kafka.access import ClusterError
from streams.kafka.present import clock_of
from streams.operate import acts
from streams.operate.overrides.known import look_up
from streams.operate.overrides.scope import Scope
from streams.operate.telling import agreed, carry_out, refuse_data, run, signed
from streams.settings import Settings, SettingsError, read_settings
from streams.subscriptions.run import Done
from streams.subscriptions.telling import told
from streams.subscriptions.vendor import end_subscriptions


@click.command()
@click.argument("customer")
@signed
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(customer: str, by: str, reason: str, *, yes: bool) -> None:
    """Have a customer forgotten: what is open is withdrawn, the state is dropped, compacted topics lose the customer.

    Subscriptions of the customer's accounts are ended at the vendor, and their signing keys forgotten. There is no way
    back. The records of the logs go with their retention; `txpush snapshot` removes its own files with the customer at
    its next run, exports and copies are yours to delete. Ends with 0 when all is done, 1 when you say no or
    subscriptions are left (run it again: twice is as once), 2 when nothing could be written.

    \b
    Examples:
      txpush forget 7000000042 --by ann --reason "asked for it, case 4711"
      txpush forget 7000000042 --yes --by privacy-job --reason "contract ended"
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    try:
        data = CustomerForgotten(customer_id=customer, who=by, why=reason)
    except ValidationError as error:
        refuse_data(error, {"customer_id": "CUSTOMER", "who": "--by", "why": "--reason"})
    if (warning := run(settings, look_up(settings, Scope(customer))).warning) is not None:
        click.echo(warning, err=True)
    agreed(f"forget customer {customer} for good?", yes=yes)
    decided = f"customer {customer} is to be forgotten"
    carry_out(settings, acts.forget(data, clock_of(settings).now()), decided)
    click.echo("as soon as the agent reads it, it withdraws what is open and drops what it keeps of the customer")
    click.echo("exports of before have the customer still, and so have snapshots until their next run: see to copies")
    _unsubscribe(settings, customer)


def _unsubscribe(settings: Settings, customer: str) -> None:
    """End the subscriptions after the record: a vendor who is away must keep nobody from being forgotten."""
    try:
        report = asyncio.run(end_subscriptions(settings, customer))
    except (SettingsError, ClusterError, KafkaError, OSError, TimeoutError) as error:
        problem = str(error) if isinstance(error, SettingsError | ClusterError) else repr(error)
        sys.stderr.write(f"subscriptions may be left: {problem}\nmend that, then run the same again\n")
        sys.exit(EXIT_OTHERWISE)
    lines, is_whole = told(report, "subscriptions ended")
    if report.counts[Done.DONE] or report.counts[Done.GONE] or not is_whole:
        click.echo("\n".join(lines))
    if not is_whole:
        sys.exit(EXIT_OTHERWISE)
