"""Signals: what decisions on one partition name, against what is found of it in all partitions of the second log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.cloudevents import id_of
from schemas.signals import SignalType
from streams.audit.faults import Fault, Kind
from streams.audit.messages.buckets import Buckets
from streams.audit.messages.found import SignalId
from streams.fold.effects import SourceRecord, type_of
from streams.fold.intake import partition_of
from streams.fold.messages import hash_of
from streams.history import Place
from streams.kafka.topics import SIGNALS

TYPES = frozenset({SignalType.FAILING.encode(), SignalType.LEFT.encode(), SignalType.TICKET_WANTED.encode()})
"""Counts of healthy logins are one a transaction, and named by no decision."""
MOST_FAULTS = 10


def is_signal(record: SourceRecord) -> bool:
    """Tell whether a record is one that a decision has to name."""
    return type_of(record) in TYPES


@dataclass(slots=True)
class FoundSignals:
    """What one partition of signals has of each partition of the inbound log; sums by its number.

    Attributes:
        first: the first that is there of each.
        last: the last one; those of one partition come in the order of their causes.
    """

    partition: int
    sums: dict[int, Buckets] = field(default_factory=dict)
    first: dict[int, SignalId] = field(default_factory=dict)
    last: dict[int, SignalId] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class Signals:
    """Hears the records of a partition of signals.

    Args:
        partitions: how many there are.
        since: for each partition of the inbound log, the offset from which on its decisions are read.
        checked_to: the offset up to which those of earlier decisions were compared before; None where none were.
    """

    def __init__(self, partition: int, partitions: int, since: Mapping[int, int], checked_to: int | None) -> None:
        self.found = FoundSignals(partition)
        self._partitions = partitions
        self._since = since
        self._checked_to = checked_to

    def __call__(self, record: SourceRecord) -> None:
        """Hear one."""
        if not is_signal(record):
            return
        written = id_of(record.headers)
        name = SignalId.read(written)
        if name is None or name.partition >= self._partitions or str(name) != written:
            self._fault(Kind.FORGED, record, f"no decision names a signal {written[:80]!r}")
        elif name.offset < self._since.get(name.partition, 0):
            if self._checked_to is not None and record.offset >= self._checked_to:
                self._fault(Kind.FORGED, record, f"signal {name} came after all decisions up to there were compared")
        elif partition_of(record.key or b"", self._partitions) != self.found.partition:
            self._fault(Kind.MOVED, record, f"signal {name} does not belong here: its key has another partition")
        else:
            self._take(name, record)

    def _take(self, name: SignalId, record: SourceRecord) -> None:
        found = self.found
        if name <= found.last.get(name.partition, SignalId(-1, -1, -1)):
            self._fault(Kind.MOVED, record, f"signal {name} is not in its order")
        found.first.setdefault(name.partition, name)
        found.last[name.partition] = name
        sums = found.sums.setdefault(name.partition, Buckets())
        sums.add(name.offset, str(name), hash_of(record.value), record.offset)

    def _fault(self, kind: Kind, record: SourceRecord, text: str) -> None:
        if len(self.found.faults) < MOST_FAULTS:
            self.found.faults.append(Fault(kind, Place(SIGNALS, self.found.partition), record.offset, text))


def gone_before(found: Sequence[FoundSignals], begins: Mapping[int, int], source: int) -> SignalId | None:
    """Give the first signal of a partition of the inbound log that must be there; None where each may be gone.

    `begins` are the first offsets kept of each partition of signals: what was in front of them, retention has removed.
    """
    since = SignalId(source, -1, -1)
    for one in found:
        if begins[one.partition] > 0:
            first = one.first.get(source)
            if first is None:
                return None
            since = max(since, first)
    return since
