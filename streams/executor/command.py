"""`txpush executor`: the command."""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import TypeVar

import click

from streams.executor.process import run_process
from streams.executor.settings import ExecutorSettings
from streams.exits import EXIT_NOTHING
from streams.kafka.access import ClusterError
from streams.kafka.present import clock_of, require_cluster_if_there
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, SettingsError, read_settings
from streams.vendor import VendorSettings

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
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
    log_to_stderr()
    settings = read_settings()
    mine, vendor = needed(settings)
    _refuse_other_topics(settings)
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


def _refuse_other_topics(settings: Settings) -> None:
    """Exit where the topics do not fit; without a broker the pages say to try again, and later it is looked at."""
    try:
        silence = asyncio.run(require_cluster_if_there(settings, CHECK_SECONDS))
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_NOTHING)
    if silence is not None:
        log.warning("no broker answers at %s yet (%r): no link leads on until one does", settings.bootstrap, silence)
