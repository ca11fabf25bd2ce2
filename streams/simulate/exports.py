"""Reads the inbound log of an export as the events of one file: its partitions merged by time."""

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.cloudevents import NewerRecord, UnreadableRecord, from_record
from schemas.events import Event
from streams.fold.effects import SourceRecord
from streams.history import HistoryError, Place
from streams.history.exports.history import ExportHistory, ExportOrigin
from streams.kafka.topics import EVENTS
from streams.simulate.files import UnreadableFile


def is_export(file: str) -> bool:
    """Tell the folder of an export from a file."""
    return Path(file).is_dir()


def events_of_export(folder: str, note: Callable[[str], None]) -> Iterator[Event]:
    """Give the events of an export by time, those of one time by partition and offset; each partition stays in order.

    `note` takes what live has put into the dead letter, in words with the place.

    Raises:
        UnreadableFile: it is no export, or one of a later release, or damaged; with file and line.
    """
    try:
        history = ExportOrigin(Path(folder)).opened()
        history.identity(EVENTS)
        for at, number, _, record in heapq.merge(
            *(_records(history, number) for number in range(history.partitions)), key=lambda one: one[:3]
        ):
            del at
            try:
                yield from_record(record.headers, record.key, record.value, record.timestamp)
            except UnreadableRecord as error:
                note(f"{EVENTS}/{number}/{record.offset}: {error.reason}: {error.detail}")
            except NewerRecord as error:
                raise UnreadableFile(f"{EVENTS}/{number}/{record.offset}: {error}: use a later one") from None
    except HistoryError as error:
        raise UnreadableFile(str(error)) from None


def _records(history: ExportHistory, number: int) -> Iterator[tuple[int, int, int, SourceRecord]]:
    for piece in history.pieces(Place(EVENTS, number)):
        for record in piece:
            yield record.timestamp, number, record.offset, record
