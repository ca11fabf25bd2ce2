"""A dead letter where it is kept: its place, where its record came from, and which letters somebody asks for."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from schemas.audit import DeadLetter, DeadLetterReason
from schemas.contract.channels import Component
from schemas.events import Source
from streams.kafka.topics import EVENTS, LOOKUP, SIGNALS

READERS = {EVENTS: Component.AGENT, SIGNALS: Component.INSTITUTIONS, LOOKUP: Component.EXECUTOR}
"""Who sets records of a topic aside."""
_PLACE = re.compile(r"(?:(.+)/)?(\d{1,9})/(\d{1,18})")


class LetterId(NamedTuple):
    """The name of a dead letter: its partition and offset in `aggregation.dead-letter`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Write it as operators type it."""
        return f"{self.partition}/{self.offset}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read what `str` gives."""
        found = _PLACE.fullmatch(text)
        return None if found is None or found[1] else cls(int(found[2]), int(found[3]))


class Origin(NamedTuple):
    """The place of a record in a log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Write it as dead letters have it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter as it lies in its topic."""

    id: LetterId
    written_at: datetime
    key: bytes | None
    letter: DeadLetter

    @property
    def origin(self) -> Origin | None:
        """Where the record was in a log; None for one that never was in any: the bridge set it aside."""
        found = _PLACE.fullmatch(self.letter.origin)
        return Origin(found[1], int(found[2]), int(found[3])) if found is not None and found[1] in READERS else None

    @property
    def component(self) -> Component | None:
        """Who set it aside."""
        if self.letter.origin.startswith(f"{Source.BRIDGE}/"):
            return Component.BRIDGE
        return None if self.origin is None else READERS[self.origin.topic]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead letters are asked for; what is left out chooses all. Times are those of writing."""

    ids: frozenset[LetterId] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    reasons: frozenset[DeadLetterReason] = frozenset()
    topic: str | None = None
    partition: int | None = None
    component: Component | None = None

    def has(self, kept: Kept) -> bool:
        """Tell whether a dead letter is among them."""
        topic = None if kept.origin is None else kept.origin.topic
        return (
            (not self.ids or kept.id in self.ids)
            and (self.since is None or kept.written_at >= self.since)
            and (self.until is None or kept.written_at < self.until)
            and (not self.reasons or kept.letter.reason in self.reasons)
            and self.topic in (None, topic)
            and self.partition in (None, kept.id.partition)
            and self.component in (None, kept.component)
        )

    def starts(self, partition: int) -> int | None:
        """Give the first offset that is of interest in a partition, None where nothing in it is."""
        if self.partition not in (None, partition):
            return None
        if self.ids:
            return min((one.offset for one in self.ids if one.partition == partition), default=None)
        return 0
