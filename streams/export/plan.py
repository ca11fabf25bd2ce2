"""The plan of an export: fixed offsets, kept in the folder, so that a run that was stopped goes on where it was."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from schemas.problems import UNREADABLE
from streams.export.choices import Choices, ExportError
from streams.export.journal import FINISHED
from streams.history import HistoryError, Number, Place, Span
from streams.history.exports.files import read_bounded, sync_folder, write_whole
from streams.history.exports.manifest import MANIFEST, MANIFEST_BYTES, is_time, read_manifest

PLAN = "plan.json"


class Planned(msgspec.Struct, frozen=True):
    """A topic by its id, and what of each partition belongs to the export."""

    id: str
    spans: tuple[Span, ...]


class Plan(msgspec.Struct, frozen=True):
    """What an export has to come to.

    Attributes:
        made_at: when the ends were taken, RFC 3339.
        forgotten: hash of who was forgotten by the time of the plan; empty where that is of no matter.
        state_sha256: hash of the topics of one moment, once they are there; see `journal.sha256_of`.
    """

    choices: Choices
    made_at: str
    cluster_id: str
    partitions: int
    topics: Mapping[str, Planned]
    forgotten: str = ""
    forgotten_count: Number = 0
    state_sha256: str = ""

    def span(self, place: Place) -> Span:
        """Give what of a partition belongs to it."""
        return self.topics[place.topic].spans[place.partition]

    def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what of every partition of some topics belongs to it, in their order."""
        return {Place(topic, number): span for topic in topics for number, span in enumerate(self.topics[topic].spans)}

    @property
    def offsets(self) -> int:
        """How many there are in all."""
        return sum(span.offsets for topic in self.topics.values() for span in topic.spans)


def begun(folder: Path, choices: Choices) -> Plan | None:
    """Give the plan of an export that was begun in a folder; None where there is none.

    Raises:
        ExportError: the export is whole already, was begun with other choices, or the folder is something else.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise ExportError(f"{folder} is no folder: name one that is new, or empty")
    plan = folder / PLAN
    if (folder / MANIFEST).exists():
        plan.unlink(missing_ok=True)  # a run that was killed at its very end has left it
        raise ExportError(_whole(folder))
    if not plan.exists():
        if any(path.suffix != ".part" for path in folder.iterdir()):
            raise ExportError(f"{folder} is not empty: name a folder that is new, or one where an export was stopped")
        return None
    try:
        found = msgspec.json.decode(read_bounded(folder, plan, MANIFEST_BYTES), type=Plan)
    except UNREADABLE as error:
        raise ExportError(f"{plan} cannot be read ({error}): remove {folder}, and begin again") from error
    if found.choices != choices:
        raise ExportError(
            f"an export with other options was begun in {folder}: run that one again to finish it, or remove the folder"
        )
    if (fault := next(_faults(found), None)) is not None:
        raise ExportError(f"{plan} is damaged: {fault}; remove {folder}, and begin again")
    return found


def _faults(plan: Plan) -> Iterator[str]:
    """Say what of a plan cannot be: the topics are folders that are written to, and dropped."""
    if not is_time(plan.made_at):
        yield "it was made at no time"
    if set(plan.topics) != set(plan.choices.topics):
        yield "its topics are not those that were asked for"
    for name, topic in plan.topics.items():
        if len(topic.spans) != plan.partitions:
            yield f"{name} has {len(topic.spans)} partitions, not {plan.partitions}"
        if any(not 0 <= span.begin <= span.end for span in topic.spans):
            yield f"{name} has a partition that ends before it begins"


def _whole(folder: Path) -> str:
    try:
        made = read_manifest(folder).made_at
    except HistoryError as error:
        return f"{error}; name another folder to export anew"
    return f"{folder} is an export already, made at {made}: name another folder"


def save(folder: Path, plan: Plan) -> None:
    """Keep a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PLAN, msgspec.json.encode(plan))


def discard(folder: Path, plan: Plan) -> None:
    """Drop what was written by a plan that is of no use any more, and the plan."""
    for topic in plan.topics:
        shutil.rmtree(folder / topic, ignore_errors=True)
    (folder / PLAN).unlink(missing_ok=True)


def clear(folder: Path, plan: Plan) -> None:
    """Drop what only a run that goes on needs."""
    for topic, planned in plan.topics.items():
        for number in range(len(planned.spans)):
            (folder / topic / str(number) / FINISHED).unlink(missing_ok=True)
    (folder / PLAN).unlink(missing_ok=True)
    sync_folder(folder)
