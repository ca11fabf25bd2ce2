"""A restored cluster goes on with the chains of its former one: who says so replays it, and takes snapshots of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.kafka.topics import EVENTS, SIGNALS
from streams.replay.compare.difference import SNAPSHOT, Cause, Verdict
from streams.replay.plan import Asked
from streams.replay.run import How
from streams.replay.run import run as replay
from streams.replay.summary import Summary
from streams.snapshots.run import HowTaken, run
from streams.snapshots.taking import Taken
from streams.testing.applications import CLUSTER
from streams.testing.broker import Cluster
from streams.testing.history import MemoryHistory, MemoryOrigin
from tests.component.replay.stage import NAMING
from tests.component.snapshots.stage import World

FORMER = (f"{CLUSTER}/{EVENTS}", f"{CLUSTER}/{SIGNALS}")
PLACES = 4


class _RestoredHistory(MemoryHistory):
    def identity(self, topic: str) -> str:
        return f"restored/{topic}"


@dataclass(frozen=True, slots=True)
class Restored(MemoryOrigin):
    """The same records on a cluster of another name."""

    cluster: Cluster

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MemoryHistory]:
        yield _RestoredHistory(self.cluster)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """Give a log with snapshots of the former cluster, and a life before and after."""
    logging.disable()
    folder, world = tmp_path_factory.mktemp("snapshots"), World()
    world.live(20)
    assert {one.error for one in asyncio.run(world.snapshots(folder))} == {None}
    world.live(20)
    return world, folder


async def replayed(world: World, asked: Asked) -> Summary:
    outcomes = await replay(Restored(world.topology.cluster), asked, How(1, NAMING), lambda *_: None)
    return Summary.of(outcomes, is_all=asked.is_all)


async def taken(world: World, folder: Path, former: tuple[str, ...]) -> list[Taken]:
    how = HowTaken(folder, world.writer(), lambda: world.topology.now, former=former)
    return await run(Restored(world.topology.cluster), how)


async def test_a_replay_is_told_of_the_former_name(world: tuple[World, Path]) -> None:
    """With it nothing differs, states of snapshots included; without it no state is the one that was announced."""
    lived, _ = world
    whole = await replayed(lived, Asked(former=FORMER))
    assert (whole.differences, whole.exit_code) == (0, 0)
    assert whole.counts[SNAPSHOT, Verdict.SAME] >= PLACES
    found = await replayed(lived, Asked())
    assert {outcome.first[0].cause for outcome in found.outcomes} == {Cause.SNAPSHOT}


async def test_snapshots_go_on_across_it(world: tuple[World, Path], tmp_path: Path) -> None:
    """From those of the former cluster, and from the beginning; replays go on from both, and what differs is found."""
    lived, folder = world
    for place in (folder, tmp_path):
        assert [(one.error, one.differs) for one in await taken(lived, place, FORMER)] == [(None, None)] * PLACES
        assert (await replayed(lived, Asked(snapshots=place, former=FORMER))).exit_code == 0
    assert (await replayed(lived, Asked(former=FORMER))).differences == 0


async def test_who_is_not_told_goes_on_from_nothing(world: tuple[World, Path], tmp_path: Path) -> None:
    """In words that name the option."""
    lived, folder = world
    outcomes = (await replayed(lived, Asked(snapshots=folder))).outcomes
    assert ["--former" in (one.error or "") for one in outcomes] == [True] * PLACES
    assert all(one.differs for one in await taken(lived, tmp_path, ()))
