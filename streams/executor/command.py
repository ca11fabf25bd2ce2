"""`txpush executor`: the command."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from streams.executor.process import run_process
from streams.executor.settings import ExecutorSettings
from streams.kafka.present import clock_of, refuse_other_cluster
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, SettingsError, read_settings
from streams.vendor import VendorSettings

T = TypeVar("T")


@click.command(name="executor")
def executor() -> None:
    """Open customers' links at the vendor, and answer the agent's look-ups.

    Serves the addresses that stand in `fix_url` on plain HTTP behind a proxy that has the certificate and does not log
    paths; metrics and readiness are on the admin port. Run one or several; they share the look-ups.

    \b
    Examples:
      TXPUSH_LINK_URL=https://fix.example.com TXPUSH_PUBLIC_URL=https://hooks.example.com txpush executor
      TXPUSH_SECRETS_DIR=/run/secrets/txpush TXPUSH_INSTANCE=executor-0 txpush executor
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    log_to_stderr(settings.log_options("executor"))
    mine, vendor = needed(settings)
    refuse_other_cluster(settings, "no link leads on")
    sys.exit(run_process(mine, vendor, clock_of(settings)))


def needed(settings: Settings) -> tuple[ExecutorSettings, VendorSettings]:
    """Take what an executor needs from the settings.

    Raises:
        SettingsError: lists everything that is missing.
    """
    problems: list[str] = []
    mine, vendor = _tried(ExecutorSettings.of, settings, problems), _tried(VendorSettings.of, settings, problems)
    if mine is None or vendor is None:
        raise SettingsError("\n".join(problems))
    return mine, vendor


def _tried(take: Callable[[Settings], T], settings: Settings, problems: list[str]) -> T | None:
    try:
        return take(settings)
    except SettingsError as error:
        problems.append(str(error))
        return None
