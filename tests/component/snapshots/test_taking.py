"""A snapshot is the state that the log leads to at its mark, and only where live has decided by it."""

import filecmp
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from schemas.events import Event, Source
from streams.fold.application import THE_AGENT
from streams.history import Place
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, SIGNALS
from streams.snapshots.file import read_head, read_snapshot
from streams.snapshots.folder import path_of, snapshots_in
from streams.snapshots.taking import Order, take
from streams.testing.broker import Record
from tests.component.replay.stage import Tampered
from tests.component.snapshots.stage import World

FIRST = Place(EVENTS, 0)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.fixture
def world() -> World:
    """Give a log with a short life."""
    world = World()
    world.live(25)
    return world


async def test_it_is_the_state_of_live_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    """Record by record what the changelogs of the agent have at the mark; nothing else is left in the folder."""
    before = {place: len(world.topology.read(place)) for place in (AUDIT, DEAD_LETTER)}
    taken = await world.snapshots(tmp_path)
    assert {one.place for one in taken} == {
        Place(log, partition) for log in (EVENTS, SIGNALS) for partition in range(2)
    }
    assert modes(tmp_path) == {0o600}
    assert {*files(tmp_path)} == {one.path for one in taken}
    snapshot = read_snapshot(path_of(tmp_path, FIRST, min(snapshots_in(tmp_path)[FIRST])))
    for table in ("accounts", "customers", "logins", "policies"):
        found = world.topology.cluster.read(f"txpush-agent-{table}-changelog", 0)
        last = {(one.key or b"").decode(): one.value for one in found}
        assert snapshot.tables.get(table, {}) == {key: value for key, value in last.items() if value is not None}
    assert snapshot.tables["accounts"]
    # Agents pass over marks and announcements, and over what an earlier release does not know of the same source.
    world.topology.send(Event("x:1", "snapshot.of.a.later.version", Source.OPERATOR, world.topology.now, {"n": 1}))
    assert {place: len(world.topology.read(place)) for place in before} == before
    assert (await world.replayed()).differences == 0


async def test_it_goes_on_from_the_last_one(
    world: World, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only what came since is folded, and the file is the very same as of a fold from the beginning."""
    await world.snapshots(tmp_path)
    world.live(25)
    taken = {one.place: one for one in await world.snapshots(tmp_path)}[FIRST]
    assert taken.head is not None
    early, late = sorted(snapshots_in(tmp_path)[FIRST])
    assert taken.folded <= late - early
    other = tmp_path_factory.mktemp("other")
    async with Tampered(world.topology).open() as history:
        whole = await take(history, Order(THE_AGENT, 0, other, late, taken.head.time_ms, None, 0))
    assert whole.folded > taken.folded
    (draft,) = files(other)
    assert filecmp.cmp(draft, path_of(tmp_path, FIRST, late), shallow=False)


async def test_another_log_than_was_decided_on(world: World, tmp_path: Path) -> None:
    """A state that live has not decided by is not kept; the other partitions are."""
    last = world.topology.cluster.read(AUDIT, 0)[-1]
    log = orjson.loads(last.value or b"")["topic"]
    other = last._replace(value=(last.value or b"").replace(b'"rules":[', b'"rules":["R99",'))

    def edit(records: list[Record]) -> list[Record]:
        return [other if one.offset == last.offset else one for one in records]

    taken = {one.place: one for one in await world.snapshots(tmp_path, edits={Place(AUDIT, 0): edit})}
    assert "no snapshot was taken" in (taken[Place(log, 0)].differs or "")
    assert snapshots_in(tmp_path).keys() == taken.keys() - {Place(log, 0)}


async def test_an_agent_that_is_behind(world: World, tmp_path: Path) -> None:
    """What it has decided is held against the state up to there, and the rest is as the log leads to."""
    audits = [orjson.loads(one.value or b"") for one in world.topology.cluster.read(AUDIT, 0)]
    at = [one["offset"] for one in audits if one["topic"] == EVENTS][-4]

    def edit(records: list[Record]) -> list[Record]:
        reads = [(one, orjson.loads(one.value or b"")) for one in records]
        return [one for one, read in reads if read["topic"] != EVENTS or read["offset"] < at]

    taken = await world.snapshots(tmp_path, edits={Place(AUDIT, 0): edit})
    assert {(one.error, one.differs) for one in taken} == {(None, None)}
    assert (await world.replayed()).differences == 0  # so what it has announced is the state that live came to


@pytest.mark.parametrize("kind", ["snapshot.marked", "snapshot.taken"])
async def test_what_is_not_acknowledged(world: World, tmp_path: Path, kind: str) -> None:
    """Without its mark or its announcement in the log there is no snapshot of a partition, and no file is left."""
    told: list[Place] = []

    def fails(place: Place) -> bool:
        told.append(place)
        return place == FIRST and told.count(place) == (1 if kind == "snapshot.marked" else 2)

    taken = {one.place: one for one in await world.snapshots(tmp_path, write=world.writer(fails))}
    assert "not acknowledged" in (taken[FIRST].error or "")
    assert len(files(tmp_path)) == len(taken) - 1


async def test_young_ones_are_left_alone(world: World, tmp_path: Path) -> None:
    """By themselves they are taken when the last one is old enough, by the time of the log."""
    month = timedelta(days=30)
    assert len(await world.snapshots(tmp_path, every=month)) == 4
    world.topology.advance(days=29)
    assert await world.snapshots(tmp_path, every=month) == []
    world.topology.advance(days=1)
    assert len(await world.snapshots(tmp_path, every=month)) == 4
    assert len({read_head(path).time_ms for path in files(tmp_path)}) == 2


async def test_a_log_that_begins_later(world: World, tmp_path: Path) -> None:
    """It cannot be derived from its beginning; it can from a snapshot."""
    begins = {FIRST: 3}
    taken = {one.place: one for one in await world.snapshots(tmp_path, begins=begins)}
    assert "are not there any more" in (taken[FIRST].error or "")
    await world.snapshots(tmp_path)
    taken = {one.place: one for one in await world.snapshots(tmp_path, begins=begins)}
    assert taken[FIRST].error is None
