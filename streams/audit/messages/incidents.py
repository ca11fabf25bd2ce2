"""Incidents: announced into every partition of the inbound log outside of transactions, perhaps again after a crash."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from schemas.events import EventType
from streams.audit.faults import Fault, Kind
from streams.audit.messages.found import attribute, hash_of
from streams.fold.effects import SourceRecord
from streams.fold.intake import partition_of
from streams.history import Place
from streams.kafka.topics import EVENTS

TYPES = frozenset({EventType.INCIDENT_OPENED.encode(), EventType.INCIDENT_CLOSED.encode()})
MOST = 100_000
"""Openings and closings of one partition that are compared; there are a few a day."""


@dataclass(slots=True)
class Incidents:
    """What is known of one partition number.

    Attributes:
        named: by decisions on signals: id, SHA-256 and offset of the decision.
        found: in the inbound log: id, SHA-256 of each telling, and offset of the first; and the partition of signals
            whose agent decides on the institution.
        too_many: there are more than are compared.
    """

    partition: int
    partitions: int
    named: dict[str, tuple[str, int]] = field(default_factory=dict)
    found: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    too_many: bool = False

    def name(self, message_id: str, sha256: str, by: int) -> None:
        """Take what a decision names."""
        self.too_many = self.too_many or len(self.named) >= MOST
        if not self.too_many:
            self.named[message_id] = sha256, by

    def hear(self, record: SourceRecord) -> None:
        """Hear a record of the inbound log."""
        if not any(name == "ce_type" and value in TYPES for name, value in record.headers):
            return
        self.too_many = self.too_many or len(self.found) >= MOST
        if not self.too_many:
            told = attribute(record, "ce_id"), hash_of(record.value)
            self.found.setdefault(told, (record.offset, self._decider(record)))

    def _decider(self, record: SourceRecord) -> int:
        try:
            return partition_of(str(orjson.loads(record.value or b"")["institutionId"]), self.partitions)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return 0


@dataclass(frozen=True, slots=True)
class Known:
    """How far what is compared reaches.

    Attributes:
        undecided: partitions of signals of which records wait to be decided on: what their agent has announced already
            may have no decision yet.
        is_whole: everything from the beginning on was read; else what is at the edge may have its other half outside.
        begins: the first offset of each partition of the inbound log that was read.
    """

    undecided: frozenset[int]
    is_whole: bool
    begins: Mapping[int, int]


def compared(every: Sequence[Incidents], known: Known) -> Iterator[Fault]:
    """Hold what was announced against what was decided."""
    if any(one.too_many for one in every):
        return
    named = {message_id: told for one in every for message_id, told in one.named.items()}
    for one in every:
        place = Place(EVENTS, one.partition)
        here = {message_id for message_id, _ in one.found}
        for (message_id, sha256), (offset, decider) in one.found.items():
            expected = named.get(message_id)
            if expected is None and known.is_whole and decider not in known.undecided:
                yield Fault(Kind.FORGED, place, offset, f"no decision names the announcement {message_id!r}")
            elif expected is not None and expected[0] != sha256:
                text = f"announcement {message_id!r} is not the one that decision {expected[1]} has hashed"
                yield Fault(Kind.CHANGED, place, offset, text)
        for message_id, (_, by) in named.items():
            if message_id not in here and known.is_whole and known.begins[one.partition] == 0:
                yield Fault(Kind.MISSING, place, None, f"announcement {message_id!r} of decision {by} is not there")
