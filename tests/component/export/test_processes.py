"""The work on every partition in processes: nothing is missing, and one that fails is named while others go on."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from streams.export.choices import Choices, ExportError, chosen_topics
from streams.export.reading import Tick
from streams.export.run import Run
from streams.export.workers import on_every_partition
from streams.history import Content
from streams.history.exports.history import ExportOrigin
from streams.testing.topology import START
from tests.component.export.build import exported, origin_of, traffic
from tests.component.export.test_export import same


@dataclass(frozen=True)
class Counting:
    """Work that fails at one number."""

    fails_at: int

    def __call__(self, number: int, tick: Tick) -> int:
        tick(10 + number)
        if number == self.fails_at:
            raise ExportError("no more room")
        return number * number


def test_a_failure_is_named_and_the_others_go_on() -> None:
    """In one process and in two; what was done is told of by all."""
    for processes in (1, 2):
        told: list[int] = []
        outcome = on_every_partition(Counting(1), range(4), processes, told.append)
        assert outcome.results == {0: 0, 2: 4, 3: 9}
        assert outcome.failed == {1: "no more room"}
        assert sum(told) == 46


def test_two_processes_export_the_same(tmp_path: Path) -> None:
    """An export of an export, whose origin can go to another process, has the same records."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path / "one")
    origin, said = ExportOrigin(tmp_path / "one"), list[str]()
    choices = Choices(chosen_topics((), secrets=False, until=False), Content.WHOLE)
    Run(origin, tmp_path / "two", choices, 2, b"", START, say=said.append).go()
    assert asyncio.run(same(origin, ExportOrigin(tmp_path / "two"))) > 200
