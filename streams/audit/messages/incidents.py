"""Incidents: announced into every partition of the inbound log outside of transactions, perhaps again after a crash."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from schemas.cloudevents import id_of
from schemas.events import EventType
from schemas.problems import UNREADABLE
from streams.audit.faults import Fault, Kind
from streams.fold.effects import SourceRecord, type_of
from streams.fold.intake import partition_of
from streams.fold.messages import hash_of
from streams.history import Place
from streams.kafka.topics import EVENTS

TYPES = frozenset({EventType.INCIDENT_OPENED.encode(), EventType.INCIDENT_CLOSED.encode()})
MOST = 100_000
"""Openings and closings of one partition that are compared; there are a few a day."""


class _Said(msgspec.Struct, frozen=True):
    institution_id: str
    sequence: int


_read = msgspec.json.Decoder(_Said).decode


class Announced(NamedTuple):
    """An announcement as it was found.

    Attributes:
        decider: the partition of signals whose agent decides on the institution.
        at_ms: when it was decided, as it says itself; 0 where it does not.
        newest_ms: the latest time of the records up to it in its partition.
    """

    offset: int
    decider: int
    at_ms: int
    newest_ms: int


class Decided(NamedTuple):
    """An announcement as a decision names it: `by` is the decision's offset, `at_ms` its time."""

    sha256: str
    by: int
    at_ms: int


@dataclass(slots=True)
class Incidents:
    """What is known of one partition number.

    Attributes:
        named: by decisions on signals, by id.
        found: in the inbound log, by id and SHA-256: the first telling.
        too_many: there are more than are compared.
        heard_to: the offset behind the last record that was heard.
    """

    partition: int
    partitions: int
    named: dict[str, Decided] = field(default_factory=dict)
    found: dict[tuple[str, str], Announced] = field(default_factory=dict)
    too_many: bool = False
    heard_to: int = 0
    newest_ms: int = 0
    """The latest time of the records that were heard."""

    def name(self, message_id: str, decided: Decided) -> None:
        """Take what a decision names."""
        self.too_many = self.too_many or len(self.named) >= MOST
        if not self.too_many:
            self.named[message_id] = decided

    def hear(self, record: SourceRecord) -> None:
        """Hear a record of the inbound log."""
        self.newest_ms, self.heard_to = max(self.newest_ms, record.timestamp), record.offset + 1
        if type_of(record) not in TYPES:
            return
        self.too_many = self.too_many or len(self.found) >= MOST
        if not self.too_many:
            told = id_of(record.headers), hash_of(record.value)
            decider, at_ms = self._read(record)
            self.found.setdefault(told, Announced(record.offset, decider, at_ms, self.newest_ms))

    def _read(self, record: SourceRecord) -> tuple[int, int]:
        try:
            said = _read(record.value or b"")
        except UNREADABLE:
            return 0, 0
        return partition_of(said.institution_id, self.partitions), said.sequence


@dataclass(frozen=True, slots=True)
class Known:
    """How far what is compared reaches.

    Attributes:
        undecided: partitions of signals of which records wait to be decided on: what their agent has announced already
            may have no decision yet.
        is_whole: everything from the beginning on was read; else what is at the edge may have its other half outside.
        ends: of each partition of the inbound log when its end was asked for; what came later has its decision there
            where that partition was looked at again, too.
    """

    undecided: frozenset[int]
    is_whole: bool
    ends: Mapping[int, int]

    def is_sure(self, partition: int, found: Announced) -> bool:
        """Tell whether the decision on an announcement was read, if there is one."""
        return self.is_whole and found.decider not in self.undecided and found.offset < self.ends[partition]


def forged(message_id: str, place: Place, offset: int) -> Fault:
    """Tell of an announcement that nobody has decided on."""
    return Fault(Kind.FORGED, place, offset, f"no decision names the announcement {message_id!r}")


def changed(message_id: str, place: Place, offset: int, by: int) -> Fault:
    """Tell of one that is not as it was decided."""
    text = f"announcement {message_id!r} is not the one that decision {by} has hashed"
    return Fault(Kind.CHANGED, place, offset, text)


def missing(message_id: str, place: Place, by: int) -> Fault:
    """Tell of one that was decided, and is not there."""
    return Fault(Kind.MISSING, place, None, f"announcement {message_id!r} of decision {by} is not there")


def compared(every: Sequence[Incidents], known: Known) -> Iterator[Fault]:
    """Hold what was announced against what was decided; of what was not heard `unheard` tells."""
    if any(one.too_many for one in every):
        return
    named = {message_id: told for one in every for message_id, told in one.named.items()}
    for one in every:
        place = Place(EVENTS, one.partition)
        for (message_id, sha256), found in one.found.items():
            expected = named.get(message_id)
            if expected is None and known.is_sure(one.partition, found):
                yield forged(message_id, place, found.offset)
            elif expected is not None and expected.sha256 != sha256:
                yield changed(message_id, place, found.offset, expected.by)


def unheard(every: Sequence[Incidents]) -> Mapping[int, Mapping[str, Decided]]:
    """Give those that decisions name and that were not heard, by id, for each partition of the inbound log."""
    if any(one.too_many for one in every):
        return {}
    named = {message_id: told for one in every for message_id, told in one.named.items()}
    found = {one.partition: {message_id for message_id, _ in one.found} for one in every}
    lacking = {
        partition: {message_id: told for message_id, told in named.items() if message_id not in here}
        for partition, here in found.items()
    }
    return {partition: those for partition, those in lacking.items() if those}
