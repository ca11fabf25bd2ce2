"""`txpush bridge`: the command."""

import sys

import click
import httpx
from pydantic import SecretStr

from streams.bridge.checks import Signing
from streams.bridge.process import run_process
from streams.bridge.services.callers import Callers, CallersError, read_callers
from streams.bridge.settings import BridgeSettings
from streams.bridge.sources.address import Sources
from streams.bridge.workers import run_workers
from streams.clock import Clock, WallClock
from streams.exits import EXIT_NOTHING
from streams.kafka.access import Access
from streams.kafka.present import clock_of, refuse_other_cluster
from streams.kafka.topics import Layout
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, read_settings
from streams.signatures import Strategy


@click.command(name="bridge")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes on the same port, one per core.")
def bridge(workers: int | None) -> None:
    """Receive the vendor's notifications and answer 200 once they are in the log.

    Listens on plain HTTP behind a proxy that has the certificate; metrics and readiness are on the admin port. Callback
    URLs are /TOKEN/txpush and /TOKEN/connect, with a token of TXPUSH_CALLBACK_TOKENS. What the vendor did not sign is
    refused, for which TXPUSH_PUBLIC_URL, TXPUSH_PARTNER_SECRETS and TXPUSH_SEALING_KEYS are needed; with
    TXPUSH_SIGNATURES=log it is only counted. Services named in TXPUSH_CALLERS_FILE post events to /v1/events.

    \b
    Examples:
      TXPUSH_CALLBACK_TOKENS=$(openssl rand -hex 24) TXPUSH_SIGNATURES=log txpush bridge
      TXPUSH_PUBLIC_URL=https://hooks.example.com TXPUSH_SECRETS_DIR=/run/secrets txpush bridge --workers 2
    """  # noqa: D301 - click wants the real character
    settings = read_settings(bridge_workers=workers)
    log_to_stderr(settings.log_options("bridge"))
    try:
        wanted = bridge_settings(settings)
    except CallersError as error:
        sys.stderr.write(f"{error}\nmend TXPUSH_CALLERS_FILE, or unset it\n")
        sys.exit(EXIT_NOTHING)
    if _tell_problems(wanted):
        sys.exit(EXIT_NOTHING)
    refuse_other_cluster(settings, "answering 503")
    sys.exit(run_bridge(wanted, clock_of(settings)))


def _tell_problems(settings: BridgeSettings) -> bool:
    """Say everything that is wrong with the settings, and whether anything is."""
    problems = settings.problems()
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return bool(problems)


def bridge_settings(settings: Settings) -> BridgeSettings:
    """Take what the bridge needs from the settings of the process.

    Raises:
        CallersError: the file of the services cannot be used.
    """
    return BridgeSettings(
        bootstrap=Access.of(settings),
        tokens=_shown(settings.callback_tokens),
        host=settings.bridge_host,
        port=settings.bridge_port,
        admin_host=settings.admin_host,
        admin_port=settings.admin_port,
        max_body_bytes=settings.max_body_bytes,
        ack_deadline_seconds=settings.ack_seconds,
        retry_after_seconds=settings.retry_after_seconds,
        max_in_flight=settings.max_in_flight,
        max_held_bytes=settings.max_held_bytes,
        shutdown_seconds=settings.shutdown_seconds,
        workers=settings.bridge_workers,
        sources=Sources(settings.vendor_networks, settings.forwarded_hops, _shown(settings.proxy_secrets)),
        failures_per_minute=settings.failures_per_minute,
        signing=_signing(settings),
        callers=_callers(settings),
        layout=Layout.of(settings),
        log=settings.log_options("bridge"),
    )


def _signing(settings: Settings) -> Signing:
    return Signing(
        enforce=settings.signatures == "enforce",
        strategy=Strategy(settings.signature_strategy),
        host=None if settings.public_url is None else _host(settings.public_url),
        partner_secrets=_shown(settings.partner_secrets),
        sealing_keys=_shown(settings.sealing_keys),
    )


def _host(url: str) -> str:
    """Give the host as a client's Host header has it, which is what is signed: lower case, no default port, IDNA."""
    return httpx.URL(url).netloc.decode()


def _callers(settings: Settings) -> Callers:
    if settings.callers_file is None:
        return Callers()
    return read_callers(settings.callers_file, _shown(settings.proxy_secrets), settings.client_name_header)


def _shown(secrets: tuple[SecretStr, ...]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)


def run_bridge(settings: BridgeSettings, clock: Clock | None = None) -> int:
    """Serve until SIGTERM or SIGINT and give the exit code.

    0 orderly, 1 a part failed, 2 the settings do not hold or a port is taken, 70 the end took longer than
    `shutdown_seconds`.
    """
    if _tell_problems(settings):
        return EXIT_NOTHING
    run = run_process if settings.workers == 1 else run_workers
    return run(settings, clock or WallClock())
