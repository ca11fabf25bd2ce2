"""One partition of a topic: records and transaction markers by offset, and what a committed reader may see of them."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from streams.fold.effects import Headers, OutRecord


class Record(NamedTuple):
    """A record of a log, in the shape in which aiokafka gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Writer(Protocol):
    """The transaction that a record belongs to."""

    @property
    def transactional_id(self) -> str:
        """Whose it is."""

    @property
    def is_committed(self) -> bool:
        """Whether it was decided to stand."""


class PartitionLog:
    """Append-only; `read` and `stable_end` are those of a reader, `committed` as its isolation level says."""

    __slots__ = ("_open", "_records", "_writers")

    def __init__(self) -> None:
        self._records: list[Record | None] = []
        self._writers: list[Writer | None] = []
        self._open: dict[Writer, int] = {}

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return len(self._records)

    @property
    def stable_end(self) -> int:
        """The last stable offset: the first record of the oldest transaction that has no marker yet, else the end."""
        return next(iter(self._open.values())) if self._open else len(self._records)

    def append(self, record: OutRecord, timestamp_ms: int, writer: Writer | None = None) -> int:
        """Add a record, of a transaction where one is named, and give its offset."""
        offset = len(self._records)
        if writer is not None:
            self._open.setdefault(writer, offset)
        self._records.append(Record(offset, timestamp_ms, record.key, record.value, tuple(record.headers)))
        self._writers.append(writer)
        return offset

    def mark(self, writer: Writer) -> None:
        """Add the marker that ends a transaction here; it takes an offset, as in Kafka."""
        del self._open[writer]
        self._records.append(None)
        self._writers.append(writer)

    def read(self, position: int, limit: int, *, committed: bool) -> tuple[list[Record], int]:
        """Give up to `limit` records from `position` on, and the position after them and the markers behind them."""
        end = self.stable_end if committed else len(self._records)
        found: list[Record] = []
        while position < end:
            record, writer = self._records[position], self._writers[position]
            if record is not None and not (committed and writer is not None and not writer.is_committed):
                if len(found) == limit:
                    break
                found.append(record)
            position += 1
        return found, position

    def written(self) -> Iterator[tuple[str, Record]]:
        """Give what a committed reader sees, each record with the transactional id that wrote it, empty for none."""
        for record, writer in zip(self._records[: self.stable_end], self._writers, strict=False):
            if record is not None and (writer is None or writer.is_committed):
                yield "" if writer is None else writer.transactional_id, record
