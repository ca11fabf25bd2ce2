"""A replay of an export: the same as of the cluster that it was made of."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.policy import Contact, Policy
from schemas.times import to_epoch_ms
from streams.export.names.names import Names
from streams.fold.intake import partition_of
from streams.history import Content, HistoryError, Origin, Span
from streams.history.exports.history import ExportOrigin
from streams.kafka.topics import EVENTS
from streams.replay.compare.difference import DECISION, Verdict
from streams.replay.names import Naming
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import Summary
from streams.testing.topology import START
from tests.component.export.build import CUSTOMERS, KEY, MINUTE, exported, forgotten, origin_of, traffic
from tests.component.snapshots.stage import taken_of

HOW = How(1, Naming((bytes(32),)))
SAME = Policy.load()
QUIET = SAME.model_copy(update={"version": "quiet", "contact": Contact(reminder_days=())})
ADVICE = {
    Content.STRIPPED: r"somebody was forgotten .* leave --file out",
    Content.PSEUDONYMISED: r"without --pseudonymised, or leave --file out",
}


def replayed(
    origin: Origin,
    snapshots: Path | None = None,
    policy: Policy | None = None,
    customers: frozenset[str] = frozenset(),
) -> Summary:
    """Replay all of it in this process."""
    asked = Asked(snapshots=snapshots, policy=policy, customers=customers)
    how = How(1, Naming((bytes(32),), hides_all=bool(customers)))
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
    with pytest.raises(HistoryError, match="leave --snapshot out"):
        replayed(ExportOrigin(tmp_path / "export"), snapshots=tmp_path, policy=SAME)


def test_an_export_of_one_customer_is_replayed_for_them(tmp_path: Path) -> None:
    """The log of institutions, and what rolls over the records of all, would tell of the others as removed."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, customers=(CUSTOMERS[2],))
    found = replayed(ExportOrigin(tmp_path))
    assert (found.exit_code, found.differences) == (0, 0)
    assert found.counts[DECISION, Verdict.SAME] > 5
    assert {outcome.place.topic for outcome in found.outcomes} == {EVENTS}
    assert replayed(ExportOrigin(tmp_path), customers=frozenset({CUSTOMERS[2]})).counts == found.counts
    with pytest.raises(HistoryError, match=f"nothing of customer {CUSTOMERS[3]}, only of {CUSTOMERS[2]}"):
        replayed(ExportOrigin(tmp_path), customers=frozenset({CUSTOMERS[3]}))


def test_an_id_is_not_looked_for_among_names(tmp_path: Path) -> None:
    """Nobody has it there, so that nothing would differ; by their name a customer is found."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, content=Content.PSEUDONYMISED)
    with pytest.raises(HistoryError, match="`txpush pseudonym --kind customer --export FOLDER ID` prints"):
        replayed(ExportOrigin(tmp_path), customers=frozenset({CUSTOMERS[2]}), policy=QUIET)
    name = Names(KEY, 3, None).customer(CUSTOMERS[2])
    found = replayed(ExportOrigin(tmp_path), customers=frozenset({name}), policy=QUIET)
    assert {one.customer for outcome in found.outcomes for one in outcome.first} == {name}


def test_an_export_of_a_time_on_is_refused(tmp_path: Path) -> None:
    """Decisions are derived from the beginning: the words say which export has it."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, since_ms=to_epoch_ms(START + 100 * MINUTE))
    with pytest.raises(HistoryError, match="of an export without --from"):
        replayed(ExportOrigin(tmp_path))


def test_part_of_an_export_of_one_customer_is_of_that_customer(tmp_path: Path) -> None:
    """Neither a snapshot, which follows from all, nor a partition without the customer is compared with it."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, customers=(CUSTOMERS[2],))
    with pytest.raises(HistoryError, match="leave --snapshot out"):
        replayed(ExportOrigin(tmp_path), snapshots=tmp_path)
    elsewhere = (partition_of(CUSTOMERS[2], 3) + 1) % 3
    with pytest.raises(HistoryError, match=f"only of {CUSTOMERS[2]}, in partition"):
        asyncio.run(run(ExportOrigin(tmp_path), Asked(offsets={elsewhere: Span(0, 5)}), HOW, lambda *_: None))
