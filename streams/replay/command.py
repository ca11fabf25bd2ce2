"""`txpush replay`: the command."""

import asyncio
import gc
import logging
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from schemas.policy import Policy, PolicyError
from schemas.times import parse_rfc3339
from schemas.vendor import valid_identifier
from streams.exits import EXIT_INTERRUPTED, refuse
from streams.history import HistoryError, Origin, Span
from streams.history.origins import FORMER, origin_of
from streams.history.private import private_files
from streams.observe.logs import log_to_stderr
from streams.pool import cores
from streams.progress import Told
from streams.pseudonyms import KEY_BYTES
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.report.page import page
from streams.replay.report.table import show
from streams.replay.run import How, run
from streams.replay.summary import Summary
from streams.replay.task import Links
from streams.replay.work import COLLECT_OBJECTS
from streams.settings import Settings, read_settings

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class Moment(click.ParamType):
    """A time as RFC 3339."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's signature
        """Read the time."""
        try:
            return parse_rfc3339(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write RFC 3339, as 2026-11-01T03:00:00Z", param, ctx)


class Offsets(click.ParamType):
    """Offsets of a partition, as `3:1000-2000`, the last one included."""

    name = "partition:from-to"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, Span]:  # noqa: ANN401 - click's signature
        """Read them."""
        partition, colon, offsets = str(value).partition(":")
        first, dash, last = offsets.partition("-")
        if not (colon and dash and all(part.isdecimal() for part in (partition, first, last))):
            self.fail(f"{value!r}: write partition, first and last offset, as 3:1000-2000", param, ctx)
        return int(partition), Span(int(first), int(last) + 1)


class Customer(click.ParamType):
    """A customer's id."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's signature
        """Read the id."""
        found = valid_identifier(value)
        if found is None:
            self.fail(f"{value!r} is no id of a customer: it has up to 64 printable characters", param, ctx)
        return found


@click.command()
@click.option("--from", "since", type=Moment(), help="Compare from then on; what came before leads up to the state.")
@click.option("--until", type=Moment(), help="Compare up to then, and not what is of that very time.")
@click.option("--offsets", type=Offsets(), multiple=True, help="Compare these of the inbound log; may be repeated.")
@click.option("--customer", "customers", type=Customer(), multiple=True, help="Compare this one's; may be repeated.")
@click.option("--policy", metavar="FILE", type=Path, help="See what this policy would have led to.")
@click.option("--file", "folder", type=click.Path(path_type=Path), help="Read an export in place of the cluster.")
@click.option("--snapshot", "snapshots", type=FOLDER, help="Go on from the snapshots of this folder.")
@FORMER
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; as many as there are cores by default.")
@click.option("--jsonl", type=FILE, help="Write every difference, a JSON object a line.")
@click.option("--html", type=FILE, help="Write a page with charts, for a meeting.")
@click.option("--pseudonyms", is_flag=True, help="Name no customer in clear.")
def replay(
    *,
    since: datetime | None,
    until: datetime | None,
    offsets: Sequence[tuple[int, Span]],
    customers: Sequence[str],
    policy: Path | None,
    folder: Path | None,
    snapshots: Path | None,
    former: tuple[str, ...],
    jobs: int | None,
    jsonl: Path | None,
    html: Path | None,
    pseudonyms: bool,
) -> None:
    """Derive decisions again from the logs, and compare them with those that are recorded.

    Both agents' logs are folded from their beginning, under the rules that they put in force. Every decision is held
    against its audit record, every command, lookup and ticket against its message: to the byte, and with their links
    where TXPUSH_LINK_KEYS and TXPUSH_LINK_URL are those of the agent. Nothing is written but files, no group is joined.

    With --policy what is compared is derived under that one instead of those that were in force, and its commands are
    held against those that went out. Customers are replayed with the incidents that were announced, institutions with
    the signals that were sent.

    With --snapshot what is compared begins with the last snapshot, or what leads up to --from does. One that is not of
    this log, that the log has not announced or that the chain does not go on from is refused.

    With --former chains may have begun on another cluster, as those of a restored one have.

    Exits 0 when all is the same, 1 when something differs, 2 when not all could be replayed, or there was nothing to.

    \b
    Examples:
      txpush replay
      txpush replay --from 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z
      txpush replay --customer 7000000042
      txpush replay --from 2026-11-01T00:00:00Z --policy relapses-3.toml --html page.html
      txpush replay --offsets 3:1000-2000 --jsonl differences.jsonl
      txpush replay --file backup/2026-11-28
      txpush replay --snapshot snapshots --from 2026-11-27T00:00:00Z
    """  # noqa: D301 - click wants the real character
    if offsets and (since or until or customers):
        raise click.UsageError("--offsets goes with neither --from, --until nor --customer")
    settings = begun()
    other = None if policy is None else policy_of(policy)
    asked = Asked(since, until, dict(offsets), frozenset(customers), links_of(settings), other, snapshots, former)
    how = How(jobs or cores(), naming_of(settings, hides_all=pseudonyms), jsonl)
    origin = origin_of(settings, folder)
    end(replayed(origin, asked, how), origin, html)


def begun() -> Settings:
    """Read the settings, and have the process be one that replays: it says nothing but what it is asked for."""
    settings = read_settings()
    log_to_stderr(settings.log_options("replay", at_least=logging.CRITICAL))
    gc.set_threshold(COLLECT_OBJECTS)
    return settings


def replayed(origin: Origin, asked: Asked, how: How) -> Summary:
    """Replay, or end with why it cannot be done."""
    try:
        with ending_at_sigterm(), private_files(), Told("replay", unit="records", goes=True) as told:
            outcomes = asyncio.run(run(origin, asked, how, told.add))
    except HistoryError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{error}: look at the disk, and at the file that was asked for")
    except KeyboardInterrupt:
        refuse("interrupted before all was compared", EXIT_INTERRUPTED)
    return Summary.of(outcomes, is_all=asked.is_all, policy=asked.policy)


@contextmanager
def ending_at_sigterm() -> Iterator[None]:
    """Have SIGTERM end the process in order: files of differences name customers, and go with it."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end(summary: Summary, origin: Origin, html: Path | None) -> NoReturn:
    """Show what came of it, on a page as well where one was asked for, and end by that."""
    show(summary, Console())
    if html is not None:
        write_page(html, page(summary, str(origin)))
    sys.exit(summary.exit_code)


def policy_of(file: Path) -> Policy:
    """Read the other policy, or end with what is wrong with it."""
    try:
        return Policy.load(file)
    except PolicyError as error:
        refuse(str(error))


def write_page(file: Path, text: str) -> None:
    """Write the page, or end with why it cannot be written; what was printed holds all the same."""
    try:
        with private_files():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        refuse(f"{file} cannot be written: {error.strerror}; give another place with --html")


def links_of(settings: Settings) -> Links | None:
    """Give what live makes links of; None where we are not told."""
    if settings.link_url is None or not settings.link_keys:
        return None
    return Links(tuple(bytes.fromhex(key.get_secret_value()) for key in settings.link_keys), settings.link_url)


def naming_of(settings: Settings, *, hides_all: bool) -> Naming:
    """Give the keys of names, made up where there are none."""
    keys = tuple(bytes.fromhex(key.get_secret_value()) for key in settings.pseudonym_keys)
    return Naming(keys or (secrets.token_bytes(KEY_BYTES),), hides_all)
