"""`txpush vendor`: whether the vendor's credentials may be tried, and letting them be tried again."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from schemas.times import rfc3339, to_epoch_ms
from streams.clock import WallClock
from streams.exits import EXIT_OTHERWISE, refuse
from streams.groups import Commands
from streams.kafka.access import Access
from streams.kafka.refusals import keep_to_words
from streams.operate.telling import signed
from streams.settings import Settings, SettingsError, read_settings
from streams.vendor import KafkaGate, TryAgainError, VendorSettings
from streams.vendor.gate import ClaimGate, pair_of
from streams.vendor.gate.standing import Standing

T = TypeVar("T")

SHOWN = 8
"""Digits of a pair's name that tell it from others."""
RUN_SECONDS = 60.0


@click.group(cls=Commands)
def vendor() -> None:
    """See whether the vendor's credentials may be tried, and let them be tried again.

    Five refusals lock the partner, so a pair of credentials that was refused once is tried by no process any more,
    until the settings name another one or an operator resets it. Pairs are named by a hash.

    \b
    Examples:
      txpush vendor show
      txpush vendor reset --by ann --reason "the vendor had locked us and has unlocked us"
    """  # noqa: D301 - click wants the real character


@vendor.command()
def show() -> None:
    """List the pairs of credentials that were ever tried; ends with 1 where ours are not tried any more.

    \b
    Examples:
      txpush vendor show
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    ours = _ours(settings)
    pairs, now_ms = _run(settings, _read), to_epoch_ms(WallClock().now())
    for pair, standing in sorted(pairs.items()):
        click.echo(f"{pair[:SHOWN]}  {'ours' if pair == ours else 'other'}  {_told(standing, now_ms)}")
    if not pairs:
        click.echo("no credentials were tried yet")
    if ours in pairs and pairs[ours].closed(now_ms):
        click.echo(
            "ours are not tried any more: set TXPUSH_APP_KEY, TXPUSH_PARTNER_ID and TXPUSH_PARTNER_SECRETS right, or, "
            "if they are, run `txpush vendor reset`",
            err=True,
        )
        sys.exit(EXIT_OTHERWISE)


@vendor.command()
@click.argument("pair", required=False)
@signed
def reset(pair: str | None, by: str, reason: str) -> None:
    """Let credentials be tried again: those of the settings, or the PAIR that `show` names.

    Make sure first that they are right and that the partner is not locked: each attempt counts at the vendor.

    \b
    Examples:
      txpush vendor reset --by ann --reason "the vendor had locked us and has unlocked us"
      txpush vendor reset 1f0c9a2b --by ann --reason "the sandbox was set up anew"
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    wanted = pair or _ours(settings)
    if not wanted:
        refuse("the settings name no credentials: name the PAIR that `txpush vendor show` lists; nothing was written")

    async def write(gate: ClaimGate) -> str:
        found = [one for one in await _read(gate) if one.startswith(wanted)]
        if len(found) != 1:
            return ""
        await gate.reset(found[0], by, reason)
        return found[0]

    done = _run(settings, write)
    if not done:
        refuse(f"{wanted[:SHOWN]} is not one pair that was tried: see `txpush vendor show`; nothing was written")
    click.echo(f"{done[:SHOWN]} may be tried again, by processes that run already, too")


async def _read(gate: ClaimGate) -> dict[str, Standing]:
    await gate.caught_up()
    return {pair: standing for pair, standing in gate.pairs().items() if standing != Standing()}


def _ours(settings: Settings) -> str | None:
    """Name the credentials of the settings, where they have any."""
    try:
        own = VendorSettings.of(settings)
    except SettingsError:
        return None
    return pair_of(own.url, own.app_key, own.partner_id, own.partner_secret)


def _told(standing: Standing, now_ms: int) -> str:
    """Say how a pair stands in one line."""
    parts = [standing.closed(now_ms) or "may be tried"]
    if standing.refused is not None and standing.refused.entry.code is not None:
        parts.append(f"code {standing.refused.entry.code}")
    if standing.accepted is not None:
        parts.append(f"accepted {rfc3339(standing.accepted.at)}")
    if standing.reset is not None:
        entry = standing.reset.entry
        parts.append(f"reset {rfc3339(standing.reset.at)} by {entry.who}: {entry.why}")
    return "; ".join(parts)


def _run(settings: Settings, work: Callable[[ClaimGate], Awaitable[T]]) -> T:
    """Do something with the gate of the cluster, or end with what to do next."""

    async def with_gate() -> T:
        async with asyncio.timeout(RUN_SECONDS), KafkaGate(Access.of(settings), "operator") as gate:
            return await work(gate)

    keep_to_words()
    try:
        return asyncio.run(with_gate())
    except (TryAgainError, TimeoutError):
        refuse(
            f"vendor.auth cannot be read or written at {settings.bootstrap}\n"
            "set TXPUSH_BOOTSTRAP, start a broker, or run `txpush topics apply`; then see `txpush vendor show` first"
        )
