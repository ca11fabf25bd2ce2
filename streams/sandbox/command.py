"""`txpush sandbox`: the command."""

import asyncio
import logging
import sys

import click
import uvloop

from streams.clock import WallClock
from streams.exits import asked_by_signals
from streams.observe.logs import log_to_stderr
from streams.ports import SANDBOX, PortError, ToldBy, refuse_port
from streams.sandbox.clock import AdvancingClock
from streams.sandbox.sandbox import Sandbox
from streams.sandbox.server import SandboxError, serving
from streams.sandbox.settings import SandboxSettings
from streams.settings import Settings, read_settings
from streams.signatures import Strategy


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, 0 for a free one.  [default: 8099]")
@click.option("--seed", help="Text that all keys, tokens and faults follow from.  [default: sandbox]")
@click.option("--any-port", is_flag=True, default=None, help="Call listeners of other machines on any port.")
def sandbox(host: str | None, port: int | None, seed: str | None, *, any_port: bool | None) -> None:
    """Stand in for the vendor: API, hosted page, signed webhooks, nights; nothing is kept after the end.

    Takes the partner of TXPUSH_PARTNER_ID, TXPUSH_PARTNER_SECRETS and TXPUSH_APP_KEY, so that clients with the same
    settings get in; without them sandbox-partner, sandbox-secret-1 and sandbox-app-key. Whoever can reach the port can
    do everything: keep it on this machine. With TXPUSH_CLOCK it follows that clock, else its own can be moved on.

    \b
    Examples:
      txpush sandbox
      TXPUSH_VENDOR_URL=http://127.0.0.1:8099 txpush bridge
      curl -X POST http://127.0.0.1:8099/sandbox/clock -d '{"seconds": 86400}'
    """  # noqa: D301 - click wants the real character
    settings = read_settings(sandbox_host=host, sandbox_port=port, sandbox_seed=seed, sandbox_any_port=any_port)
    log_to_stderr(settings.log_options("sandbox", at_least=logging.WARNING))
    told_by = ToldBy(SANDBOX.port if port is None else "--port", SANDBOX.host if host is None else "--host")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, told_by))
    except PortError as error:
        sys.exit(refuse_port("the sandbox", error))
    except SandboxError as error:
        raise click.ClickException(str(error)) from error


async def _serve(settings: Settings, told_by: ToldBy) -> None:
    asked = asked_by_signals()
    stand_in = Sandbox(sandbox_settings(settings), settings.clock or AdvancingClock(WallClock()))
    async with serving(stand_in, settings.sandbox_host, settings.sandbox_port, told_by) as url:
        click.echo(url)
        click.echo(f"The sandbox is ready; its controls are at {url}/sandbox/. End it with Ctrl-C.", err=True)
        await asked.wait()


def sandbox_settings(settings: Settings) -> SandboxSettings:
    """Take what the sandbox needs from the settings of the process; what is not set is what everybody knows."""
    usual = SandboxSettings()
    secrets = [secret.get_secret_value() for secret in settings.partner_secrets]
    return SandboxSettings(
        partner_id=settings.partner_id or usual.partner_id,
        partner_secret=secrets[0] if secrets else usual.partner_secret,
        app_key=usual.app_key if settings.app_key is None else settings.app_key.get_secret_value(),
        seed=settings.sandbox_seed,
        signature_strategy=Strategy(settings.signature_strategy),
        any_port=settings.sandbox_any_port,
    )
