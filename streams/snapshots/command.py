"""`txpush snapshot`: the command."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
from aiokafka.errors import KafkaError

from streams.audit.checkpoints.command import TimeSpan
from streams.exits import EXIT_NOTHING, EXIT_OTHERWISE, refuse, repeated
from streams.history import HistoryError, Origin
from streams.history.origins import FORMER, origin_of
from streams.history.private import private_files
from streams.kafka.access import Access, ClusterError
from streams.kafka.present import clock_of, require_clock
from streams.kafka.refusals import keep_to_words
from streams.observe.logs import log_to_stderr
from streams.operate.writing import OperateError, write
from streams.pool import cores
from streams.progress import Told
from streams.settings import Settings, read_settings
from streams.snapshots.forgetting import remove_forgotten
from streams.snapshots.run import HowTaken, run
from streams.snapshots.taking import Taken

LOOK = timedelta(days=1)
"""Between two looks of who takes them by themselves: for what is due, and for whoever was forgotten."""
AGAIN_SECONDS = 600.0
"""Between a look that failed, or did not take all, and the next."""
CANNOT = (HistoryError, OperateError, ClusterError, KafkaError, OSError, TimeoutError)
"""What keeps a look from being made at all."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Keeper:
    """Takes what is due, and removes what has somebody who was forgotten."""

    settings: Settings
    origin: Origin
    how: HowTaken
    _looked_to: dict[int, int] = field(default_factory=dict)

    async def look(self) -> tuple[list[Path], list[Taken]]:
        """Do both once; raises one of CANNOT."""
        await require_clock(self.settings)
        async with self.origin.open() as history:
            removed, self._looked_to = await remove_forgotten(history, self.how.folder, self._looked_to)
        with Told("snapshot", unit="records", goes=True) as told:
            return removed, await run(self.origin, self.how, told.add)


@click.command()
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Their folder.")
@click.option("--every", type=TimeSpan(), help="Go on by itself, one each 30d: looks once a day for what is due.")
@click.option("--once", is_flag=True, help="With --every: look once, take what is due, and end, as a job does.")
@FORMER
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; as many as there are cores by default.")
def snapshot(*, folder: Path, every: timedelta | None, once: bool, former: tuple[str, ...], jobs: int | None) -> None:
    """Take a snapshot of the state of every partition of both logs, for `txpush replay --snapshot`.

    Each log is marked, folded up to the mark, from the last snapshot on or from its beginning, and told the hash of the
    state there, so that the audit chain has it. Nothing is taken of a state that is not the one live has decided by.
    Snapshots that name customers who were forgotten since are removed. The files are for their owner alone.

    Ends with 0 when all were taken, 1 when some partition leads to other decisions than are recorded, 2 when not all
    could be taken.

    \b
    Examples:
      txpush snapshot --to snapshots
      txpush snapshot --to snapshots --every 30d
      txpush snapshot --to snapshots --every 30d --once
    """  # noqa: D301 - click wants the real character
    if once and every is None:
        raise click.UsageError("--once goes with --every: without either all are taken, once")
    goes_on = every is not None and not once
    settings = read_settings()
    log_to_stderr(settings.log_options("snapshot", at_least=logging.DEBUG if goes_on else logging.CRITICAL))
    keep_to_words()
    writing = partial(write, bootstrap=Access.of(settings), partitions=settings.partitions)
    how = HowTaken(folder, writing, clock_of(settings).now, every, jobs or cores(), former)
    try:
        with private_files():
            folder.mkdir(parents=True, exist_ok=True)
            keeper = Keeper(settings, origin_of(settings), how)
            if goes_on:
                asyncio.run(repeated(partial(keep, keeper)))
                return
            removed, taken = asyncio.run(keeper.look())
    except CANNOT as error:
        refuse(in_words(error))
    for line in lines(removed, taken):
        click.echo(line)
    sys.exit(code_of(taken))


def in_words(error: BaseException) -> str:
    """Say what kept all from being taken."""
    if isinstance(error, HistoryError | OperateError | ClusterError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; name a folder that can be written to"
    return f"{error!r}: look at the brokers, and at the disk of the folder; then run it again"


def lines(removed: Sequence[Path], taken: Sequence[Taken]) -> list[str]:
    """Say what came of a look, a line each."""
    said = [f"removed, as a customer in it was forgotten: {path}" for path in removed]
    for one in taken:
        if one.head is not None and one.path is not None and one.error is None:
            said.append(
                f"{one.place} at offset {one.head.offset}: {one.head.records:,} records of state, {one.folded:,} "
                f"folded in {one.seconds:.1f} s: {one.path}"
            )
        else:
            said.append(one.differs or f"{one.place}: {one.error}")
    return said


def code_of(taken: Sequence[Taken]) -> int:
    """Give the exit code: 0 all taken, 1 a log leads elsewhere, 2 not all could be taken."""
    if any(one.error is not None for one in taken):
        return EXIT_NOTHING
    return EXIT_OTHERWISE if any(one.differs is not None for one in taken) else 0


async def keep(keeper: Keeper) -> float:
    """Look once; give how many seconds there are to the next look."""
    every = min(LOOK, keeper.how.every or LOOK).total_seconds()
    return every if await looked(keeper) else min(every, AGAIN_SECONDS)


async def looked(keeper: Keeper) -> bool:
    """Look once and tell the log; False where not all could be done."""
    try:
        removed, taken = await keeper.look()
    except CANNOT as error:
        log.error("no snapshot: %s", in_words(error))  # noqa: TRY400 - the message says it all
        return False
    for line in lines(removed, taken):
        log.info("%s", line)
    if code_of(taken):
        log.error("not every snapshot that is due was taken")
    return not code_of(taken)
