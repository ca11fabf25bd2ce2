"""A record of the look-up topic in hand, and the look-up that it is, if it is one."""

from dataclasses import dataclass

from pydantic import ValidationError

from schemas.commands import Lookup
from streams.subscribe.core import Partition, RawRecord


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A record in hand; one that is read again, as after a rebalance, is another."""

    record: RawRecord
    lookup: Lookup | None

    @classmethod
    def of(cls, record: RawRecord) -> "Work":
        """Read a record; what is wrong with one that is no look-up may quote it, and stays here."""
        try:
            return cls(record, Lookup.model_validate_json(record.value or b""))
        except ValidationError:
            return cls(record, None)

    @property
    def place(self) -> tuple[Partition, int]:
        """Where it lies."""
        return self.record.partition, self.record.offset

    def __str__(self) -> str:
        """Name its place."""
        return f"{self.record.partition.topic}/{self.record.partition.number}/{self.record.offset}"
