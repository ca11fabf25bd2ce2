"""Holds what a run has left for a committed reader against a plain fold of each partition of the log, in one go."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import orjson

from schemas.signals import SignalType
from streams.fold.chain import first_link
from streams.fold.effects import Effects, OutRecord
from streams.fold.logfold import LogFold
from streams.kafka.topics import AUDIT, contract
from streams.testing.applications import CLUSTER, Application
from streams.testing.broker import Cluster, Record
from streams.testing.workers import as_record

Place = tuple[str, int]
Said = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...], int | None]
"""Key, value, headers and timestamp; None for the time of writing."""

CUT_BY_POLLS = ("ce_type", SignalType.HEALTHY.value.encode())
"""Counts of successes are one a transaction (R9): how many there are depends on how the log is cut into polls."""


@dataclass(frozen=True, slots=True)
class Check:
    """Checks a cluster at rest."""

    cluster: Cluster
    applications: Sequence[Application]
    partitions: int
    new_fold: Callable[[Application], LogFold]
    """Gives the fold of an application on empty tables."""

    def problems(self) -> list[str]:
        """Give every difference in words; none means that nothing was lost, doubled, or left half done."""
        written = self._written()
        problems: list[str] = []
        for application in self.applications:
            told: set[tuple[Place, Said]] = set()
            for partition in range(self.partitions):
                problems += self._of(application, partition, written, told)
            problems += _told(application, told, written.get("", {}))
        return problems

    def _written(self) -> Mapping[str, Mapping[Place, list[Record]]]:
        """Give what a committed reader sees, by transactional id and place."""
        found: dict[str, dict[Place, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for place in self.cluster.places:
            for writer, record in self.cluster.log(*place).written():
                found[writer][place].append(record)
        return found

    def _of(
        self,
        application: Application,
        partition: int,
        written: Mapping[str, Mapping[Place, list[Record]]],
        told: set[tuple[Place, Said]],
    ) -> Iterator[str]:
        name = f"{application.log}/{partition}"
        offset = self.cluster.committed(application.name, application.log, partition) or 0
        log = self.cluster.log(application.log, partition)
        if log.read(offset, 1, committed=True)[0]:
            yield f"{name}: records from {offset} on were not read"
        records = [record for record in self.cluster.read(application.log, partition) if record.offset < offset]
        fold, effects = self._folded(application, partition, records)
        told |= {
            ((log, place), _as_said(as_record(event, None)))
            for log, event in effects.announced
            for place in range(self.partitions)
        }
        mine = written.get(application.transactional_id(partition), {})
        yield from _messages(name, effects, mine)
        yield from _tables(name, fold, partition, mine)
        yield from _chain(application, partition, mine.get((AUDIT, partition), []))

    def _folded(self, application: Application, partition: int, records: Sequence[Record]) -> tuple[LogFold, Effects]:
        fold = self.new_fold(application)
        for table in fold.tables:
            table.take(partition, {})
        fold.opened(partition)
        effects = fold.fold(partition, records)
        for table, changes in effects.changes.items():
            table.apply(partition, changes)
        return fold, effects


def _told(
    application: Application, expected: set[tuple[Place, Said]], alone: Mapping[Place, Sequence[Record]]
) -> Iterator[str]:
    """Compare what was told into other logs outside of transactions: all of it, perhaps again, and nothing else."""
    mine = ("ce_source", application.source.encode())
    found = {
        (place, _as_found(record))
        for place, records in alone.items()
        for record in records
        if place[0] != application.log and mine in record.headers
    }
    for place, said in expected - found:
        yield f"{application.name}: {place[0]}/{place[1]} was never told {said!r}"
    for place, said in found - expected:
        yield f"{application.name}: {place[0]}/{place[1]} was told {said!r} for nothing"


def _messages(name: str, effects: Effects, mine: Mapping[Place, Sequence[Record]]) -> Iterator[str]:
    """Compare what was said: all of it in order, of compacted topics the last word on each key."""
    expected = effects.outbox.records
    for place in sorted(expected.keys() | {place for place in mine if place[0] not in changelogs()}):
        said = [_as_said(record) for record in expected.get(place, ())]
        found = [_as_found(record) for record in mine.get(place, ())]
        if all(timestamp is None for *_, timestamp in said):
            found = [(key, value, headers, None) for key, value, headers, _ in found]
        if place[0] in compacted():
            last, had_last = {one[0]: one[1] for one in said}, {one[0]: one[1] for one in found}
            for key in last.keys() | had_last.keys():
                if last.get(key) != had_last.get(key):
                    yield f"{name}: {place[0]}[{key!r}] should be {last.get(key)!r}, is {had_last.get(key)!r}"
        elif (kept := _kept(said)) != (had := _kept(found)):
            yield f"{name}: {place[0]}/{place[1]} should have {len(kept)} messages, has {len(had)}; {_first(kept, had)}"


def _as_said(record: OutRecord) -> Said:
    return record.key, record.value, tuple(record.headers), record.timestamp_ms


def _as_found(record: Record) -> Said:
    return record.key, record.value, tuple(record.headers), record.timestamp


def _kept(said: Sequence[Said]) -> list[Said]:
    return [one for one in said if CUT_BY_POLLS not in one[2]]


def _first(expected: Sequence[Said], found: Sequence[Said]) -> str:
    for number, (one, other) in enumerate(zip(expected, found, strict=False)):
        if one != other:
            return f"number {number} should be {one!r}, is {other!r}"
    shorter = min(len(expected), len(found))
    return f"number {shorter} is {[*expected, *found][shorter : shorter + 1]!r}"


def _tables(name: str, fold: LogFold, partition: int, mine: Mapping[Place, Sequence[Record]]) -> Iterator[str]:
    """Compare every table with its changelog."""
    for table in fold.tables:
        expected = {key.encode(): table.encode(value) for key, value in table.partition(partition).items()}
        last = {record.key: record.value for record in mine.get((table.topic, partition), ())}
        held = {key: value for key, value in last.items() if value is not None}
        for key in expected.keys() | held.keys():
            if expected.get(key or b"") != held.get(key):
                yield f"{name}: {table.name}[{key!r}] should be {expected.get(key or b'')!r}, is {held.get(key)!r}"


def _chain(application: Application, partition: int, audits: Sequence[Record]) -> Iterator[str]:
    """Walk the audit chain."""
    head = first_link(f"{CLUSTER}/{application.log}", partition)
    for record in audits:
        value = record.value or b"{}"
        if orjson.loads(value).get("previous") != head:
            yield f"{application.log}/{partition}: the audit chain breaks at offset {record.offset}"
        head = hashlib.sha256(value).hexdigest()


@cache
def compacted() -> frozenset[str]:
    """Name the topics of which only the last word on each key counts."""
    return frozenset(topic.name for topic in contract() if topic.config.get("cleanup.policy") == "compact")


@cache
def changelogs() -> frozenset[str]:
    """Name the topics of the tables."""
    return frozenset(name for name in compacted() if name.endswith("-changelog"))
