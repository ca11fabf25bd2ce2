"""`txpush agent`: one worker process."""

from typing import NoReturn

import click


@click.command()
def agent() -> NoReturn:
    """Fold the inbound log into remediation commands, health, signals and an audit chain.

    Run as many workers as there are partitions; they share them. Give each a name of its own that stays the same after
    a restart (TXPUSH_INSTANCE), and restart it when it exits with 70: that is how it recovers. Ends within
    TXPUSH_SHUTDOWN_SECONDS of SIGTERM.

    \b
    Examples:
      TXPUSH_INSTANCE=agent-0 txpush agent
      faust -A streams.agent.app tables
    """  # noqa: D301 - click wants the real character
    from streams.agent.app import main  # noqa: PLC0415 - the application reads the settings when it is imported

    main()
