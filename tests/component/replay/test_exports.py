"""A replay of an export: the same as of the cluster that it was made of."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from streams.history import Content, HistoryError, Origin
from streams.history.exports.history import ExportOrigin
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import Summary
from tests.component.export.build import exported, origin_of, traffic
from tests.component.snapshots.stage import taken_of


def replayed(origin: Origin, lines: Path | None = None, snapshots: Path | None = None) -> Summary:
    """Replay all of it in this process."""
    naming = Naming((bytes(32),), False)  # noqa: FBT003 - by position as the command gives it
    outcomes = asyncio.run(run(origin, Asked(snapshots=snapshots), How(1, naming, lines), lambda *_: None))
    return Summary.of(outcomes, is_all=True, policy=None)


@pytest.mark.parametrize("content", [Content.WHOLE, Content.STRIPPED])
def test_an_export_is_replayed_as_its_cluster(tmp_path: Path, content: Content) -> None:
    """Nothing differs, and as much is compared."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, content=content)
        there = replayed(origin_of(topology))
    found = replayed(ExportOrigin(tmp_path))
    assert (found.exit_code, there.exit_code) == (0, 0)
    assert [replace(one, seconds=0) for one in found.outcomes] == [replace(one, seconds=0) for one in there.outcomes]


def test_an_export_is_replayed_from_a_snapshot(tmp_path: Path) -> None:
    """One that was taken of its cluster; the export is of as much as was there then, or of more."""
    with traffic() as topology:
        asyncio.run(taken_of(topology, tmp_path))
        topology.advance(days=9)
        exported(origin_of(topology), tmp_path / "export")
    found = replayed(ExportOrigin(tmp_path / "export"), snapshots=tmp_path)
    assert (found.exit_code, found.differences) == (0, 0)
    assert {outcome.compared for outcome in found.outcomes} == {outcome.events for outcome in found.outcomes}


def test_other_names_are_refused(tmp_path: Path) -> None:
    """In words that say what to read."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, content=Content.PSEUDONYMISED)
    with pytest.raises(HistoryError, match=r"txpush export --whole"):
        replayed(ExportOrigin(tmp_path))
