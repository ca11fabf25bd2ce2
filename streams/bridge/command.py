"""`txpush bridge`: the command, for a command line that knows the settings."""

import sys

import click

from streams.bridge.process import run_process
from streams.bridge.settings import BridgeSettings
from streams.bridge.workers import run_workers
from streams.clock import Clock, WallClock

EXIT_USAGE = 2


@click.command(name="bridge")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes on the same port, one per core.")
@click.pass_obj
def bridge(settings: BridgeSettings, workers: int | None) -> None:
    """Receive the vendor's notifications and answer 200 once they are in the log.

    Listens on plain HTTP behind a proxy that has the certificate; metrics and readiness are on the admin port.

    \b
    Examples:
      txpush bridge
      txpush bridge --workers 2
    """  # noqa: D301 - click wants the real character
    sys.exit(run_bridge(settings if workers is None else settings.with_workers(workers)))


def run_bridge(settings: BridgeSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM or SIGINT and give the exit code.

    0 orderly, 1 a part failed, 2 the settings do not hold, 70 the end took longer than `shutdown_seconds`.
    """
    problems = settings.problems()
    if problems:
        sys.stderr.write("".join(f"bridge: {problem}\n" for problem in problems))
        return EXIT_USAGE
    run = run_process if settings.workers == 1 else run_workers
    return run(settings, clock or WallClock())
