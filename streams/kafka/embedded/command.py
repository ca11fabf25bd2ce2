"""`txpush kafka`: the embedded cluster in the foreground."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.exits import STOP_SIGNALS
from streams.kafka.embedded import artifacts
from streams.kafka.embedded.cluster import ClusterSpec, EmbeddedKafka
from streams.kafka.embedded.errors import EmbeddedKafkaError

CHECK_SECONDS = 0.5
MAX_BROKERS = 9
MAX_BASE_PORT = 65535 - 2 * MAX_BROKERS
KEPT_FOLDER = "kafka-data"

HELP = """Run a real Apache Kafka in the foreground until SIGTERM or Ctrl-C.

Needs no container and no Java: the first run downloads 45 MB into the cache. Prints the bootstrap address to standard
output as soon as the brokers are ready. Brokers end with this process, whatever ends it.

\b
Examples:
  txpush kafka                                  one broker, free port, nothing kept
  txpush kafka --brokers 3 --port 9092          ports 9092 to 9094 for clients, 9095 to 9097 among themselves
  txpush kafka --data ./kafka                   keeps records and ports for the next run
  txpush kafka --keep                           the same, in the cache folder
"""


class Asked(BaseException):
    """The process was asked to end."""


def ask_to_end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End once; a second signal must not disturb the brokers' orderly end, which is bounded."""
    for how in STOP_SIGNALS:
        signal.signal(how, signal.SIG_IGN)
    raise Asked


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[artifacts.Progress]:
    """Show a bar on standard error from the first byte to the last; none when nothing is downloaded."""
    columns = (TextColumn("Downloading Kafka"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console or Console(stderr=True))
    task = bar.add_task("")

    def show(done: int, total: int) -> None:
        if bar.finished:
            return
        bar.start()
        bar.update(task, completed=done, total=total)
        if bar.finished:
            bar.stop()

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def spec_of(
    brokers: int, port: int | None, data: Path | None, heap_mb: int, cache: Path, *, keep: bool | None
) -> ClusterSpec:
    """Say what the options mean: data is kept in a named folder unless told otherwise, else only with --keep."""
    if data is None and keep:
        data = cache / KEPT_FOLDER
    return ClusterSpec(
        brokers=brokers, base_port=port, data_dir=data, keep=keep is not False, heap_mb=heap_mb, cache_dir=cache
    )


def run(spec: ClusterSpec) -> None:
    """Run until asked to end. Raises EmbeddedKafkaError when a broker cannot be started or ends by itself."""
    with progress_bar() as progress, EmbeddedKafka(spec, progress) as cluster:
        click.echo(cluster.bootstrap)
        click.echo(f"Kafka is ready (cluster {cluster.cluster_id}); end it with Ctrl-C.", err=True)
        while True:
            cluster.check()
            time.sleep(CHECK_SECONDS)


@click.command("kafka", help=HELP)
@click.option(
    "--brokers",
    type=click.IntRange(1, MAX_BROKERS),
    default=1,
    show_default=True,
    help="Number of brokers; from 3 on records have 3 copies.",
)
@click.option(
    "--port",
    type=click.IntRange(1, MAX_BASE_PORT),
    help="Port of the first broker, the others follow.  [default: free ones]",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the records.  [default: a temporary one]")
@click.option(
    "--heap-mb", type=click.IntRange(128), default=512, show_default=True, help="Largest heap of each broker."
)
@click.option("--keep/--no-keep", default=None, help="Keep the records for the next run.  [default: with --data]")
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    help="Folder of the downloaded archives.  [default: TXPUSH_CACHE_DIR or the user's cache]",
)
def kafka(
    *, brokers: int, port: int | None, data: Path | None, heap_mb: int, keep: bool | None, cache_dir: Path | None
) -> None:
    """Exit 0 when asked to end, 1 with words when a broker cannot run."""
    for how in STOP_SIGNALS:
        signal.signal(how, ask_to_end)
    cache = cache_dir or artifacts.default_cache_dir()
    try:
        run(spec_of(brokers, port, data, heap_mb, cache, keep=keep))
    except Asked:
        return
    except EmbeddedKafkaError as error:
        raise click.ClickException(str(error)) from error
