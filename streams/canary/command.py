"""`txpush canary`: the command."""

import sys

import click

from streams.canary.process import CanarySettings, run_process
from streams.kafka.present import refuse_other_cluster
from streams.observe.logs import log_to_stderr
from streams.settings import read_settings


@click.command(name="canary")
def canary() -> None:
    """Send a sign of life through bridge, log and agent, each partition every minute, and say how long it took.

    It changes no state, and comes out on a topic of its own, which nobody reads who acts on commands. Its age is the
    first thing to look at, and to be woken by: metrics are on the admin port.

    \b
    Examples:
      TXPUSH_CANARY_URL=https://hooks.example.com TXPUSH_CANARY_TOKEN=... txpush canary
      TXPUSH_SECRETS_DIR=/run/secrets/txpush TXPUSH_ADMIN_PORT=9100 txpush canary
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    log_to_stderr(settings.log_options("canary"))
    mine = CanarySettings.of(settings)
    refuse_other_cluster(settings, "no canary comes out")
    sys.exit(run_process(mine))
