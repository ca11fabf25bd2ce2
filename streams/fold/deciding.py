"""What a log's fold asks of who decides: an agent's part of a poll, and its timers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from schemas.events import Event
from streams.domain import Rules
from streams.fold.census import Surveyed
from streams.fold.effects import SourceRecord, Table
from streams.fold.ledger import Ledger

Due = tuple[datetime, str]
"""When a timer is due, and its key."""


class Turn(Protocol):
    """The deciding part of one poll."""

    def is_known(self, key: str) -> bool:
        """Tell whether the state knows a partition key."""

    def decide(self, record: SourceRecord, event: Event) -> None:
        """Decide on an event; raises UnreadableRecord for one that makes no sense."""

    def tick(self, record: SourceRecord, event: Event, due: Sequence[Due]) -> None:
        """Fire timers; `due` are those of the state before the poll, in the order (due, key)."""

    def changes(self) -> dict[Table, Mapping[str, Any]]:
        """Give what the poll has changed."""

    def timers(self) -> Mapping[str, datetime | None]:
        """Give the timers that the poll has set, moved or cleared."""


class Decider(Protocol):
    """What an agent decides with."""

    @property
    def tables(self) -> Sequence[Table]:
        """Its own tables."""

    @property
    def surveyed(self) -> Surveyed:
        """Say which records are counted, and as what, for the metrics."""

    def turn(self, partition: int, ledger: Ledger) -> Turn:
        """Begin a poll."""

    def timer_keys(self, partition: int) -> Iterable[str]:
        """Give every key of a restored partition that may have a timer; the tables may change between two of them."""

    def due(self, partition: int, key: str, rules: Rules) -> datetime | None:
        """Give when the timer of a key is due; None without one.

        Raises:
            PartitionPaused: the state is of a later release. Whatever else is that key's own failure: the others go on.
        """
