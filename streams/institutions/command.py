"""`txpush institutions`: one worker process."""

from typing import NoReturn

import click


@click.command()
def institutions() -> NoReturn:
    """Fold the agents' signals into incidents and support tickets of institutions.

    Run as many workers as there are partitions; they share them. Give each a name of its own that stays the same after
    a restart (TXPUSH_INSTANCE), and restart it when it exits with 70: that is how it recovers. Ends within
    TXPUSH_SHUTDOWN_SECONDS of SIGTERM.

    \b
    Examples:
      TXPUSH_INSTANCE=institutions-0 txpush institutions
      faust -A streams.institutions.app tables
    """  # noqa: D301 - click wants the real character
    from streams.institutions.app import main  # noqa: PLC0415 - the application reads the settings when it is imported

    main()
