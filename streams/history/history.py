"""What can be asked of topics that were written once: which there are, how far they go, and their records in order."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

import msgspec

from streams.fold.effects import SourceRecord

LARGEST = 2**63 - 1
"""Of Kafka's offsets and times."""
Number = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""Of a partition or an offset, or a count of records, where anybody may have written it: no other can be."""


class HistoryError(RuntimeError):
    """What was written cannot be read; the message names the place, and the next step."""


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        """Give `topic/partition`."""
        return f"{self.topic}/{self.partition}"


class Span(NamedTuple):
    """Offsets of a partition, from `begin` up to but not with `end`."""

    begin: int
    end: int

    @property
    def offsets(self) -> int:
        """Count them; there are fewer records where transactions end, and where a topic is compacted."""
        return max(0, self.end - self.begin)

    def within(self, other: "Span") -> "Span":
        """Give what both have."""
        begin = max(self.begin, other.begin)
        return Span(begin, max(begin, min(self.end, other.end)))


class Content(StrEnum):
    """What of the records of a history is as it was written."""

    WHOLE = "whole"
    """Every byte: hashes in audit records, and the chain, can be checked."""
    STRIPPED = "stripped"
    """All but the links in commands, and the ids of customers who were forgotten, which other names stand for."""
    PSEUDONYMISED = "pseudonymised"
    """Other names stand for every customer, account and login; commands have no links."""


class History(Protocol):
    """Topics that can be read any number of times; nothing is written, and no group is joined."""

    @property
    def cluster_id(self) -> str:
        """The cluster on which the records were written."""

    @property
    def topics(self) -> Mapping[str, str]:
        """The topics that are there, each with its id."""

    @property
    def partitions(self) -> int:
        """Of every topic: they have as many."""

    @property
    def content(self) -> Content:
        """What of the records is as it was: all, or the like of it that an export has to be shared."""

    def identity(self, topic: str) -> str:
        """Give `<cluster id>/<topic id>`, what audit chains are named by.

        Raises:
            HistoryError: there is no such topic.
        """

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Give what is there of each partition now: from the first record kept to the end of what is committed.

        Raises:
            HistoryError: a topic is missing, or nobody answers.
        """

    async def offset_since(self, place: Place, at: datetime) -> int:
        """Give the first offset whose record is of a time or later; the end where there is none."""

    def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        """Give the committed records of a span in order, many at a time; it ends where the span ends.

        Raises:
            HistoryError: a record cannot be read, is gone by now, or does not come in time.
        """


class Origin(Protocol):
    """Where a history is: small, and the same in another process, which opens it for itself."""

    def open(self) -> AbstractAsyncContextManager[History]:
        """Open it.

        Raises:
            HistoryError: it is not there, or not to be read.
        """

    def __str__(self) -> str:
        """Name it for people."""
