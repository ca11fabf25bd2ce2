"""Whether restored state is this release's, and of the log that is there."""

from schemas.state import ControlState
from schemas.state.partitions import STATE_VERSION
from streams.fold.effects import PartitionPaused


def require_own(control: ControlState, log: str, identity: str, partition: int) -> None:
    """Refuse state that a later release has written, or that is of another log.

    Raises:
        PartitionPaused: what to do about it.
    """
    if control.version > STATE_VERSION:
        # At its next change it would lose the fields that this release does not know.
        raise PartitionPaused(
            f"the state is of version {control.version}, and this release knows up to {STATE_VERSION}: a later "
            f"release has worked on {log}/{partition}; start that one again, or go back as schemas/README.md says "
            "under Upgrade and roll-back"
        )
    if control.log not in {"", identity}:
        raise PartitionPaused(
            f"the state of partition {partition} is of another {log} ({control.log}) than the one that is there "
            f"({identity}); streams/transport/README.md says how to go on under A log that is not the state's"
        )
