"""A replay of an export: the same as of the cluster that it was made of."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.policy import Contact, Policy
from streams.history import Content, HistoryError, Origin
from streams.history.exports.history import ExportOrigin
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import Summary
from tests.component.export.build import CUSTOMERS, exported, forgotten, origin_of, traffic
from tests.component.snapshots.stage import taken_of

SAME = Policy.load()
QUIET = SAME.model_copy(update={"version": "quiet", "contact": Contact(reminder_days=())})
ADVICE = {
    Content.STRIPPED: r"somebody was forgotten .* leave --file out",
    Content.PSEUDONYMISED: r"without --pseudonymised, or leave --file out",
}


def replayed(origin: Origin, snapshots: Path | None = None, policy: Policy | None = None) -> Summary:
    """Replay all of it in this process."""
    asked, how = Asked(snapshots=snapshots, policy=policy), How(1, Naming((bytes(32),)))
    outcomes = asyncio.run(run(origin, asked, how, lambda *_: None))
    return Summary.of(outcomes, is_all=asked.is_all, policy=policy)


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


@pytest.mark.parametrize("content", [Content.STRIPPED, Content.PSEUDONYMISED])
def test_other_names_are_refused(tmp_path: Path, content: Content) -> None:
    """Of all customers, or of one who was forgotten: hashes fit nowhere, and the words say what to read."""
    with traffic(forgotten(CUSTOMERS[1], 5000)) as topology:
        exported(origin_of(topology), tmp_path, content=content)
    with pytest.raises(HistoryError, match=ADVICE[content]):
        replayed(ExportOrigin(tmp_path))


@pytest.mark.parametrize("content", [Content.STRIPPED, Content.PSEUDONYMISED])
def test_other_names_are_good_for_another_policy(tmp_path: Path, content: Content) -> None:
    """Commands are matched by ids, which follow from the names: a shared export shows what would have happened."""
    with traffic(forgotten(CUSTOMERS[1], 5000)) as topology:
        exported(origin_of(topology), tmp_path, content=content)
        there = {policy: replayed(origin_of(topology), policy=policy) for policy in (SAME, QUIET)}
    for policy, expected in there.items():
        found = replayed(ExportOrigin(tmp_path), policy=policy)
        assert (found.failed, found.what_if) == ([], expected.what_if)
        assert found.exit_code == (0 if policy is SAME else 1)


def test_a_snapshot_is_not_gone_on_from_under_other_names(tmp_path: Path) -> None:
    """Its state knows the customers by their ids."""
    with traffic() as topology:
        asyncio.run(taken_of(topology, tmp_path))
        exported(origin_of(topology), tmp_path / "export", content=Content.PSEUDONYMISED)
    with pytest.raises(HistoryError, match="leave --file out"):
        replayed(ExportOrigin(tmp_path / "export"), snapshots=tmp_path, policy=SAME)
