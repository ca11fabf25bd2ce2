"""A checkpoint made: what came in since the last one is proven first, and what is not proven is not signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streams.audit.checkpoints.entry import Entry
from streams.audit.checkpoints.folder import VERSION, Checkpoint, Checkpoints, read_folder, write_next
from streams.audit.faults import without_ids
from streams.audit.parallel import proven_in_processes
from streams.audit.plan import LOGS, Ways
from streams.audit.planning import Asked
from streams.audit.verify import Run, Verdict, verified
from streams.domain import ENGINE_VERSION
from streams.history import Origin, Place
from streams.kafka.topics import SIGNALS


@dataclass(frozen=True, slots=True)
class Made:
    """A checkpoint that was signed, where it is, and the proof that it stands on; no path where nothing was signed."""

    verdict: Verdict
    path: Path | None
    left_out: Mapping[str, str]


async def checkpoint_made(
    origin: Origin,
    folder: Path,
    key: Ed25519PrivateKey,
    asked: Asked,
    ways: Ways,
    *,
    run: Run = proven_in_processes,
    former: Checkpoints | None = None,
) -> Made:
    """Prove what came since the last checkpoint of a folder, and sign how far all is whole.

    `asked.now` is its time; where to go on is taken from the folder. `former` is what that has, where further keys were
    needed to read it.

    Raises:
        CheckpointError: the folder has others than this key has signed, or cannot be written to.
        HistoryError: nothing can be read.
    """
    known = former or read_folder(folder, [key.public_key()])
    asked = Asked(starts=known.latest(), former=(*asked.former, *known.names), now=asked.now)
    verdict = await verified(origin, asked, ways, run)
    async with origin.open() as history:
        cluster_id, ids = history.cluster_id, history.topics
    chains, left_out = _chains(verdict, known.latest(), ids)
    if not chains or asked.now is None:
        return Made(verdict, None, left_out)
    made = Checkpoint(
        version=VERSION,
        number=known.number + 1,
        time=_time(asked.now, known),
        cluster_id=cluster_id,
        engine_version=ENGINE_VERSION,
        previous=known.previous,
        chains=tuple(chains),
        left_out=left_out,
    )
    return Made(verdict, write_next(folder, made, key), left_out)


def _time(now: datetime, known: Checkpoints) -> datetime:
    """Give the present, and never a time before the last checkpoint: a clock may be set back."""
    return max([now, *(one.checkpoint.time for one in known.kept[-1:])])


def _chains(
    verdict: Verdict, former: Mapping[Place, Entry], ids: Mapping[str, str]
) -> tuple[list[Entry], dict[str, str]]:
    chains, left_out = [], {}
    for place, found in _proven(verdict, former, ids):
        if isinstance(found, Entry):
            chains.append(found)
        elif found is not None:
            left_out[str(place)] = found
    return chains, left_out


def _proven(
    verdict: Verdict, former: Mapping[Place, Entry], ids: Mapping[str, str]
) -> Iterator[tuple[Place, Entry | str | None]]:
    """Give what can be signed of each chain; in words why it cannot, or None where there is nothing yet."""
    for proof in verdict.proofs:
        for log in LOGS:
            place = Place(log, proof.number)
            if proof.failed is not None:
                yield place, proof.failed
                continue
            fault = verdict.fault_of(place)
            walked, reached = proof.walked[log], proof.reached[log]
            if fault is not None:
                yield place, str(without_ids(fault))  # what is signed stays, whoever is forgotten later
            elif walked.reached is None:
                had = walked.records or walked.decisions
                yield place, "what the state knows of it was not reached" if had else None
            else:
                mark, before = walked.reached, former.get(place)
                if before is not None and before.topic_id != ids[log]:
                    before = None  # of the former cluster: all was proven from the beginning
                known = walked.begins_at is None and (before is None or before.decisions is not None)
                count = (before.decisions or 0) if before is not None else 0
                yield (
                    place,
                    Entry(
                        topic=log,
                        topic_id=ids[log],
                        partition=proof.number,
                        offset=mark.next_offset,
                        audit_head=mark.head,
                        inputs=mark.inputs,
                        decisions=count + reached.decisions if known else None,
                        audit_at=reached.audit_at,
                        outputs=dict(reached.outputs),
                        checked_to=verdict.ends[proof.number] if log == SIGNALS else None,
                    ),
                )
