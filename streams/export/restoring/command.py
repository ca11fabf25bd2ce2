"""`txpush import`: the command."""

import logging
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from schemas.times import rfc3339, to_epoch_ms
from streams.clock import WallClock
from streams.exits import EXIT_OTHERWISE, refuse
from streams.export.choices import SECRET, ExportError
from streams.export.restoring.comparing import KEPT_MS, Compared
from streams.export.restoring.looking import Looking, too_long
from streams.export.restoring.partition import Restoring
from streams.export.workers import Outcome, Work, on_every_partition, processes_for
from streams.history import Content, HistoryError
from streams.history.cluster import ClusterOrigin
from streams.history.exports.files import write_whole
from streams.history.exports.manifest import Manifest, read_manifest
from streams.kafka.access import Access, ClusterError
from streams.kafka.applied import require
from streams.kafka.topics import EVENTS, SIGNALS, Layout, contract
from streams.observe.logs import log_to_stderr
from streams.operate.telling import read
from streams.progress import Told
from streams.settings import Settings, read_settings

T = TypeVar("T")
RESTORED = "restored.json"


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--processes", type=click.IntRange(1, 256), metavar="N", help="At once; a core each by default.")
def restore(folder: Path, processes: int | None) -> None:
    """Restore an empty cluster from FOLDER, which `txpush export --whole` has made.

    The topics have to be there, from `txpush topics apply`, and without a record. Each record comes into its partition,
    in its order, byte for byte; in both logs and among dead letters at its offset. State comes as the last value of
    each key, and names the new log, so that the agents go on where they were. All of it is read back and compared.
    What `txpush audit verify` has to know of the chains is printed, and written to FOLDER/restored.json.

    Needs an administrator's rights. Ends with 0 when all is there, 1 when it stopped in the middle, 2 when nothing was
    written. After it has stopped in the middle the cluster holds a part: delete its topics, apply them anew, and run
    the same again.

    \b
    Examples:
      TXPUSH_BOOTSTRAP=new:9092 txpush topics apply
      TXPUSH_BOOTSTRAP=new:9092 txpush import backup/2026-11-28
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    log_to_stderr(settings.log_options("import", at_least=logging.WARNING))
    try:
        manifest = read_manifest(folder)
        require_whole(folder, manifest, settings)
        identities = read(settings, _require_empty(settings))
        _require_files(Looking(folder, restored_topics(manifest), identities), manifest, processes)
    except (ExportError, HistoryError, ClusterError) as error:
        refuse(f"{error}; nothing was written")
    for line in warnings(manifest):
        click.echo(line, err=True)
    part = f"{settings.bootstrap} holds a part: delete its topics, apply them anew, then run the same again"
    try:
        outcome = _restored(settings, folder, manifest, identities, processes)
    except KeyboardInterrupt:
        refuse(f"interrupted\n{part}", EXIT_OTHERWISE)
    if outcome.failed:
        refuse("\n".join([*_failed(outcome), part]), EXIT_OTHERWISE)
    unwritten = _keep_chains(folder, manifest, identities)  # before all words: these may have nowhere to go
    for line in counted(manifest, outcome.results.values()):
        click.echo(line)
    if unwritten:
        click.echo(unwritten, err=True)
    _tell_chains(folder, manifest, identities)


def counted(manifest: Manifest, found: Collection[Compared]) -> Iterator[str]:
    """Say how many records of an export are there, and where the others are."""
    there, expired = sum(one.records for one in found), sum(one.expired for one in found)
    yield f"{there:,} records are there, read back and compared"
    if expired:
        yield (
            f"{expired:,} more are older than their topic is kept: they were written, and the brokers have deleted "
            "them by now, as they do; nothing is wrong"
        )
    if earlier := _records(manifest, restored_topics(manifest)) - there - expired:
        yield (
            f"{earlier:,} more are in the export, but a later one of the same key stands in their place: where a topic "
            "keeps the last of each key, that is what was compared; nothing is wrong"
        )


def _restored(
    settings: Settings, folder: Path, manifest: Manifest, identities: Mapping[str, str], processes: int | None
) -> Outcome[Compared]:
    work = Restoring(
        folder=folder,
        access=Access.of(settings),
        topics=restored_topics(manifest),
        identities=identities,
        at=WallClock().now(),
    )
    with Told("records, written and read back", 2 * _records(manifest, work.topics)) as told:
        return _on_every_partition(work, manifest, processes, told)


def require_whole(folder: Path, manifest: Manifest, settings: Settings) -> None:
    """Refuse an export that no cluster can go on from; raises ExportError."""
    if manifest.content is not Content.WHOLE:
        raise ExportError(
            f"{folder} is {manifest.content}: records were changed in it; only an export made with --whole is restored"
        )
    lacking = [topic.name for topic in contract() if topic.name not in {*manifest.topics, *SECRET}]
    if lacking:
        raise ExportError(f"{folder} lacks {', '.join(lacking)}: export all topics to restore from")
    if (many := next(too_long(manifest), None)) is not None:
        raise ExportError(f"{folder}: {many}; take it from another copy")
    if manifest.partitions != settings.partitions:
        raise ExportError(
            f"{folder} has {manifest.partitions} partitions, not {settings.partitions}: set "
            f"TXPUSH_PARTITIONS={manifest.partitions}, apply the topics with it, and see `txpush move --help` after it"
        )


async def _require_empty(settings: Settings) -> Mapping[str, str]:
    """Refuse a cluster that has anything; give the identity of each log in it."""
    access = Access.of(settings)
    await require(access, Layout.of(settings))
    async with ClusterOrigin(access).open() as history:
        spans = await history.spans([topic.name for topic in contract()])
        full = sorted({place.topic for place, span in spans.items() if span.end})
        if full:
            raise ExportError(
                f"{settings.bootstrap} is not empty ({', '.join(full)}): stop everybody, delete its topics, and apply "
                "them anew"
            )
        return {log: history.identity(log) for log in (EVENTS, SIGNALS)}


def _require_files(work: Looking, manifest: Manifest, processes: int | None) -> None:
    """Look at every record before anything is written: a damaged one would be found hours later."""
    with Told("records, looked at", _records(manifest, work.topics)) as told:
        outcome = _on_every_partition(work, manifest, processes, told)
    if outcome.failed:
        raise ExportError("\n".join(_failed(outcome)))


def _on_every_partition(work: Work[T], manifest: Manifest, processes: int | None, told: Told) -> Outcome[T]:
    count = manifest.partitions
    return on_every_partition(work, range(count), processes_for(count, processes), told.add)


def _failed(outcome: Outcome[T]) -> Iterator[str]:
    """Name each partition that failed, with why."""
    for number, why in sorted(outcome.failed.items()):
        yield f"partition {number}: {why}"


def restored_topics(manifest: Manifest) -> Sequence[str]:
    """Give the topics of an export that a cluster of this release has."""
    return [topic.name for topic in contract() if topic.name in manifest.topics]


def _records(manifest: Manifest, topics: Iterable[str]) -> int:
    return sum(
        segment.records
        for topic in topics
        for partition in manifest.topics[topic].partitions
        for segment in partition.segments
    )


def warnings(manifest: Manifest) -> Iterator[str]:
    """Say what of an export will not be on the cluster."""
    now = WallClock().now()
    for name, topic in manifest.topics.items():
        firsts = [segment.first_ms for partition in topic.partitions for segment in partition.segments]
        kept = timedelta(milliseconds=KEPT_MS.get(name, 0))
        if kept and firsts and min(firsts) < to_epoch_ms(now - kept):
            yield (
                f"{name} is kept {kept.days} days: what is older than {rfc3339(now - kept)} is written, and the "
                "brokers delete it within minutes; raise its retention.ms before, if it is wanted"
            )
    if strange := sorted(set(manifest.topics) - set(restored_topics(manifest))):
        yield f"{', '.join(strange)}: this release has no such topic, and leaves it out"
    for name in SECRET:
        if name not in manifest.topics:
            yield f"{name} is not in it: it was made without --secrets; `txpush subscribe --all --renew` makes new keys"


def _chains(manifest: Manifest) -> Mapping[str, str]:
    """Give the names under which the audit chains of an export began, by log."""
    return {log: f"{manifest.cluster_id}/{manifest.topics[log].id}" for log in (EVENTS, SIGNALS)}


def _keep_chains(folder: Path, manifest: Manifest, identities: Mapping[str, str]) -> str:
    """Write what audits have to know of the chains; gives why that could not be, empty where it is there."""
    restored = {
        "restored_at": rfc3339(WallClock().now()),
        "exported_at": manifest.made_at,
        "chains": _chains(manifest),
        "logs": dict(identities),
    }
    try:
        write_whole(folder / RESTORED, msgspec.json.format(msgspec.json.encode(restored)) + b"\n")
    except OSError as error:
        return f"{folder / RESTORED} could not be written ({error.strerror}): keep these lines"
    return ""


def _tell_chains(folder: Path, manifest: Manifest, identities: Mapping[str, str]) -> None:
    chains = _chains(manifest)
    click.echo("audit chains that began before keep the name of the log that they began with:")
    for log, name in chains.items():
        click.echo(f"  {log}: {name}, now {identities[log]}")
    click.echo(f"keep {folder / RESTORED}, which names them, and start everything; audits and replays need it:")
    click.echo(f"  txpush audit verify --former {shlex.quote(str(folder / RESTORED))}")
