"""`txpush audit verify|checkpoint|keygen`."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from streams.audit.checkpoints.command import checkpoint, keygen
from streams.audit.checkpoints.folder import CheckpointError, Checkpoints, FolderError, read_folder
from streams.audit.checkpoints.keys import KeyFileError, read_public
from streams.audit.linking import link_keys
from streams.audit.parallel import proven_in_processes
from streams.audit.plan import Ways
from streams.audit.planning import Asked
from streams.audit.running import CHECKPOINT, FILE, FOLDER, PATIENCE_SECONDS, begin, code_of, refuse_as_not_whole, tell
from streams.audit.verify import verified
from streams.clock import WallClock
from streams.exits import refuse
from streams.groups import Commands
from streams.history import HistoryError
from streams.history.origins import FORMER, origin_of
from streams.operate.letters.choosing import Moment


@click.group(cls=Commands)
def audit() -> None:
    """Prove that what was decided is still what is written, and sign how far it was.

    \b
    Examples:
      txpush audit verify
      txpush audit keygen audit.key
      txpush audit checkpoint --key audit.key --to checkpoints
      txpush audit verify --checkpoints checkpoints --public-key audit.key.pub
    """  # noqa: D301 - click wants the real character


audit.add_command(checkpoint)
audit.add_command(keygen)


@audit.command()
@click.option("--file", "folder", type=FOLDER, help="Read an export instead of the cluster.")
@click.option("--from", "since", type=Moment(), help="Decisions since: a time, or a span ago as 12h or 3d.")
@click.option("--until", type=Moment(), help="Decisions before: a time, or a span ago as 12h or 3d.")
@click.option("--checkpoints", type=FOLDER, help="Hold the chains against the checkpoints of this folder.")
@click.option("--public-key", "keys", type=FILE, multiple=True, help="Who has signed them; twice after a new key.")
@click.option("--first", type=CHECKPOINT, default=1, help="The oldest that the folder has: others are kept elsewhere.")
@click.option("--since-checkpoint", is_flag=True, help="Only what came after the last of them.")
@click.option("--link-key", "with_links", is_flag=True, help="Check the link of each command: TXPUSH_LINK_KEYS, _URL.")
@click.option("--former-link-keys", type=FILE, help="Keys of links that are not in use any more, one a line.")
@click.option("--former-link-url", multiple=True, help="An address that links had before; may be repeated.")
@FORMER
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(
    *,
    folder: Path | None,
    since: datetime | None,
    until: datetime | None,
    checkpoints: Path | None,
    keys: tuple[Path, ...],
    first: int,
    former_link_keys: Path | None,
    former_link_url: tuple[str, ...],
    former: tuple[str, ...],
    since_checkpoint: bool,
    with_links: bool,
    as_json: bool,
) -> None:
    """Walk every chain beside its inbound records and its messages, and name what is missing, changed, moved or forged.

    Reads only, joins no group, and bothers nobody: run it while everything runs. What was removed by retention is said,
    and is no fault. Ends with 0 when all is whole, 1 when it is not, 2 when it could not be read.

    \b
    Examples:
      txpush audit verify
      txpush audit verify --from 12h --json
      txpush audit verify --checkpoints checkpoints --public-key audit.key.pub
      txpush audit verify --checkpoints checkpoints --public-key audit.key.pub --since-checkpoint
      TXPUSH_LINK_URL=https://fix.example.com TXPUSH_LINK_KEYS=... txpush audit verify --link-key
    """  # noqa: D301 - click wants the real character
    settings = begin()
    known = _known(checkpoints, keys, first, is_needed=since_checkpoint)
    if since_checkpoint and (since is not None or until is not None):
        refuse("--since-checkpoint says where to begin: leave --from and --until out")
    asked = Asked(
        since=since,
        until=until,
        starts=known.latest() if since_checkpoint else {},
        checkpoints={} if since_checkpoint else known.marks(),
        former=(*former, *known.names),
        now=WallClock().now() if folder is None else None,
    )
    try:
        links = link_keys(settings, former_link_keys, former_link_url) if with_links else None
        origin = origin_of(settings, folder)
        patience = PATIENCE_SECONDS if folder is None else 0.0
        verdict = asyncio.run(verified(origin, asked, Ways(links=links, patience=patience), proven_in_processes))
    except (HistoryError, KeyFileError) as error:
        refuse(str(error))
    tell(verdict, as_json=as_json)
    sys.exit(code_of(verdict))


def _known(folder: Path | None, keys: Sequence[Path], first: int, *, is_needed: bool) -> Checkpoints:
    if folder is None:
        if keys or is_needed:
            refuse("--checkpoints is missing: name the folder that they are in")
        return Checkpoints()
    if not keys:
        refuse("--public-key is missing: name the file of who has signed the checkpoints")
    try:
        return read_folder(folder, [read_public(path) for path in keys], first)
    except (KeyFileError, FolderError) as error:
        refuse(str(error))
    except CheckpointError as error:
        refuse_as_not_whole(str(error))
