"""A log that was lived through, as it is or tampered with, and its replay."""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import orjson

from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span
from streams.kafka.topics import AUDIT
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import Summary
from streams.testing import RandomFaults, Setup, Topology
from streams.testing.broker import Record
from streams.testing.history import MemoryHistory
from tests.topology.inputs import Inputs, catalogue, policies

NAMING = Naming((b"k" * 32,))
Edit = Callable[[list[Record]], list[Record]]


@cache
def lived(seed: int = 7, inputs: int = 70, partitions: int = 2) -> Topology:
    """Give a topology that had inputs of every kind, with workers that died and slept, and is at rest."""
    setup = Setup(partitions=partitions, workers=2, seed=seed, faults=RandomFaults())
    topology = Topology(setup=setup, policy=policies()[0], catalogue=catalogue())
    topology.settle()
    with topology.together():
        source = Inputs(topology, random.Random(seed))  # noqa: S311 - to be repeated, not to be secret
        for _ in range(inputs):
            source.send_one()
            topology.run(5)
    topology.advance(days=3)
    return topology


@dataclass(frozen=True)
class Tampered:
    """A history in which some partitions are not as they were written."""

    topology: Topology
    edits: Mapping[Place, Edit] = field(default_factory=dict)
    begins: Mapping[Place, int] = field(default_factory=dict)
    """Where partitions begin that do not keep all."""
    without: frozenset[str] = frozenset()
    """Topics that are not there."""

    def __str__(self) -> str:
        """Name it."""
        return "tampered"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[History]:
        yield _TamperedHistory(self)


class _TamperedHistory(MemoryHistory):
    def __init__(self, origin: Tampered) -> None:
        super().__init__(origin.topology.cluster)
        self._origin = origin

    @property
    def topics(self) -> Mapping[str, str]:
        return {name: topic for name, topic in super().topics.items() if name not in self._origin.without}

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        found = await super().spans(topics)
        return {place: Span(self._origin.begins.get(place, span.begin), span.end) for place, span in found.items()}

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        edit = self._origin.edits.get(place, list)
        whole = self._cluster.read(*place)
        found = edit([record for record in whole if record.offset < span.end])
        kept = [record for record in found if span.begin <= record.offset < span.end]
        for first in range(0, len(kept), 7):
            yield kept[first : first + 7]


async def replayed(
    topology: Topology,
    edits: Mapping[Place, Edit] | None = None,
    asked: Asked | None = None,
    *,
    lines: Path | None = None,
    origin: Tampered | None = None,
) -> Summary:
    """Replay what was lived through, in this process."""
    asked = asked or Asked()
    read = origin or Tampered(topology, edits or {})
    outcomes = await run(read, asked, How(1, NAMING, lines), lambda _more, _all: None)
    return Summary.of(outcomes, is_all=asked.is_all, policy=asked.policy)


def audits(topology: Topology, log: str, partition: int) -> list[Record]:
    """Give the audit records of one log and partition."""
    found = topology.cluster.read(AUDIT, partition)
    return [one for one in found if orjson.loads(one.value or b"{}")["topic"] == log]
