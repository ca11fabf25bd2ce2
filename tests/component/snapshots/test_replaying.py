"""A replay that goes on from a snapshot compares what one from the beginning does, and says the same of it."""

import asyncio
from collections.abc import Sequence
from html import escape
from pathlib import Path

import orjson
import pytest

from schemas.times import from_epoch_ms
from streams.history import HistoryError, Place, Span
from streams.kafka.topics import AUDIT, EVENTS, SIGNALS
from streams.replay.compare.difference import DECISION, SNAPSHOT, Cause, Difference, Verdict
from streams.replay.plan import Asked
from streams.replay.report.page import page
from streams.replay.report.table import notes
from streams.replay.summary import Summary
from streams.snapshots.file import read_head
from streams.snapshots.folder import snapshots_in
from streams.testing.broker import Record
from tests.component.replay.stage import Edit, Tampered, replayed
from tests.component.snapshots.stage import World

PLACES = [Place(log, partition) for log in (EVENTS, SIGNALS) for partition in range(2)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """Give a log with two snapshots of each partition, and a life before, between and after."""
    folder, world = tmp_path_factory.mktemp("snapshots"), World()
    for _ in range(2):
        world.live()
        assert [(one.error, one.differs) for one in asyncio.run(world.snapshots(folder))] == [(None, None)] * len(
            PLACES
        )
    world.live()
    return world, folder


def found(summary: Summary) -> Sequence[Difference]:
    return [one for outcome in summary.outcomes for one in outcome.first]


async def test_nothing_differs_and_states_are_those_that_were_announced(world: tuple[World, Path]) -> None:
    """From the beginning: all four partitions come to both states; the audit chain is over what says so."""
    lived, _ = world
    summary = await lived.replayed()
    assert (summary.differences, summary.exit_code) == (0, 0)
    assert summary.counts[SNAPSHOT, Verdict.SAME] == 2 * len(PLACES)


async def test_from_the_last_snapshot(world: tuple[World, Path]) -> None:
    """Only what is behind it is folded, and that is the same; its own announcement is among it."""
    lived, folder = world
    summary = await lived.replayed(asked=Asked(snapshots=folder))
    whole = await lived.replayed()
    assert (summary.differences, summary.exit_code) == (0, 0)
    assert summary.counts[SNAPSHOT, Verdict.SAME] == len(PLACES)
    assert 0 < summary.counts[DECISION, Verdict.SAME] < whole.counts[DECISION, Verdict.SAME]
    for outcome in summary.outcomes:
        last = max(snapshots_in(folder)[outcome.place])
        records = lived.topology.cluster.read(*outcome.place)
        assert outcome.events == outcome.compared == len([one for one in records if one.offset >= last])


async def test_a_planted_difference_is_told_alike(world: tuple[World, Path]) -> None:
    """What is changed behind a snapshot is found from it as from the beginning: the very same differences."""
    lived, folder = world
    last = {place: max(paths) for place, paths in snapshots_in(folder).items()}
    (first,) = {read_head(snapshots_in(folder)[place][last[place]]).time_ms for place in PLACES}
    since = Asked(since=from_epoch_ms(first + 1))
    for log in (EVENTS, SIGNALS):
        place = Place(AUDIT, 0)
        for edit in (without_decision(lived, log, last[Place(log, 0)]), other_rules(lived, log, last[Place(log, 0)])):
            differences = found(await lived.replayed({place: edit}, since))
            assert [one.place for one in differences] == [f"{log}/0"]
            assert found(await lived.replayed({place: edit}, Asked(since=since.since, snapshots=folder))) == differences


def decisions(lived: World, log: str, offset: int) -> list[Record]:
    """Give the decisions of partition 0 of a log behind an offset."""
    reads = [(one, orjson.loads(one.value or b"")) for one in lived.topology.cluster.read(AUDIT, 0)]
    return [one for one, read in reads if read["topic"] == log and read["offset"] > offset]


def without_decision(lived: World, log: str, offset: int) -> Edit:
    gone = decisions(lived, log, offset)[3]
    return lambda records: [one for one in records if one.offset != gone.offset]


def other_rules(lived: World, log: str, offset: int) -> Edit:
    target = decisions(lived, log, offset)[2]
    other = target._replace(value=orjson.dumps(orjson.loads(target.value or b"") | {"rules": ["R99"]}))
    return lambda records: [other if one.offset == target.offset else one for one in records]


async def test_the_first_snapshot_leads_up_to_what_lies_behind_it(world: tuple[World, Path]) -> None:
    """A range takes the last one before it; before the first one the log is folded from its beginning."""
    lived, folder = world
    early, late = sorted(snapshots_in(folder)[PLACES[0]])
    for span, events in ((Span(late - 5, late + 5), late + 5 - early), (Span(early - 5, early), early)):
        summary = await lived.replayed(asked=Asked(offsets={0: span}, snapshots=folder))
        (outcome,) = summary.outcomes
        assert (summary.differences, outcome.error) == (0, None)
        assert outcome.events == events


async def test_a_log_whose_beginning_is_gone(world: tuple[World, Path]) -> None:
    """It is derived from a snapshot; without one it cannot be."""
    lived, folder = world
    begins = {place: min(paths) for place, paths in snapshots_in(folder).items()}
    origin = Tampered(lived.topology, {}, begins)
    summary = await replayed(lived.topology, asked=Asked(snapshots=folder), origin=origin)
    assert (summary.differences, summary.exit_code) == (0, 0)
    with pytest.raises(HistoryError, match="--snapshot FOLDER"):
        await replayed(lived.topology, origin=origin)


async def test_an_announcement_of_another_state_is_named(world: tuple[World, Path]) -> None:
    """By the fold alone, from the beginning: whoever has announced it has forged it, or has derived it otherwise."""
    lived, _ = world
    place = Place(EVENTS, 1)
    (taken, *_) = [one for one in lived.topology.cluster.read(*place) if ("ce_type", b"snapshot.taken") in one.headers]
    forged = taken._replace(value=orjson.dumps(orjson.loads(taken.value or b"") | {"state_sha256": "0" * 64}))

    def edit(records: list[Record]) -> list[Record]:
        return [forged if one.offset == taken.offset else one for one in records]

    differences = found(await lived.replayed({place: edit}))
    assert (differences[0].cause, differences[0].offset, differences[0].what) == (
        Cause.SNAPSHOT,
        taken.offset,
        SNAPSHOT,
    )
    assert {one.cause for one in differences[1:]} == {Cause.INPUTS}  # the chain is over it


async def test_it_says_which_one_it_began_from(world: tuple[World, Path], tmp_path: Path) -> None:
    """In the terminal, on the page and in every line; where none was before it, that the log's beginning was."""
    lived, folder = world
    early, late = snapshots_in(folder)[PLACES[0]].items()
    lines = tmp_path / "lines"
    edits = {Place(AUDIT, 0): without_decision(lived, EVENTS, late[0])}
    for span, name in ((Span(late[0], 10_000), late[1].name), (Span(early[0] - 5, early[0]), None)):
        asked = Asked(offsets={0: span}, snapshots=folder)
        summary = await replayed(lived.topology, edits, asked, lines=lines)
        (told,) = [one for one in notes(summary) if one.startswith(f"{PLACES[0]}: from")]
        assert (name or "from the log's beginning") in told
        assert escape(told) in page(summary, "somewhere")
        written = [orjson.loads(line) for line in lines.read_text().splitlines()]
        assert [one.get("snapshot") for one in written] == ([name] if name else [])
    assert not [one for one in notes(await lived.replayed()) if "from" in one]


async def test_a_folder_without_any_is_refused(world: tuple[World, Path], tmp_path: Path) -> None:
    """In words; so is one that is not there."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(HistoryError, match="txpush snapshot --to"):
            await world[0].replayed(asked=Asked(snapshots=folder))
