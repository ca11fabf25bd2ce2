"""The plan of an export: fixed offsets, kept in the folder, so that a run that was stopped goes on where it was."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from streams.export.choices import Choices, ExportError
from streams.history import HistoryError, Place, Span
from streams.history.export_manifest import MANIFEST, Segment, read_manifest, sync_folder, write_whole

PLAN = "plan.json"
FINISHED = "finished.jsonl"
"""The files of a partition that are whole, one a line; for as long as the export is under way."""


class Planned(msgspec.Struct, frozen=True):
    """A topic by its id, and what of each partition belongs to the export."""

    id: str
    spans: tuple[Span, ...]


class Plan(msgspec.Struct, frozen=True):
    """What an export has to come to.

    Attributes:
        made_at: when the ends were taken, RFC 3339.
        forgotten: hash of who was forgotten by the time of the plan; empty where that is of no matter.
        state_is_read: the topics of one moment are there.
    """

    choices: Choices
    made_at: str
    cluster_id: str
    partitions: int
    topics: Mapping[str, Planned]
    forgotten: str = ""
    forgotten_count: int = 0
    state_is_read: bool = False

    def span(self, place: Place) -> Span:
        """Give what of a partition belongs to it."""
        return self.topics[place.topic].spans[place.partition]

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
    if (folder / MANIFEST).exists():
        raise ExportError(_whole(folder))
    plan = folder / PLAN
    if not plan.exists():
        if any(path.suffix != ".part" for path in folder.iterdir()):
            raise ExportError(f"{folder} is not empty: name a folder that is new, or one where an export was stopped")
        return None
    try:
        found = msgspec.json.decode(plan.read_bytes(), type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ExportError(f"{plan} cannot be read ({error}): remove {folder}, and begin again") from error
    if found.choices != choices:
        raise ExportError(
            f"an export with other options was begun in {folder}: run that one again to finish it, or remove the folder"
        )
    return found


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


def finished(folder: Path, place: Place) -> list[Segment]:
    """Give the files of a partition that are whole, in order; a line that a kill has cut off goes, with its file."""
    path = folder / place.topic / str(place.partition) / FINISHED
    if not path.exists():
        return []
    whole, _, cut_off = path.read_bytes().rpartition(b"\n")
    if cut_off:
        write_whole(path, whole + b"\n" if whole else b"")
    return [msgspec.json.decode(line, type=Segment) for line in whole.splitlines()]
