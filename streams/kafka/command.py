"""`txpush topics`: create what is missing, tell what differs from the contract, and say who may do what."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from aiokafka.errors import KafkaError

from streams.exits import EXIT_NOTHING, EXIT_OK, EXIT_OTHERWISE
from streams.groups import Commands
from streams.kafka import applied
from streams.kafka import topics as contract
from streams.kafka.access import Access, ClusterError
from streams.kafka.acls import cluster as acl_cluster
from streams.kafka.acls import script as acl_script
from streams.kafka.acls import users as acl_users
from streams.kafka.refusals import keep_to_words, unanswered
from streams.settings import Settings, read_settings

T = TypeVar("T")


@click.group(cls=Commands)
def topics() -> None:
    """Create and check the topics of the contract, and the ACLs on them.

    \b
    Examples:
      txpush topics apply
      TXPUSH_PARTITIONS=3 TXPUSH_REPLICATION=1 txpush topics check
      txpush topics acls --apply
    """  # noqa: D301 - click wants the real character


@topics.command()
def apply() -> None:
    """Create the topics that are missing; those that exist are left as they are.

    Where they have another number of partitions than TXPUSH_PARTITIONS says nothing is created, and it ends with 2.
    `txpush topics check` tells whatever else is not as it should be.
    """
    settings = read_settings()
    created = _run(settings, _applied(Access.of(settings), contract.Layout.of(settings)))
    click.echo("\n".join(f"created {name}" for name in created) or "nothing to create")


async def _applied(access: Access, layout: contract.Layout) -> list[str]:
    """Create what is missing beside topics of as many partitions; of different numbers no process would start."""
    there = await applied.topics_there(access)
    if others := applied.partitions_of(there) - {0, layout.partitions}:  # 0: not there yet, or not any more
        found, remedy = " and ".join(map(str, sorted(others))), applied.partitions_remedy(min(others))
        raise ClusterError(
            f"there are topics with {found} partitions, not {layout.partitions}: nothing was created\n"
            f"partitions are for life: {remedy}; `txpush topics check` tells them by name"
        )
    return await applied.apply(access, layout, there)


@topics.command()
def check() -> None:
    """List every difference from the contract; exits 1 when there is one."""
    settings = read_settings()
    problems = _run(settings, applied.check(Access.of(settings), contract.Layout.of(settings)))
    click.echo("\n".join(problems) or "all topics are as they should be")
    sys.exit(EXIT_OTHERWISE if problems else EXIT_OK)


@topics.command()
@click.option(
    "--user",
    "named",
    multiple=True,
    metavar="COMPONENT=PRINCIPAL",
    help="Who runs a component, several times for several.  [default: User:txpush-COMPONENT]",
)
@click.option("--apply", "applies", is_flag=True, help="Put them in force, in place of printing them.")
@click.option("--check", "checks", is_flag=True, help="List what the cluster allows otherwise; exits 1 when it does.")
def acls(named: tuple[str, ...], *, applies: bool, checks: bool) -> None:
    """Print the ACLs under which each component does its work and nothing else, as a script for kafka-acls.sh.

    Components are bridge, agent, institutions, executor, sweep, canary, operator (policy, override, dead-letter,
    forget, subscribe, vendor), auditor (reads all, writes nothing), snapshot (reads both logs and the audit, and says
    in the logs what their states are) and downstream (services that read commands, in groups that begin with their
    name). Needs a user who may alter ACLs, but not to print.

    \b
    Examples:
      txpush topics acls > acls.sh
      txpush topics acls --user downstream=User:mailer --user downstream=User:ticket-opener --apply
      txpush topics acls --user "agent=User:CN=agent,O=Example" --check
    """  # noqa: D301 - click wants the real character
    try:
        users = acl_users.users(named)
    except acl_users.UserError as error:
        raise click.UsageError(str(error)) from error
    if applies:
        settings = read_settings()
        count = _run(settings, acl_cluster.apply(Access.of(settings), users))
        click.echo(f"{count} rights of {len(users)} users are in force")
    if checks:
        settings = read_settings()
        problems = _run(settings, acl_cluster.check(Access.of(settings), users))
        click.echo("\n".join(problems) or "every user may do its work and nothing else")
        sys.exit(EXIT_OTHERWISE if problems else EXIT_OK)
    if not applies:
        click.echo("\n".join(acl_script.lines(users)))


def _run(settings: Settings, request: Coroutine[Any, Any, T]) -> T:
    keep_to_words()
    try:
        return asyncio.run(request)
    except applied.TopicsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_OTHERWISE)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
    except (KafkaError, OSError, TimeoutError) as error:
        sys.stderr.write(f"{unanswered(Access.of(settings), error)}\n")
    sys.exit(EXIT_NOTHING)
