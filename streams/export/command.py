"""`txpush export`: the command."""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click
from aiokafka.errors import KafkaError

from schemas.times import parse_rfc3339, to_epoch_ms
from streams.clock import WallClock
from streams.exits import EXIT_NOTHING, EXIT_OTHERWISE, refuse
from streams.export.choices import Choices, ExportError, chosen_topics
from streams.export.cut import agents_at_work, uncommitted_ends
from streams.export.names.names import key_name
from streams.export.plan import PLAN
from streams.export.run import Run, require_all_state
from streams.export.workers import processes_for
from streams.history import Content, HistoryError
from streams.history.cluster import ClusterOrigin
from streams.history.exports.manifest import Manifest
from streams.history.private import private_files
from streams.kafka.access import Access, ClusterError
from streams.kafka.refusals import keep_to_words
from streams.observe.logs import log_to_stderr
from streams.settings import Settings, read_settings


def time_option(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read a time of an option."""
    try:
        return None if value is None else parse_rfc3339(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="This topic alone; may be repeated.")
@click.option("--from", "since", metavar="TIME", callback=time_option, help="From the first record of this time on.")
@click.option("--until", metavar="TIME", callback=time_option, help="Up to the first record of this time, not with it.")
@click.option("--customer", "customers", multiple=True, metavar="ID", help="Of this customer alone; may be repeated.")
@click.option("--whole", is_flag=True, help="Byte for byte, to be restored from: with links, and who was forgotten.")
@click.option("--pseudonymised", is_flag=True, help="To be shared: other names for customers, accounts and logins.")
@click.option("--secrets", is_flag=True, help="With txpush.subscriptions and vendor.auth, sealed as they are.")
@click.option("--processes", type=click.IntRange(1, 256), metavar="N", help="At once; a core each by default.")
def export(  # noqa: PLR0917 - options
    folder: Path,
    topics: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    customers: tuple[str, ...],
    processes: int | None,
    *,
    whole: bool,
    pseudonymised: bool,
    secrets: bool,
) -> None:
    """Write topics to FOLDER: compressed files with checksums, and a manifest, which is written last.

    `simulate FOLDER` reads it, and `explain`, `replay` and `audit verify` do with --file; streams/export/README.md has
    its form, and which of them can read which. Commands have no links in it, and customers who were forgotten have
    other names; --pseudonymised gives other names to everybody (TXPUSH_PSEUDONYM_KEYS), for sharing. --whole changes
    nothing and is what `txpush import` restores a cluster from: the agents have to rest until it says that the state is
    there.

    Only reads. A second run goes on where the first was stopped. Ends with 0 when all is there, 1 when it stopped in
    the middle, 2 when nothing could be begun.

    \b
    Examples:
      txpush export shared/2026-11 --from 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z --pseudonymised
      txpush export case-4711 --customer 7000000042
      txpush export backup/2026-11-28 --whole --secrets
      txpush simulate case-4711 --summary
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    log = settings.log_options("export", at_least=logging.WARNING)
    log_to_stderr(log)
    keep_to_words()
    try:
        choices = Choices(
            topics=chosen_topics(topics, secrets=secrets, until=until is not None),
            content=_content(whole=whole, pseudonymised=pseudonymised, secrets=secrets),
            since_ms=None if since is None else to_epoch_ms(since),
            until_ms=None if until is None else to_epoch_ms(until),
            customers=customers,
            names=key_name(log.keys[0]) if log.keys and not whole else "",
        )
        _check(choices, log.keys)
    except ExportError as error:
        _end(error, EXIT_NOTHING)
    manifest = _made(_run(settings, folder, choices, processes, log.keys))
    click.echo(told(folder, manifest))


def _made(run: Run) -> Manifest:
    try:
        with private_files():
            return run.go()
    except (ExportError, HistoryError, ClusterError, KafkaError, OSError) as error:
        _end(error, EXIT_OTHERWISE if (run.folder / PLAN).exists() else EXIT_NOTHING)
    except KeyboardInterrupt:
        if not (run.folder / PLAN).exists():
            raise
        refuse("interrupted: run the same again, and it goes on from there", EXIT_OTHERWISE)


def _content(*, whole: bool, pseudonymised: bool, secrets: bool) -> Content:
    if whole and pseudonymised:
        raise ExportError("--whole changes nothing and --pseudonymised every name: choose one")
    if secrets and not whole:
        raise ExportError("--secrets goes with --whole: their keys name accounts, and nobody else can use them")
    return Content.WHOLE if whole else Content.PSEUDONYMISED if pseudonymised else Content.STRIPPED


def _check(choices: Choices, keys: Sequence[bytes]) -> None:
    if choices.content is Content.WHOLE and (choices.customers or choices.until_ms is not None):
        raise ExportError(
            "--whole goes with neither --customer nor --until: a cluster is restored as it is now, with everybody"
        )
    if choices.content is Content.PSEUDONYMISED and not keys:
        raise ExportError("--pseudonymised needs TXPUSH_PSEUDONYM_KEYS: make one with `openssl rand -hex 32`")
    require_all_state(choices)


def _run(settings: Settings, folder: Path, choices: Choices, processes: int | None, keys: Sequence[bytes]) -> Run:
    access = Access.of(settings)
    return Run(
        origin=ClusterOrigin(access),
        folder=folder,
        choices=choices,
        processes=processes_for(settings.partitions, processes),
        key=keys[0] if keys else b"",
        at=WallClock().now(),
        uncommitted=uncommitted_ends(access, settings.partitions),
        at_work=agents_at_work(access),
        say=_warn,
    )


def told(folder: Path, manifest: Manifest) -> str:
    """Say in a line what an export is."""
    segments = [
        segment
        for topic in manifest.topics.values()
        for partition in topic.partitions
        for segment in partition.segments
    ]
    records, size = sum(one.records for one in segments), sum(one.bytes for one in segments)
    return (
        f"{folder}: {records:,} records of {len(manifest.topics)} topics in {len(segments)} files, {size:,} bytes, "
        f"{manifest.content}, as of {manifest.made_at}"
    )


def _warn(text: str) -> None:
    click.echo(text, err=True)


def _end(error: Exception, code: int) -> NoReturn:
    said = str(error) or repr(error)
    if isinstance(error, OSError) and error.filename is not None:
        said = f"{error.filename}: {error.strerror}; name a folder that can be written to"
    refuse(said, code)
