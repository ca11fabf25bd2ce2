"""`txpush audit checkpoint` and `txpush audit keygen`."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from streams.audit.checkpoints.folder import CheckpointError, Checkpoints, FolderError, read_folder
from streams.audit.checkpoints.keys import KeyFileError, make_pair, read_private, read_public
from streams.audit.checkpoints.making import Made, checkpoint_made
from streams.audit.plan import Ways
from streams.audit.planning import Asked
from streams.audit.running import CHECKPOINT, FILE, FOLDER, PATIENCE_SECONDS, begin, code_of, refuse_as_not_whole, tell
from streams.clock import WallClock
from streams.exits import EXIT_OTHERWISE, refuse, repeated
from streams.history import HistoryError, Origin
from streams.history.origins import FORMER, origin_of
from streams.operate.telling import span_in

AGAIN_SECONDS = 60.0
"""After a round that could not be: a broker that is away is back soon, or never."""

log = logging.getLogger(__name__)


class TimeSpan(click.ParamType):
    """A span, as operators type it."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:  # noqa: ANN401 - click's signature
        """Read it."""
        span = span_in(value)
        if not span:
            self.fail(f"{value!r} is no span: write 30m, 1h or 1d", param, ctx)
        return span


@dataclass(frozen=True, slots=True)
class Order:
    """What to sign with, where, who has signed before, and the number of the oldest that is there."""

    key: Path
    folder: Path
    former_keys: Sequence[Path]
    former: tuple[str, ...]
    first: int = 1

    def known(self) -> Checkpoints:
        """Read what the folder has; raises CheckpointError, KeyFileError."""
        keys = [read_private(self.key).public_key(), *map(read_public, self.former_keys)]
        return read_folder(self.folder, keys, self.first)

    async def round(self, origin: Origin) -> Made:
        """Prove and sign once."""
        asked = Asked(former=self.former, now=WallClock().now())
        ways = Ways(patience=PATIENCE_SECONDS)
        return await checkpoint_made(origin, self.folder, read_private(self.key), asked, ways, former=self.known())


@click.command()
@click.option("--key", type=FILE, help="The private key that signs; `txpush audit keygen` makes one.")
@click.option("--to", "folder", type=FOLDER, help="The folder of the checkpoints, outside of Kafka.")
@click.option("--every", type=TimeSpan(), help="Go on, one each 30m, 1h or 1d; without it, one.")
@click.option("--check", "checked", type=FOLDER, help="Check the checkpoints of a folder instead; needs no Kafka.")
@click.option("--public-key", "keys", type=FILE, multiple=True, help="Who has signed before; may be repeated.")
@click.option("--first", type=CHECKPOINT, default=1, help="The oldest that the folder has: others are kept elsewhere.")
@click.option("--file", "export", type=FOLDER, help="Read an export instead of the cluster.")
@FORMER
def checkpoint(
    *,
    key: Path | None,
    folder: Path | None,
    every: timedelta | None,
    checked: Path | None,
    keys: tuple[Path, ...],
    first: int,
    export: Path | None,
    former: tuple[str, ...],
) -> None:
    """Prove what came since the last checkpoint, and sign how far every chain is whole: one small file each time.

    A chain that is not whole is not signed: it is left out, and named. Keep the files, or copies of them, where nobody
    who can write to Kafka can change them. Ends with 0 when all was signed, 1 when a chain was left out, 2 when nothing
    could be read. With --check: 0 when all are signed and in order, 1 when one is not.

    \b
    Examples:
      txpush audit checkpoint --key audit.key --to checkpoints
      txpush audit checkpoint --key audit.key --to checkpoints --every 1h
      txpush audit checkpoint --check checkpoints --public-key audit.key.pub
    """  # noqa: D301 - click wants the real character
    if checked is not None:
        _check(checked, keys, first)
        return
    if key is None or folder is None:
        refuse("--key and --to are needed: the file of the private key, and the folder of the checkpoints")
    settings = begin()
    order = Order(key, folder, keys, former, first)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        order.known()
        origin = origin_of(settings, export)
        if every is not None:
            asyncio.run(repeated(partial(_kept, order, origin, every.total_seconds())))
            return
        made = asyncio.run(order.round(origin))
    except (HistoryError, KeyFileError, OSError) as error:
        refuse(str(error))
    except CheckpointError as error:
        refuse_as_not_whole(str(error))
    tell(made.verdict)
    click.echo("nothing was signed" if made.path is None else f"signed: {made.path}")
    sys.exit(code_of(made.verdict) or (EXIT_OTHERWISE if made.left_out else 0))


def _check(folder: Path, keys: Sequence[Path], first: int) -> None:
    """Check a folder by itself."""
    if not keys:
        refuse("--public-key is missing: name the file of who has signed the checkpoints")
    try:
        known = read_folder(folder, [read_public(path) for path in keys], first)
    except (KeyFileError, FolderError) as error:
        refuse(str(error))
    except CheckpointError as error:
        refuse_as_not_whole(str(error))
    if not known.kept:
        refuse(f"{folder}: there is no checkpoint in it")
    begins, ends = known.kept[0].checkpoint, known.kept[-1].checkpoint
    click.echo(f"{len(known.kept):,} checkpoints are signed and in order: from {begins.name} to {ends.name}")
    for entry in known.latest().values():
        decisions = "" if entry.decisions is None else f", {entry.decisions:,} decisions"
        click.echo(f"{entry.place} up to offset {entry.offset}{decisions}")


async def _kept(order: Order, origin: Origin, seconds: float) -> float:
    """Sign once; give how many seconds there are to the next time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    wait = seconds if await _round(order, origin) else min(seconds, AGAIN_SECONDS)
    return max(0.0, began + wait - loop.time())


async def _round(order: Order, origin: Origin) -> bool:
    """Sign once and tell the log; False where that could not be."""
    try:
        made = await order.round(origin)
    except (HistoryError, CheckpointError, FolderError, KeyFileError) as error:
        log.error("no checkpoint: %s", error)  # noqa: TRY400 - the message says it all
        return False
    for place, why in made.left_out.items():
        log.error("%s was left out of the checkpoint: %s", place, why)
    if made.path is None:
        log.warning("no checkpoint: there is nothing to sign yet")
    else:
        log.info("signed: %s", made.path)
    return made.path is not None


@click.command()
@click.argument("path", type=FILE, metavar="FILE")
def keygen(path: Path) -> None:
    """Make a pair of keys: FILE signs and is for its owner only, FILE.pub checks and goes to whoever audits.

    \b
    Examples:
      txpush audit keygen audit.key
    """  # noqa: D301 - click wants the real character
    try:
        public = make_pair(path)
    except KeyFileError as error:
        refuse(str(error))
    click.echo(f"{path} signs: keep it from everybody who can write to Kafka\n{public} checks: give it to who audits")
