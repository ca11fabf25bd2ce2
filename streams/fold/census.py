"""How many records of a partition's tables stand where: counted once, in slices, then moved by what each poll changes.

Nothing is decided by it: it is for the metrics, read when they are scraped.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

from streams.domain import Rules
from streams.fold.effects import Table

Standing = tuple[str, ...]
"""Where a record stands: the name of a census, and labels."""
Standings = tuple[Standing, ...]
"""All that a record is counted as."""


class Survey(NamedTuple):
    """What a record of a table is counted as."""

    standings: Callable[[Any, Rules], Standings]
    """Says so, under the rules in force."""
    seen: Callable[[Any], object]
    """Gives what `standings` looks at: records that are alike in it stand alike, and most that change are."""


Surveyed = Mapping[Table, Survey]
Move = tuple[Table, str, Standings, Standings]
"""A record that stands elsewhere after a poll: its table and key, where it stood, where it stands."""

_GONE: Standings = ()


class Census:
    """The count of one partition; the tables show the state before a poll until `accept` is called with its moves."""

    def __init__(self, surveyed: Surveyed, partition: int, rules: Rules) -> None:
        self._surveyed = surveyed
        self._partition = partition
        self._rules = rules
        self._counts: Counter[Standing] = Counter()
        self._begun_as: dict[tuple[Table, str], Standings] = {}
        """Where records stood at the start that have moved before they were looked at."""
        self._unseen: Iterator[tuple[Table, str]] | None = self._keys()

    @property
    def counts(self) -> Counter[Standing]:
        """The records by where they stand; too few until all were looked at."""
        return self._counts

    def _keys(self) -> Iterator[tuple[Table, str]]:
        """Give every record that there is now: the tables may change between two of them."""
        keys = [zip(repeat(table), list(table.partition(self._partition))) for table in self._surveyed]
        return chain.from_iterable(keys)

    def look(self, records: int) -> bool:
        """Look at so many more; True when none is left."""
        if self._unseen is None:
            return True
        seen = list(islice(self._unseen, records))
        for place in seen:
            begun_as = self._begun_as.get(place)
            self._counts.update(self._stands(*place) if begun_as is None else begun_as)
        if len(seen) < records:
            self._unseen, self._begun_as = None, {}
        return self._unseen is None

    def _stands(self, table: Table, key: str) -> Standings:
        record = table.partition(self._partition).get(key)
        return _GONE if record is None else self._surveyed[table].standings(record, self._rules)

    def moves(self, changes: Mapping[Table, Mapping[str, Any]]) -> Sequence[Move]:
        """Give the records that a poll moves, before it stands; None among the changes drops a record."""
        moved = []
        for table, (standings, seen) in self._surveyed.items():
            changed = changes.get(table)
            if not changed:
                continue
            records = table.partition(self._partition)
            for key, record in changed.items():
                known = records.get(key)
                if known is not None and record is not None and seen(known) == seen(record):
                    continue
                was = _GONE if known is None else standings(known, self._rules)
                now = _GONE if record is None else standings(record, self._rules)
                if was != now:
                    moved.append((table, key, was, now))
        return moved

    def accept(self, moves: Sequence[Move]) -> None:
        """Count the moves of a poll that stands."""
        for table, key, was, now in moves:
            self._counts.subtract(was)
            self._counts.update(now)
            for place in was:
                if not self._counts[place]:  # or every institution that ever failed would stay
                    del self._counts[place]
            if self._unseen is not None:
                self._begun_as.setdefault((table, key), was)
