"""`txpush topics`: create what is missing, and tell what differs from the contract."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from aiokafka.errors import KafkaError

from streams.exits import EXIT_NOTHING, EXIT_OK, EXIT_OTHERWISE
from streams.kafka import topics as contract
from streams.kafka.access import Access, ClusterError
from streams.settings import Settings, read_settings

T = TypeVar("T")


@click.group()
def topics() -> None:
    """Create and check the topics of the contract.

    \b
    Examples:
      txpush topics apply
      TXPUSH_PARTITIONS=3 TXPUSH_REPLICATION=1 txpush topics check
    """  # noqa: D301 - click wants the real character


@topics.command()
def apply() -> None:
    """Create the topics that are missing; those that exist are left as they are."""
    settings = read_settings()
    created = _run(settings, contract.apply(Access.of(settings), contract.Layout.of(settings)))
    click.echo("\n".join(f"created {name}" for name in created) or "nothing to create")


@topics.command()
def check() -> None:
    """List every difference from the contract; exits 1 when there is one."""
    settings = read_settings()
    problems = _run(settings, contract.check(Access.of(settings), contract.Layout.of(settings)))
    click.echo("\n".join(problems) or "all topics are as they should be")
    sys.exit(EXIT_OTHERWISE if problems else EXIT_OK)


def _run(settings: Settings, request: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(request)
    except contract.TopicsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_OTHERWISE)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
    except (KafkaError, OSError, TimeoutError) as error:
        sys.stderr.write(
            f"no broker answers at {settings.bootstrap}: {error}\nset TXPUSH_BOOTSTRAP, or start one: txpush kafka\n"
        )
    sys.exit(EXIT_NOTHING)
