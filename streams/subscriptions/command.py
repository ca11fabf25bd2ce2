"""`txpush subscribe` and `txpush unsubscribe`: the commands."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from aiokafka.errors import KafkaError

from streams.exits import EXIT_INTERRUPTED, EXIT_OTHERWISE, refuse
from streams.kafka.access import Access, ClusterError
from streams.kafka.present import clock_of, require_clock
from streams.kafka.refusals import keep_to_words, unanswered
from streams.settings import Settings, SettingsError, read_settings
from streams.subscriptions.book import Book, known_accounts
from streams.subscriptions.choice import ChoiceError, listed, named
from streams.subscriptions.held import Account
from streams.subscriptions.run import Report, Subscriber, each
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.telling import progress, told
from streams.subscriptions.vendor import vendor_of
from streams.vendor import VendorSettings

F = TypeVar("F", bound=Callable[..., Any])


def chosen(command: F) -> F:
    """Ask a command for the accounts that it is about."""
    ids = click.argument("ids", nargs=-1, metavar="[CUSTOMER ACCOUNT]")
    file = click.option(
        "--file", type=click.Path(path_type=Path), help="Accounts, one CUSTOMER,ACCOUNT a line; - reads standard input."
    )
    every = click.option("--all", "every", is_flag=True, help="All accounts that are known.")
    return ids(file(every(command)))


@click.command()
@chosen
@click.option("--renew", is_flag=True, help="Subscribe again also where the keys are known: for new keys.")
@click.option("--reseal", is_flag=True, help="Subscribe nobody: seal all keys with the first of TXPUSH_SEALING_KEYS.")
def subscribe(ids: tuple[str, ...], file: Path | None, *, every: bool, renew: bool, reseal: bool) -> None:
    """Have the vendor tell the bridge of changes of accounts (TxPUSH), and keep the signing keys, sealed.

    The bridge has to be reachable at TXPUSH_PUBLIC_URL: the vendor calls it first. --all takes the accounts of
    account.health. Accounts that are subscribed to the present callback URL are passed by, so that the same command
    goes on where it was interrupted, and subscribes anew after the path token has changed.

    Ends with 0 when all is done, 1 when accounts failed or the rest was not tried, 2 when nothing could be done.

    \b
    Examples:
      txpush subscribe 7000000042 5900000001
      txpush subscribe --file accounts.csv
      txpush subscribe --all --renew
      TXPUSH_SEALING_KEYS=NEW,OLD txpush subscribe --reseal
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    if reseal:
        _finish(settings, _resealed(_needed(settings, "sealing_keys")), "sealed")
    vendor = _needed(settings, "sealing_keys", "public_url", "callback_tokens", vendor=True)
    choice = _choice(ids, file, every=every)
    _finish(settings, _subscribed(vendor, choice, renew=renew), "subscribed")


@click.command()
@chosen
def unsubscribe(ids: tuple[str, ...], file: Path | None, *, every: bool) -> None:
    """End the subscriptions of accounts at the vendor, and forget their signing keys.

    --all takes the accounts that have keys. What is on its way is refused from then on. To have a customer forgotten
    altogether use `txpush forget`, which does this too.

    Ends with 0 when all is done, 1 when accounts failed or the rest was not tried, 2 when nothing could be done.

    \b
    Examples:
      txpush unsubscribe 7000000042 5900000001
      txpush unsubscribe --file accounts.csv
      txpush unsubscribe --all
    """  # noqa: D301 - click wants the real character
    settings = _needed(read_settings(), vendor=True)
    choice = _choice(ids, file, every=every)
    _finish(settings, _unsubscribed(settings, choice), "unsubscribed")


async def _subscribed(settings: Settings, choice: Sequence[Account] | None, *, renew: bool) -> Report:
    await require_clock(settings)
    accounts = await known_accounts(Access.of(settings)) if choice is None else choice
    callback = f"{settings.public_url}/{settings.callback_tokens[0].get_secret_value()}/txpush"
    async with Book(Access.of(settings), _sealing(settings)) as book, vendor_of(settings) as vendor:
        subscriber = Subscriber(vendor, book, callback, clock_of(settings), renew=renew)
        with progress("Subscribing", len(accounts)) as on_step:
            return await each(accounts, subscriber.subscribe, on_step)


async def _unsubscribed(settings: Settings, choice: Sequence[Account] | None) -> Report:
    async with Book(Access.of(settings)) as book, vendor_of(settings) as vendor:
        accounts = book.accounts() if choice is None else choice
        subscriber = Subscriber(vendor, book, "", clock_of(settings))
        with progress("Unsubscribing", len(accounts)) as on_step:
            return await each(accounts, subscriber.unsubscribe, on_step)


async def _resealed(settings: Settings) -> Report:
    async with Book(Access.of(settings), _sealing(settings)) as book:
        accounts = book.accounts()
        with progress("Sealing", len(accounts)) as on_step:
            return await each(accounts, book.reseal, on_step)


def _sealing(settings: Settings) -> Sealing:
    return Sealing([key.get_secret_value() for key in settings.sealing_keys])


def _needed(settings: Settings, *names: str, vendor: bool = False) -> Settings:
    """Give the settings, or end with all that is missing."""
    problems = [f"TXPUSH_{name.upper()}: needed to subscribe" for name in names if not getattr(settings, name)]
    if vendor:
        try:
            VendorSettings.of(settings)
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _choice(ids: tuple[str, ...], file: Path | None, *, every: bool) -> Sequence[Account] | None:
    """Give the accounts that are meant; None for all."""
    if [bool(ids), file is not None, every].count(True) != 1:
        raise click.UsageError("name one account by CUSTOMER and ACCOUNT, or give --file, or --all")
    try:
        if file is not None:
            return listed(file)
        if ids and len(ids) != 2:  # noqa: PLR2004 - a customer and an account
            raise click.UsageError("name one account by CUSTOMER and ACCOUNT")
        return None if every else named(*ids)
    except ChoiceError as error:
        refuse(str(error))


def _finish(settings: Settings, request: Coroutine[Any, Any, Report], word: str) -> NoReturn:
    """Wait for what was asked for, tell what became of it, and end."""
    keep_to_words()
    try:
        report = asyncio.run(request)
    except (KafkaError, OSError, TimeoutError) as error:
        refuse(unanswered(Access.of(settings), error, "; nothing was done"))
    except (ClusterError, LookupError) as error:
        refuse(f"{error}; nothing was done")
    except KeyboardInterrupt:
        refuse("interrupted: run the same again to go on", EXIT_INTERRUPTED)
    lines, is_whole = told(report, word)
    for line in lines:
        click.echo(line)
    sys.exit(0 if is_whole else EXIT_OTHERWISE)
