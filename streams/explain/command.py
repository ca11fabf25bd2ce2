"""`txpush explain`: why a customer was contacted, or was not."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from schemas.times import rfc3339
from schemas.vendor import valid_identifier
from streams.exits import refuse
from streams.explain.asked import Asked, ExplainError
from streams.explain.run import explain as tell
from streams.explain.showing.page import page
from streams.explain.showing.progress import Bar
from streams.explain.showing.terminal import Screen
from streams.explain.story import Story
from streams.history import HistoryError
from streams.history.origins import origin_of
from streams.kafka.access import ClusterError
from streams.kafka.present import clock_of
from streams.kafka.refusals import keep_to_words
from streams.operate.letters import choosing
from streams.pseudonyms import Kind, Pseudonyms, kind_of
from streams.settings import read_settings

OWN_KEY = (
    "the names in it are under a key that was made up for this run, so the next one has others: set "
    "TXPUSH_PSEUDONYM_KEYS to have them stay the same"
)
PRIVATE = 0o600
"""Of a page: it is about a customer."""


class Moment(choosing.Moment):
    """A time: RFC 3339, or a span back from now on the clock of the cluster."""

    def now(self) -> datetime:
        """Give the present, which is another one in a demonstration."""
        return clock_of(read_settings()).now()


class Identity(click.ParamType):
    """An id of the vendor's."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's signature
        """Read the id."""
        found = valid_identifier(value)
        if found is None:
            self.fail("an id has neither spaces nor slashes, and at most 64 characters", param, ctx)
        return found


@click.command()
@click.argument("customer", type=Identity())
@click.option("--account", "account_id", type=Identity(), metavar="ID", help="Only this account, with its login.")
@click.option("--at", type=Moment(), help="How things stood then: a time, or a span ago as 12h or 3d.")
@click.option("--from", "since", type=Moment(), help="Tell from then on: a time, or a span ago as 12h or 3d.")
@click.option(
    "--file",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Read an export, not the cluster: what `txpush export` has written.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; streams/explain/story.py describes it.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a page.")
@click.option("--pseudonyms", is_flag=True, help="Name nobody in clear, as for a customer who was forgotten.")
def explain(
    customer: str,
    *,
    account_id: str | None,
    at: datetime | None,
    since: datetime | None,
    folder: Path | None,
    html: Path | None,
    as_json: bool,
    pseudonyms: bool,
) -> None:
    """Tell one customer's story: what came, what was decided and why, what was sent, what came back.

    The answer comes first: who was contacted when and why it was allowed, and what was held back, and why. Only the
    partition of the customer is read, and nothing is written. What was recorded is told; where this release would have
    decided otherwise, that is said in its place. Somebody who was forgotten is shown by keyed hashes.

    Ends with 0, also where nothing is known of the customer, and with 2 when the topics cannot be read.

    \b
    Examples:
      txpush explain 7000000042
      txpush explain 7000000042 --account 5900000001 --from 30d
      txpush explain 7000000042 --at 2026-11-03T08:00:00Z
      txpush explain 7000000042 --file ./export-of-october
      txpush explain 7000000042 --json | jq -r '.summary.says[]'
      txpush explain 7000000042 --pseudonyms --html story.html
    """  # noqa: D301 - click wants the real character
    if at is not None and since is not None and since > at:
        refuse(f"--from {rfc3339(since)} is behind --at {rfc3339(at)}: change one of them")
    settings = read_settings()
    keep_to_words()
    names = Pseudonyms(settings.log_options("explain").keys)
    asked = Asked(customer, account_id, since, at)
    with Bar() as bar:
        story = _waited(tell(origin_of(settings, folder), asked, bar, names, is_hashed=pseudonyms))
    if html is not None:
        _write(html, page(story))
    if as_json:
        sys.stdout.write(f"{story.model_dump_json()}\n")
    elif html is None and not story.is_empty:
        _print(story)
    for line in _words(story, asked, names):
        click.echo(line, err=True)


def _waited(request: Coroutine[Any, Any, Story]) -> Story:
    try:
        return asyncio.run(request)
    except (ExplainError, HistoryError, ClusterError) as error:
        refuse(str(error))


def _print(story: Story) -> None:
    console = Console()
    for line in Screen(console.width).of(story):
        console.print(line, soft_wrap=True, highlight=False)


def _write(file: Path, document: str) -> None:
    """Write a page that only its owner can read."""
    try:
        with open(file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, PRIVATE)) as out:
            out.write(document)
    except OSError as error:
        refuse(f"{file} cannot be written: {error.strerror}; name a file in a folder that is there")
    click.echo(f"written to {file}", err=True)


def _words(story: Story, asked: Asked, names: Pseudonyms) -> list[str]:
    """Say what a story cannot: that there is none, and what to check."""
    lines = []
    if story.is_empty:
        whom = f"customer {story.customer}" if story.account is None else f"account {story.account} of {story.customer}"
        by_then = "" if asked.at is None else f" up to {rfc3339(asked.at)}"
        lines += [f"nothing in the log is about {whom}{by_then}", *story.notes]
        lines.append(f"see that the id is right, and that it should be in {story.origin}")
        lines += _if_pseudonym(asked.customer_id)
    if story.names == "hashed" and names.is_own:
        lines.append(OWN_KEY)
    return lines


def _if_pseudonym(given: str) -> Iterator[str]:
    """Say so where the id that was given is a name of the log: only a shared export knows somebody by one."""
    if (kind := kind_of(given)) is not None:
        yield (
            f"{given} is a pseudonym of {'an' if kind is Kind.ACCOUNT else 'a'} {kind.name.lower()}, and nobody gets "
            "back from it to an id: give the id of the customer; `txpush pseudonym ID` prints which names an id has"
        )
