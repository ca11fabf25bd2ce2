"""Folds records as the agents do, and writes what goes in and what comes of it into the files of an export."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.canary import CANARY_TOPIC
from schemas.catalogue import Catalogue
from schemas.cloudevents import to_headers, to_value
from schemas.events import Event
from schemas.policy import Policy
from schemas.state import ControlState, encode
from schemas.times import rfc3339, to_epoch_ms
from streams.clock import WallClock
from streams.export.journal import FINISHED, finished
from streams.export.writing import PartitionWriter
from streams.fold.effects import Effects, Headers, SourceRecord
from streams.fold.inforce import InForce
from streams.history import Content, Place, Span
from streams.history.exports.lines import ExportedRecord
from streams.history.exports.manifest import Manifest, Partition, Topic, write_manifest
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EVENTS, LOOKUP, SIGNALS, TICKETS, changelog
from streams.testing.applications import APPLICATIONS, CLUSTER, Application

WRITTEN = (*CUSTOMER_COMMANDS, LOOKUP, CANARY_TOPIC, TICKETS, AUDIT)
"""What comes of a log and is compared with what is derived from it again."""
CONTROLS = {application.name: changelog(application.name, "control") for application in APPLICATIONS}
TOPICS = (EVENTS, SIGNALS, *WRITTEN, *CONTROLS.values())
Parts = tuple[bytes | None, bytes | None, Headers, int]
"""Key, value, headers and time of a record."""
WHOLE = Span(0, 10**10)
"""All offsets that a partition of these may have."""
MANY = 1000
"""Records of a partition that wait to be written together."""


class Files:
    """The files of one partition of every topic; used as a context, whole when it is left in order."""

    def __init__(self, folder: Path, partition: int) -> None:
        self.partition = partition
        self._stack = ExitStack()
        self._writers = {topic: PartitionWriter(folder, Place(topic, partition), WHOLE) for topic in TOPICS}
        self._waiting: dict[str, list[ExportedRecord]] = {topic: [] for topic in TOPICS}
        self._ends = Counter[str]()

    def __enter__(self) -> Self:
        """Begin them."""
        for writer in self._writers.values():
            self._stack.enter_context(writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish them, unless something failed."""
        if kind is None:
            for topic, writer in self._writers.items():
                self._write(topic)
                writer.close()
        self._stack.close()

    def add(self, topic: str, parts: Iterable[Parts]) -> None:
        """Add records that have no place yet."""
        self.append(topic, self.placed(topic, parts))

    def placed(self, topic: str, parts: Iterable[Parts]) -> list[ExportedRecord]:
        """Give records as they will be behind the end of a topic."""
        first = self._ends[topic]
        return [
            ExportedRecord(offset, ms, key, value, tuple(headers))
            for offset, (key, value, headers, ms) in enumerate(parts, first)
        ]

    def append(self, topic: str, records: Sequence[ExportedRecord]) -> None:
        """Add records that have their places."""
        self._ends[topic] += len(records)
        self._waiting[topic] += records
        if len(self._waiting[topic]) >= MANY:
            self._write(topic)

    def _write(self, topic: str) -> None:
        waiting, self._waiting[topic] = self._waiting[topic], []
        self._writers[topic].add(waiting, self._ends[topic])


class Recorder:
    """An agent at work on one partition of its log: what it is given and what it leads to stands in the files."""

    def __init__(self, files: Files, application: Application, partitions: int) -> None:
        self.application = application
        self._files = files
        self._partition = files.partition
        self._fold = application.fold(InForce.of(Policy.load(), Catalogue.load()), WallClock(), partitions)
        for table in self._fold.tables:
            table.take(self._partition, {})
        self._fold.opened(self._partition)
        self._control = ControlState()

    def begin(self, at: datetime) -> None:
        """Announce the rules, as an agent does to a log that has none."""
        announced = self._fold.announcement(self._partition)
        assert announced is not None
        self.hear([Event(announced.id, announced.type, announced.source, at, announced.data)])

    def next_due(self) -> datetime | None:
        """Give the earliest timer."""
        return self._fold.next_due(self._partition)

    def hear(self, events: Sequence[Event]) -> Effects:
        """Write events into the log, and decide on them."""
        return self.take([parts_of(event) for event in events])

    def take(self, parts: Sequence[Parts]) -> Effects:
        """Do the same with records as they are."""
        log, files = self.application.log, self._files
        records = files.placed(log, parts)
        files.append(log, records)
        return self._folded(records)

    def _folded(self, records: Sequence[SourceRecord]) -> Effects:
        effects = self._fold.fold(self._partition, records)
        for table, changes in effects.changes.items():
            table.apply(self._partition, changes)
            if table.name == "control":
                self._control = changes[str(self._partition)]
        self._fold.committed(self._partition, effects)
        for (topic, partition), written in effects.outbox.records.items():
            if topic in WRITTEN and partition == self._partition:
                self._files.add(topic, ((one.key, one.value, one.headers, one.timestamp_ms or 0) for one in written))
        return effects

    def end(self, at: datetime) -> None:
        """Leave how far it has come, as its changelog has it."""
        key = str(self._partition).encode()
        self._files.add(CONTROLS[self.application.name], [(key, encode(self._control), (), to_epoch_ms(at))])


def parts_of(event: Event) -> Parts:
    """Give key, value, headers and time of the record of an event."""
    key = None if event.partition_key is None else event.partition_key.encode()
    return key, to_value(event.data), to_headers(event), to_epoch_ms(event.time)


def write_whole(folder: Path, partitions: int) -> None:
    """Make an export of the files of all partitions."""
    topics = {topic: Topic(topic, tuple(_partition(folder, topic, n) for n in range(partitions))) for topic in TOPICS}
    manifest = Manifest(rfc3339(datetime.now(UTC)), "tests.bench.replay", CLUSTER, partitions, Content.WHOLE, topics)
    write_manifest(folder, manifest)


def _partition(folder: Path, topic: str, number: int) -> Partition:
    segments = tuple(finished(folder, Place(topic, number), WHOLE))
    (folder / topic / str(number) / FINISHED).unlink(missing_ok=True)
    return Partition(0, segments[-1].end if segments else 0, segments)
